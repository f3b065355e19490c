// SPDX-License-Identifier: Apache-2.0
/* From the graph to the tree: here aliases are expanded and merges applied. */
#include <string.h>

#include "user/base/err.h"
#include "user/model/manifest.h"
#include "user/model/place.h"
#include "user/model/yaml.h"

static int node_to_json(const struct yaml_node *node, const struct place *at, unsigned depth,
	size_t *budget, json_t **ret, struct err *err);

static int map_add(const struct yaml_child *child, const struct place *at, unsigned depth,
	size_t *budget, json_t *map, struct err *err)
{
	json_t *value;
	int r = node_to_json(child->node, PLACE_KEY(at, child->key), depth, budget, &value, err);

	if (r < 0)
		return r;
	return json_object_set_new(map, child->key, value) < 0 ? err_set(err, ENOMEM, "read YAML")
							       : 0;
}

/* Adds what @source has and @map has not: the keys written out win, then the first merge. */
static int map_merge(const struct yaml_node *source, const struct place *at, unsigned depth,
	size_t *budget, json_t *map, struct err *err)
{
	int r = 0;

	if (depth >= MANIFEST_MAX_DEPTH)
		return place_refuse(at, err, "merged deeper than %d levels", MANIFEST_MAX_DEPTH);
	if (source->kind == YAML_NODE_LIST) {
		for (size_t i = 0; r == 0 && i < source->count; i++)
			r = map_merge(source->children[i].node, at, depth + 1, budget, map, err);
		return r;
	}
	for (size_t i = 0; r == 0 && i < source->count; i++) {
		const struct yaml_child *child = &source->children[i];

		if (*budget == 0)
			return place_refuse(
				at, err, "more than %d values in one file", MANIFEST_MAX_NODES);
		--*budget;
		if (child->key && !json_object_get(map, child->key))
			r = map_add(child, at, depth + 1, budget, map, err);
	}
	for (size_t i = 0; r == 0 && i < source->count; i++)
		if (!source->children[i].key)
			r = map_merge(source->children[i].node, at, depth + 1, budget, map, err);
	return r;
}

static int map_to_json(const struct yaml_node *node, const struct place *at, unsigned depth,
	size_t *budget, json_t *map, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < node->count; i++) {
		const struct yaml_child *child = &node->children[i];

		if (!child->key)
			continue;
		if (json_object_get(map, child->key))
			return err_refuse(err, EINVAL, "line %u: duplicate key \"%.80s\"",
				child->line, child->key);
		r = map_add(child, at, depth, budget, map, err);
	}
	for (size_t i = 0; r == 0 && i < node->count; i++)
		if (!node->children[i].key)
			r = map_merge(node->children[i].node, at, depth, budget, map, err);
	return r;
}

static int list_to_json(const struct yaml_node *node, const struct place *at, unsigned depth,
	size_t *budget, json_t *list, struct err *err)
{
	for (size_t i = 0; i < node->count; i++) {
		json_t *value;
		int r = node_to_json(
			node->children[i].node, PLACE_INDEX(at, i), depth, budget, &value, err);

		if (r < 0)
			return r;
		if (json_array_append_new(list, value) < 0)
			return err_set(err, ENOMEM, "read YAML");
	}
	return 0;
}

static int node_to_json(const struct yaml_node *node, const struct place *at, unsigned depth,
	size_t *budget, json_t **ret, struct err *err)
{
	AUTO_JSON value = NULL;
	int r = 0;

	if (*budget == 0)
		return place_refuse(at, err, "more than %d values in one file", MANIFEST_MAX_NODES);
	--*budget;
	if (depth >= MANIFEST_MAX_DEPTH && node->kind != YAML_NODE_SCALAR)
		return place_refuse(at, err, "nested deeper than %d levels", MANIFEST_MAX_DEPTH);
	switch (node->kind) {
	case YAML_NODE_SCALAR: value = json_incref(node->scalar); break;
	case YAML_NODE_LIST: value = json_array(); break;
	case YAML_NODE_MAP: value = json_object(); break;
	}
	if (!value)
		return err_set(err, ENOMEM, "read YAML");
	if (node->kind == YAML_NODE_LIST)
		r = list_to_json(node, at, depth + 1, budget, value, err);
	if (node->kind == YAML_NODE_MAP)
		r = map_to_json(node, at, depth + 1, budget, value, err);
	if (r == 0)
		*ret = json_incref(value);
	return r;
}

int yaml_to_json(const struct yaml_node *root, size_t *budget, json_t **ret, struct err *err)
{
	return node_to_json(root, PLACE_ROOT(root), 0, budget, ret, err);
}

/* Merges can share and nest beyond measure, so a look-up visits a limited number of maps. */
#define LOOKUP_MAX 1000

static const struct yaml_child *key_find(
	const struct yaml_node *node, const char *key, unsigned *visits)
{
	const struct yaml_child *found = NULL;

	if (!node || node->kind == YAML_NODE_SCALAR || ++*visits > LOOKUP_MAX)
		return NULL;
	for (size_t i = 0; node->kind == YAML_NODE_MAP && i < node->count; i++)
		if (node->children[i].key && strcmp(node->children[i].key, key) == 0)
			return &node->children[i];
	/* What is left: the merges of a map, or the maps of a merge's list. */
	for (size_t i = 0; !found && i < node->count; i++)
		if (!node->children[i].key)
			found = key_find(node->children[i].node, key, visits);
	return found;
}

const struct yaml_child *yaml_key(const struct yaml_node *node, const char *key)
{
	unsigned visits = 0;

	return node && node->kind == YAML_NODE_MAP ? key_find(node, key, &visits) : NULL;
}

const struct yaml_child *yaml_index(const struct yaml_node *node, size_t index)
{
	if (!node || node->kind != YAML_NODE_LIST || index >= node->count)
		return NULL;
	return &node->children[index];
}

const char *yaml_string(const struct yaml_node *node, const char *key)
{
	const struct yaml_child *child = yaml_key(node, key);
	const char *text = child && child->node ? json_string_value(child->node->scalar) : NULL;

	return text ? text : "";
}
