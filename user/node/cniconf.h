/* SPDX-License-Identifier: Apache-2.0 */
/* The CNI chain as files and JSON: the list of plugins, what each is told, what they answer. */
#pragma once

#include <stddef.h>

#include "user/base/json.h"
#include "user/node/cni.h"

#define CNICONF_SIZE_MAX    (1u << 20)	/* bytes of a list */
#define CNICONF_ANSWER_MAX  (64u << 10) /* bytes of what a plugin prints */
#define CNICONF_PLUGINS_MAX 16
#define CNICONF_REASON	    320 /* bytes of a one-line reason */

/*
 * Reads the first *.conflist or *.conf of @dir by name; a *.conf becomes a list of one.  The caller
 * owns *@ret, which cniconf_check has accepted.  -ENOENT: the directory has none.
 */
int cniconf_load(const char *dir, json_t **ret, struct err *err);

/* Refuses a list without name or plugins, or with a plugin whose type is no plain file name. */
int cniconf_check(const json_t *list, const char *what, struct err *err);

/* The number of plugins. */
size_t cniconf_count(const json_t *list);

/* The name of plugin @index; borrowed from the list. */
const char *cniconf_type(const json_t *list, size_t index);

/* What plugin @index reads on stdin; @previous may be NULL.  The caller owns it; NULL: no memory. */
json_t *cniconf_input(const json_t *list, size_t index, const json_t *previous);

/* Picks the first IPv4 address and what belongs to it.  -EBADMSG: the result has none. */
int cniconf_read_result(const json_t *result, struct cni_result *ret, struct err *err);

/*
 * One line for a plugin that failed, from its answer on stdout, else from its stderr, else from
 * @ended.  Returns the code of its answer, 0 without one.
 */
int cniconf_describe(const char *type, const char *out, const char *errors, const char *ended,
	char ret[CNICONF_REASON]);
