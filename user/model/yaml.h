/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML text becomes a graph of nodes with line numbers (aliases share nodes), then a JSON tree.
 * The graph stays until the JSON was checked, so that a refusal can name the line of its path.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "user/base/json.h"

struct err;
struct place;
struct yaml_reader;

#define YAML_MAX_ANCHORS 1000 /* per document */

enum yaml_kind { YAML_NODE_SCALAR, YAML_NODE_LIST, YAML_NODE_MAP };

struct yaml_node;

struct yaml_child {
	char *key; /* maps only; NULL: a merge (<<) */
	unsigned line;
	struct yaml_node *node; /* NULL in a map that broke off after the key */
};

struct yaml_node {
	enum yaml_kind kind;
	unsigned line; /* 1-based */
	bool open;     /* still being read: an alias to it would be a cycle */
	json_t *scalar;
	struct yaml_child *children;
	size_t count;
	struct yaml_node *next; /* all nodes of the document, for freeing */
};

/*
 * Reads the YAML stream @text, whose first line is @line of the file.  @text is borrowed.
 * @budget counts nodes down over all documents and expansions of a file.
 */
int yaml_reader_new(const char *text, size_t len, unsigned line, size_t *budget,
	struct yaml_reader **ret, struct err *err);
struct yaml_reader *yaml_reader_free(struct yaml_reader *reader);

/*
 * Reads the next document.  Returns 1 and its root, or 0 at the end of the stream.  After an error the
 * root holds what was read before it (or is NULL) and the stream cannot be read further; *@ret_line is
 * where the document begins.  The root belongs to the reader until the next call.
 */
int yaml_reader_next(struct yaml_reader *reader, const struct yaml_node **ret, unsigned *ret_line,
	struct err *err);

/* The JSON of a document, with merge keys applied; duplicate keys are refused.  The caller owns *@ret. */
int yaml_to_json(const struct yaml_node *root, size_t *budget, json_t **ret, struct err *err);

/* The child of a map (merges included) or of a list; NULL when there is none or @node is NULL. */
const struct yaml_child *yaml_key(const struct yaml_node *node, const char *key);
const struct yaml_child *yaml_index(const struct yaml_node *node, size_t index);

/* The string at @key of a map; "" when it is missing or no string.  Borrowed. */
const char *yaml_string(const struct yaml_node *node, const char *key);
