// SPDX-License-Identifier: Apache-2.0
#include "user/model/manifest.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/model/place.h"
#include "user/model/schema_rows.h"
#include "user/model/yaml.h"

/* What is left to read of a file. */
struct manifest_input {
	const char *text, *end;
	unsigned line;
	size_t nodes, values; /* budgets: nodes read, and values after aliases were expanded */
	bool full;	      /* there are more documents than MANIFEST_MAX_DOCUMENTS */
	struct manifest *manifest;
};

static const struct schema_field list_fields[] = {
	STRING("apiVersion", 0, .required = true, VALUES("v1")),
	STRING("kind", 0),
	FIELD("metadata", 1, SCHEMA_ANY, DROPPED),
	FIELD("items", 2, SCHEMA_ANY, .shape = SCHEMA_LIST),
	END_OF_FIELDS,
};

static const struct schema_message list_message = {.name = "List", .fields = list_fields};

static int document_add(
	struct manifest *manifest, unsigned line, struct manifest_document **ret, struct err *err)
{
	size_t count = manifest->count;

	/* Grows at powers of two. */
	if ((count & (count - 1)) == 0) {
		struct manifest_document *grown = reallocarray(
			manifest->documents, count ? count * 2 : 1, sizeof(*manifest->documents));

		if (!grown)
			return err_set(err, ENOMEM, "read a manifest");
		manifest->documents = grown;
	}
	*ret = &manifest->documents[count];
	memset(*ret, 0, sizeof(**ret));
	(*ret)->index = (unsigned)count;
	(*ret)->line = line;
	manifest->count++;
	return 0;
}

static void copy(char *ret, size_t size, const char *text)
{
	snprintf(ret, size, "%s", text);
}

/* Who the document is about, as far as it could be read. */
static void document_identify(struct manifest_document *document, const struct yaml_node *node)
{
	const struct yaml_child *meta = yaml_key(node, "metadata");
	const char *namespace = yaml_string(meta ? meta->node : NULL, "namespace");

	copy(document->kind, sizeof(document->kind), yaml_string(node, "kind"));
	copy(document->name, sizeof(document->name), yaml_string(meta ? meta->node : NULL, "name"));
	copy(document->namespace, sizeof(document->namespace),
		*namespace || !document->name[0] ? namespace : DEFAULT_NAMESPACE);
}

/* Adds the outcome of one document or list item.  Only a lack of memory fails. */
static int document_put(struct manifest_input *input, const struct yaml_node *node, unsigned line,
	int result, struct object *object, const struct err *reason, struct err *err)
{
	struct manifest_document *document = NULL;

	if (result == -ENOMEM) {
		*err = *reason;
		return result;
	}
	if (input->manifest->count == MANIFEST_MAX_DOCUMENTS) {
		input->full = true;
		object_free(object);
		return 0;
	}
	if (document_add(input->manifest, line, &document, err) < 0) {
		object_free(object);
		return -ENOMEM;
	}
	document->object = object;
	if (result < 0)
		document->err = *reason;
	document_identify(document, node);
	return 0;
}

static int read_item(struct manifest_input *input, json_t *item, const struct yaml_node *node,
	const struct place *place, struct err *err)
{
	struct object *object = NULL;
	struct err reason;
	int r = object_decode(item, place, &object, &reason);

	return document_put(input, node, place_line(place), r, object, &reason, err);
}

static int read_list(
	struct manifest_input *input, json_t *json, const struct yaml_node *root, struct err *err)
{
	const struct place *top = PLACE_ROOT(root), *place = PLACE_KEY(top, "items");
	struct err reason;
	json_t *item;
	size_t i;
	int r;

	r = schema_apply(json, &list_message, top, &reason);
	if (r < 0)
		return document_put(input, root, root->line, r, NULL, &reason, err);
	json_array_foreach (json_object_get(json, "items"), i, item) {
		const struct yaml_child *list = yaml_key(root, "items");
		const struct yaml_child *child = yaml_index(list ? list->node : NULL, i);

		if (input->full)
			return 0;
		r = read_item(input, item, child ? child->node : NULL, PLACE_INDEX(place, i), err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_document(
	struct manifest_input *input, const struct yaml_node *root, struct err *err)
{
	AUTO_JSON json = NULL;
	struct err reason;
	int r;

	if (json_is_null(root->scalar))
		return 0;
	r = yaml_to_json(root, &input->values, &json, &reason);
	if (r < 0)
		return document_put(input, root, root->line, r, NULL, &reason, err);
	if (strcmp(json_string_at(json, "kind", ""), "List") == 0)
		return read_list(input, json, root, err);
	return read_item(input, json, root, PLACE_ROOT(root), err);
}

/* Whether @marker, "---" or "...", stands alone at the start of @line. */
static bool is_marker(const char *line, const char *end, const char *marker)
{
	return end - line >= 3 && memcmp(line, marker, 3) == 0 &&
	       (end - line == 3 || strchr(" \t\r\n", line[3]));
}

static bool is_preamble(const char *line, const char *end)
{
	while (line < end && (*line == ' ' || *line == '\t' || *line == '\r'))
		line++;
	return line == end || *line == '\n' || *line == '#' || *line == '%';
}

/*
 * The next part of the file: up to the line before the next "---", or to a line "...".  Documents are parted before
 * YAML is parsed, so that a syntax error in one leaves the others readable.
 */
static const char *part_end(const struct manifest_input *input, unsigned *ret_lines)
{
	const char *line = input->text;
	bool begun = false;

	*ret_lines = 0;
	while (line < input->end) {
		const char *newline = memchr(line, '\n', (size_t)(input->end - line));
		bool ends = is_marker(line, input->end, "...");

		if (is_marker(line, input->end, "---")) {
			if (begun)
				return line;
			begun = true;
		} else if (!is_preamble(line, input->end)) {
			begun = true;
		}
		++*ret_lines;
		line = newline ? newline + 1 : input->end;
		if (ends)
			return line;
	}
	return line;
}

/* The 16 bits of "\\uXXXX" at @p, or -1. */
static int escape_at(const char *p, const char *end)
{
	int value = 0;

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		if (!isxdigit((unsigned char)p[i]))
			return -1;
		value = value << 4 |
			(isdigit((unsigned char)p[i]) ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
	}
	return value;
}

/*
 * JSON is YAML but for one thing: it escapes characters beyond U+FFFF as two surrogates of six
 * characters each.  They become YAML's one escape, in place: "\\U0001F600" has ten.
 */
static size_t json_join_surrogates(char *text, size_t len)
{
	const char *in = text, *end = text + len;
	char *out = text, joined[16];

	while (in < end) {
		int high = escape_at(in, end), low = high < 0 ? -1 : escape_at(in + 6, end);

		if (high >= 0xd800 && high < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
			snprintf(joined, sizeof(joined), "\\U%08X",
				(unsigned)(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)));
			out = mempcpy(out, joined, 10);
			in += 12;
			continue;
		}
		/* An escaped backslash escapes nothing. */
		if (*in == '\\' && end - in >= 2)
			*out++ = *in++;
		*out++ = *in++;
	}
	return (size_t)(out - text);
}

static bool is_json(const char *text, size_t len)
{
	size_t blanks = 0;

	while (blanks < len && strchr(" \t\r\n", text[blanks]))
		blanks++;
	return blanks < len && (text[blanks] == '{' || text[blanks] == '[');
}

static void cleanup_reader(struct yaml_reader **reader)
{
	yaml_reader_free(*reader);
}

static int read_part(struct manifest_input *input, const char *text, size_t len, struct err *err)
{
	AUTO_CLEANUP(cleanup_reader) struct yaml_reader *reader = NULL;
	int r;

	r = yaml_reader_new(text, len, input->line, &input->nodes, &reader, err);
	while (r == 0) {
		const struct yaml_node *root;
		struct err reason;
		unsigned line;
		int got = yaml_reader_next(reader, &root, &line, &reason);

		if (got == 0)
			return 0;
		if (got < 0)
			return document_put(input, root, line, got, NULL, &reason, err);
		if (input->full)
			return 0;
		r = read_document(input, root, err);
	}
	return r;
}

static int read_next(struct manifest_input *input, struct err *err)
{
	unsigned lines;
	const char *end = part_end(input, &lines);
	size_t len = (size_t)(end - input->text);
	AUTO_FREE char *joined = NULL;
	int r;

	if (is_json(input->text, len)) {
		joined = malloc(len + 1);
		if (!joined)
			return err_set(err, ENOMEM, "read a manifest");
		memcpy(joined, input->text, len);
		joined[len] = '\0';
		len = json_join_surrogates(joined, len);
	}
	r = read_part(input, joined ? joined : input->text, len, err);
	input->text = end;
	input->line += lines;
	return r;
}

/* Says once, as a document of its own, that the rest of the file is not read. */
static int refuse_rest(
	struct manifest_input *input, const char *limit, unsigned max, struct err *err)
{
	struct manifest_document *document = NULL;

	if (document_add(input->manifest, input->line, &document, err) < 0)
		return -ENOMEM;
	err_refuse(&document->err, EFBIG, "line %u: the file has more than %u %s", input->line, max,
		limit);
	return 0;
}

int manifest_read(const char *text, size_t len, struct manifest **ret, struct err *err)
{
	struct manifest_input input = {.text = text,
		.end = text + len,
		.line = 1,
		.nodes = MANIFEST_MAX_NODES,
		.values = MANIFEST_MAX_NODES,
		.manifest = calloc(1, sizeof(struct manifest))};
	int r = 0;

	if (!input.manifest)
		return err_set(err, ENOMEM, "read a manifest");
	if (len > MANIFEST_MAX_BYTES) {
		input.text = input.end;
		r = refuse_rest(&input, "bytes", MANIFEST_MAX_BYTES, err);
	}
	/* The document that met a limit of values has said so; what follows would only repeat it. */
	while (r == 0 && input.text < input.end && input.nodes && input.values && !input.full)
		r = read_next(&input, err);
	if (r == 0 && input.full)
		r = refuse_rest(&input, "documents", MANIFEST_MAX_DOCUMENTS, err);
	if (r < 0) {
		manifest_free(input.manifest);
		return r;
	}
	*ret = input.manifest;
	return 0;
}

struct manifest *manifest_free(struct manifest *manifest)
{
	if (!manifest)
		return NULL;
	for (size_t i = 0; i < manifest->count; i++)
		object_free(manifest->documents[i].object);
	free(manifest->documents);
	free(manifest);
	return NULL;
}
