// SPDX-License-Identifier: Apache-2.0
#include "user/model/yaml.h"

#include <string.h>
#include <yaml.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/model/manifest.h"
#include "user/model/place.h"
#include "user/model/scalar.h"

#define TAG "tag:yaml.org,2002:"

struct yaml_anchor {
	char *name;
	struct yaml_node *node;
};

struct yaml_reader {
	yaml_parser_t parser;
	unsigned first_line;
	size_t *budget;
	struct yaml_node *nodes; /* of the present document */
	struct yaml_node *root;
	struct yaml_anchor *anchors;
	size_t anchor_count;
};

static void cleanup_event(yaml_event_t *event)
{
	yaml_event_delete(event);
}

#define AUTO_EVENT AUTO_CLEANUP(cleanup_event) yaml_event_t

static void yaml_document_reset(struct yaml_reader *reader)
{
	while (reader->nodes) {
		struct yaml_node *node = reader->nodes;

		reader->nodes = node->next;
		for (size_t i = 0; i < node->count; i++)
			free(node->children[i].key);
		free(node->children);
		json_decref(node->scalar);
		free(node);
	}
	for (size_t i = 0; i < reader->anchor_count; i++)
		free(reader->anchors[i].name);
	reader->anchor_count = 0;
	reader->root = NULL;
}

int yaml_reader_new(const char *text, size_t len, unsigned line, size_t *budget,
	struct yaml_reader **ret, struct err *err)
{
	struct yaml_reader *reader = calloc(1, sizeof(*reader));

	if (!reader || !yaml_parser_initialize(&reader->parser)) {
		free(reader);
		return err_set(err, ENOMEM, "read YAML");
	}
	yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader->parser, (const unsigned char *)text, len);
	reader->first_line = line;
	reader->budget = budget;
	*ret = reader;
	return 0;
}

struct yaml_reader *yaml_reader_free(struct yaml_reader *reader)
{
	if (!reader)
		return NULL;
	yaml_document_reset(reader);
	free(reader->anchors);
	yaml_parser_delete(&reader->parser);
	free(reader);
	return NULL;
}

static unsigned reader_line(const struct yaml_reader *reader, const yaml_mark_t *mark)
{
	return reader->first_line + (unsigned)mark->line;
}

static int reader_event(struct yaml_reader *reader, yaml_event_t *event, struct err *err)
{
	const yaml_parser_t *parser = &reader->parser;

	if (yaml_parser_parse(&reader->parser, event))
		return 0;
	memset(event, 0, sizeof(*event));
	if (parser->error == YAML_MEMORY_ERROR)
		return err_set(err, ENOMEM, "read YAML");
	/* The reader below the scanner keeps no mark, only an offset: the line is where scanning stood. */
	return err_refuse(err, EINVAL, "line %u: not YAML: %s%s%s",
		reader_line(reader,
			parser->error == YAML_READER_ERROR ? &parser->mark : &parser->problem_mark),
		parser->context ? parser->context : "", parser->context ? ": " : "",
		parser->problem ? parser->problem : "unknown error");
}

static int node_new(struct yaml_reader *reader, enum yaml_kind kind, const yaml_event_t *event,
	struct yaml_node **ret, struct err *err)
{
	unsigned line = reader_line(reader, &event->start_mark);
	struct yaml_node *node;

	if (*reader->budget == 0)
		return err_refuse(err, EINVAL, "line %u: more than %d values in one file", line,
			MANIFEST_MAX_NODES);
	--*reader->budget;
	node = calloc(1, sizeof(*node));
	if (!node)
		return err_set(err, ENOMEM, "read YAML");
	node->kind = kind;
	node->line = line;
	node->next = reader->nodes;
	reader->nodes = node;
	*ret = node;
	return 0;
}

static int node_append(
	struct yaml_node *node, char *key, unsigned line, struct yaml_child **ret, struct err *err)
{
	/* Grows at powers of two. */
	if ((node->count & (node->count - 1)) == 0) {
		size_t room = node->count ? node->count * 2 : 1;
		struct yaml_child *grown =
			reallocarray(node->children, room, sizeof(*node->children));

		if (!grown) {
			free(key);
			return err_set(err, ENOMEM, "read YAML");
		}
		node->children = grown;
	}
	node->children[node->count] = (struct yaml_child){.key = key, .line = line};
	*ret = &node->children[node->count++];
	return 0;
}

static int anchor_add(struct yaml_reader *reader, const yaml_char_t *name, struct yaml_node *node,
	struct err *err)
{
	struct yaml_anchor *grown;
	char *copy;

	if (!name)
		return 0;
	if (reader->anchor_count == YAML_MAX_ANCHORS)
		return err_refuse(err, EINVAL, "line %u: more than %d anchors in one document",
			node->line, YAML_MAX_ANCHORS);
	copy = strdup((const char *)name);
	grown = reallocarray(reader->anchors, reader->anchor_count + 1, sizeof(*reader->anchors));
	if (grown)
		reader->anchors = grown;
	if (!copy || !grown) {
		free(copy);
		return err_set(err, ENOMEM, "read YAML");
	}
	reader->anchors[reader->anchor_count++] = (struct yaml_anchor){copy, node};
	return 0;
}

static int alias_find(struct yaml_reader *reader, const yaml_event_t *event, struct yaml_node **ret,
	struct err *err)
{
	const char *name = (const char *)event->data.alias.anchor;
	unsigned line = reader_line(reader, &event->start_mark);

	/* An anchor may be given again: the last one counts. */
	for (size_t i = reader->anchor_count; i > 0; i--) {
		struct yaml_node *node = reader->anchors[i - 1].node;

		if (strcmp(reader->anchors[i - 1].name, name) != 0)
			continue;
		if (node->open)
			return err_refuse(err, EINVAL,
				"line %u: cyclic YAML: *%.60s stands inside its own anchor", line,
				name);
		*ret = node;
		return 0;
	}
	return err_refuse(err, EINVAL, "line %u: alias *%.60s has no anchor", line, name);
}

/* What an explicit tag demands of the resolved value; NULL when the tag is not ours. */
static bool tag_allows(const char *tag, const json_t *value)
{
	return (strcmp(tag, TAG "int") == 0 && json_is_integer(value)) ||
	       (strcmp(tag, TAG "float") == 0 && json_is_number(value)) ||
	       (strcmp(tag, TAG "bool") == 0 && json_is_boolean(value)) ||
	       (strcmp(tag, TAG "null") == 0 && json_is_null(value));
}

/* Kubernetes keeps timestamps as the text that they are. */
static bool tag_is_string(const char *tag)
{
	return strcmp(tag, "!") == 0 || strcmp(tag, TAG "str") == 0 ||
	       strcmp(tag, TAG "timestamp") == 0;
}

static int scalar_value(
	struct yaml_reader *reader, const yaml_event_t *event, json_t **ret, struct err *err)
{
	const char *text = (const char *)event->data.scalar.value;
	const char *tag = (const char *)event->data.scalar.tag;
	unsigned line = reader_line(reader, &event->start_mark);
	size_t len = event->data.scalar.length;
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	AUTO_JSON value = NULL;
	int r = 0;

	if (memchr(text, '\0', len))
		return err_refuse(err, EINVAL, "line %u: a NUL character is not allowed", line);
	if (tag ? tag_is_string(tag) : !plain) {
		value = json_stringn(text, len);
		r = value ? 0 : -EILSEQ;
	} else {
		r = scalar_resolve(text, len, &value);
	}
	if (r == -EDOM)
		return err_refuse(err, EINVAL, "line %u: JSON has no number '%s'", line, text);
	if (r < 0)
		return err_set(err, -r, "line %u: read a scalar", line);
	if (tag && !tag_is_string(tag) && !tag_allows(tag, value))
		return err_refuse(err, EINVAL, "line %u: tag %.80s does not fit here", line, tag);
	*ret = json_incref(value);
	return 0;
}

static int node_compose(struct yaml_reader *reader, const yaml_event_t *event, unsigned depth,
	struct yaml_node **ret, struct err *err);

static int list_fill(
	struct yaml_reader *reader, struct yaml_node *list, unsigned depth, struct err *err)
{
	for (;;) {
		AUTO_EVENT event = {0};
		struct yaml_child *child;
		int r = reader_event(reader, &event, err);

		if (r < 0)
			return r;
		if (event.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		r = node_append(list, NULL, reader_line(reader, &event.start_mark), &child, err);
		if (r == 0)
			r = node_compose(reader, &event, depth, &child->node, err);
		if (r < 0)
			return r;
	}
}

/* Keys become strings as Kubernetes makes them: 1 is "1", on is "true".  A plain << is a merge. */
static int key_read(struct yaml_reader *reader, const yaml_event_t *event, char **ret_key,
	bool *ret_merge, struct err *err)
{
	unsigned line = reader_line(reader, &event->start_mark);
	char number[SCALAR_NUMBER_LEN];
	AUTO_JSON value = NULL;
	const char *text;
	int r;

	if (event->type != YAML_SCALAR_EVENT)
		return err_refuse(err, EINVAL, "line %u: a key must be a simple scalar", line);
	*ret_merge = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
		     strcmp((const char *)event->data.scalar.value, "<<") == 0;
	r = scalar_value(reader, event, &value, err);
	if (r < 0)
		return r;
	text = json_string_value(value);
	if (json_is_null(value))
		return err_refuse(err, EINVAL, "line %u: a key must not be null", line);
	if (json_is_boolean(value))
		text = json_is_true(value) ? "true" : "false";
	if (json_is_number(value)) {
		scalar_number_text(value, number);
		text = number;
	}
	*ret_key = strdup(text);
	return *ret_key ? 0 : err_set(err, ENOMEM, "read YAML");
}

static bool merge_fits(const struct yaml_node *node)
{
	if (node->kind != YAML_NODE_LIST)
		return node->kind == YAML_NODE_MAP;
	for (size_t i = 0; i < node->count; i++)
		if (node->children[i].node->kind != YAML_NODE_MAP)
			return false;
	return true;
}

static int map_pair(struct yaml_reader *reader, const yaml_event_t *key_event,
	struct yaml_node *map, unsigned depth, struct err *err)
{
	unsigned line = reader_line(reader, &key_event->start_mark);
	AUTO_EVENT event = {0};
	struct yaml_child *child;
	char *key = NULL;
	bool merge = false;
	int r;

	r = key_read(reader, key_event, &key, &merge, err);
	if (r < 0)
		return r;
	if (merge) {
		free(key);
		key = NULL;
	}
	r = node_append(map, key, line, &child, err);
	if (r == 0)
		r = reader_event(reader, &event, err);
	if (r == 0)
		r = node_compose(reader, &event, depth, &child->node, err);
	if (r == 0 && merge && !merge_fits(child->node))
		r = err_refuse(err, EINVAL, "line %u: << needs a map or a list of maps", line);
	return r;
}

static int map_fill(
	struct yaml_reader *reader, struct yaml_node *map, unsigned depth, struct err *err)
{
	for (;;) {
		AUTO_EVENT event = {0};
		int r = reader_event(reader, &event, err);

		if (r < 0)
			return r;
		if (event.type == YAML_MAPPING_END_EVENT)
			return 0;
		r = map_pair(reader, &event, map, depth, err);
		if (r < 0)
			return r;
	}
}

static int collection_compose(struct yaml_reader *reader, const yaml_event_t *event, unsigned depth,
	struct yaml_node **ret, struct err *err)
{
	bool list = event->type == YAML_SEQUENCE_START_EVENT;
	const yaml_char_t *tag =
		list ? event->data.sequence_start.tag : event->data.mapping_start.tag;
	const yaml_char_t *anchor =
		list ? event->data.sequence_start.anchor : event->data.mapping_start.anchor;
	struct yaml_node *node;
	int r;

	if (tag && strcmp((const char *)tag, list ? TAG "seq" : TAG "map") != 0)
		return err_refuse(err, EINVAL, "line %u: tag %.80s does not fit here",
			reader_line(reader, &event->start_mark), (const char *)tag);
	if (depth >= MANIFEST_MAX_DEPTH)
		return err_refuse(err, EINVAL, "line %u: nested deeper than %d levels",
			reader_line(reader, &event->start_mark), MANIFEST_MAX_DEPTH);
	r = node_new(reader, list ? YAML_NODE_LIST : YAML_NODE_MAP, event, &node, err);
	if (r < 0)
		return r;
	/* Set before its content is read: what breaks off is still seen. */
	*ret = node;
	r = anchor_add(reader, anchor, node, err);
	if (r < 0)
		return r;
	node->open = true;
	r = list ? list_fill(reader, node, depth + 1, err) : map_fill(reader, node, depth + 1, err);
	node->open = false;
	return r;
}

static int node_compose(struct yaml_reader *reader, const yaml_event_t *event, unsigned depth,
	struct yaml_node **ret, struct err *err)
{
	struct yaml_node *node;
	int r;

	if (event->type == YAML_ALIAS_EVENT)
		return alias_find(reader, event, ret, err);
	if (event->type != YAML_SCALAR_EVENT)
		return collection_compose(reader, event, depth, ret, err);
	r = node_new(reader, YAML_NODE_SCALAR, event, &node, err);
	if (r == 0)
		r = scalar_value(reader, event, &node->scalar, err);
	if (r == 0)
		r = anchor_add(reader, event->data.scalar.anchor, node, err);
	if (r == 0)
		*ret = node;
	return r;
}

int yaml_reader_next(struct yaml_reader *reader, const struct yaml_node **ret, unsigned *ret_line,
	struct err *err)
{
	int r;

	yaml_document_reset(reader);
	*ret = NULL;
	*ret_line = reader_line(reader, &reader->parser.mark);
	for (;;) {
		AUTO_EVENT event = {0};

		r = reader_event(reader, &event, err);
		if (r < 0)
			return r;
		if (event.type == YAML_STREAM_END_EVENT)
			return 0;
		if (event.type == YAML_STREAM_START_EVENT ||
			event.type == YAML_DOCUMENT_START_EVENT)
			continue;
		*ret_line = reader_line(reader, &event.start_mark);
		r = node_compose(reader, &event, 0, &reader->root, err);
		*ret = reader->root;
		break;
	}
	if (r == 0) {
		AUTO_EVENT end = {0};

		r = reader_event(reader, &end, err);
	}
	return r < 0 ? r : 1;
}
