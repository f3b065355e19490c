/* SPDX-License-Identifier: Apache-2.0 */
/* Where in a document a check stands, so that a refusal reads "line 7: spec.containers[0].image: required". */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;
struct yaml_node;

/* Frames live on the stack of the walk; the root has no parent and knows the YAML, if there is one. */
struct place {
	const struct place *parent;
	const char *key; /* NULL: a list's index */
	size_t index;
	bool in_map; /* key is a key of a map, not a field's name */
	const struct yaml_node *yaml;
};

#define PLACE_ROOT(yaml_root)  (&(const struct place){.yaml = (yaml_root)})
#define PLACE_KEY(above, name) (&(const struct place){.parent = (above), .key = (name)})
#define PLACE_ENTRY(above, name) \
	(&(const struct place){.parent = (above), .key = (name), .in_map = true})
#define PLACE_INDEX(above, i) (&(const struct place){.parent = (above), .index = (i)})

/* Describes a refusal at @place with EINVAL; returns -EINVAL. */
int place_refuse(const struct place *place, struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The 1-based line of @place or of the nearest thing above it that the text has; 0: unknown. */
unsigned place_line(const struct place *place);

/* "spec.containers[0].image", cut to @size; control characters become '?'. */
void place_text(const struct place *place, char *ret, size_t size);

/* The same as Kubernetes writes it: a map's key stands in brackets, "data[key]". */
void place_path(const struct place *place, char *ret, size_t size);
