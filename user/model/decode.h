/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces that Pods and Services decode alike.  The JSON was checked before: nothing here refuses. */
#pragma once

#include "user/model/pod.h"

struct quantity;

/* "TCP", "UDP", "SCTP"; anything else is TCP. */
enum protocol protocol_decode(const char *name);

/* @value: an integer or a string. */
struct port_ref port_ref_decode(const json_t *value);

/* A row of names: the index of @text, or 0. */
unsigned word_decode(const char *text, const char *const *words, unsigned count);

/* The quantity at @map[@key] as @read gives it; @missing when there is none. */
int64_t quantity_decode(const json_t *map, const char *key,
	int (*read)(const struct quantity *quantity, int64_t *ret), int64_t missing);

/* Zeroed memory that lives as long as @pod; NULL when memory is out. */
void *pod_alloc(struct pod *pod, size_t count, size_t size);

/* A NULL-terminated copy of a list of strings; an empty one when @list is missing and @always. */
int pod_strings(struct pod *pod, const json_t *list, bool always, const char ***ret);

/*
 * Each fills @ret (or allocates it in @pod and leaves it when @json is NULL) and returns 0 or -ENOMEM;
 * strings are borrowed from @json.
 */
int handler_decode(struct pod *pod, const json_t *json, struct handler *ret);
int probe_decode(struct pod *pod, const json_t *json, struct probe_spec **ret);
int hook_decode(struct pod *pod, const json_t *json, struct handler **ret);
int volume_decode(struct pod *pod, const json_t *json, struct volume *ret);
int container_decode(struct pod *pod, const json_t *json, struct container *ret);
