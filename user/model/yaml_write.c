// SPDX-License-Identifier: Apache-2.0
#include "user/model/yaml_write.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "user/base/cleanup.h"
#include "user/model/scalar.h"

static int sink(void *userdata, unsigned char *data, size_t len)
{
	return fwrite(data, 1, len, userdata) == len;
}

/* A word that is read back as the text that it is. */
static bool is_plain(const char *text)
{
	AUTO_JSON value = NULL;

	if (!isalpha((unsigned char)text[0]))
		return false;
	for (const char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_-./", *c))
			return false;
	return scalar_resolve(text, strlen(text), &value) == 0 && json_is_string(value);
}

/* Takes @event. */
static bool emit(yaml_emitter_t *emitter, int made, yaml_event_t *event)
{
	return made && yaml_emitter_emit(emitter, event);
}

static bool emit_scalar(yaml_emitter_t *emitter, const char *text, size_t len, bool plain)
{
	yaml_event_t event;
	int made = yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
		(int)len, 1, 1, plain ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE);

	return emit(emitter, made, &event);
}

static bool emit_text(yaml_emitter_t *emitter, const char *text, size_t len)
{
	return emit_scalar(emitter, text, len, strlen(text) == len && is_plain(text));
}

static bool emit_value(yaml_emitter_t *emitter, const json_t *value);

static bool emit_list(yaml_emitter_t *emitter, const json_t *list)
{
	yaml_event_t event;
	json_t *item;
	size_t i;
	bool good = emit(emitter,
		yaml_sequence_start_event_initialize(
			&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE),
		&event);

	json_array_foreach (list, i, item)
		good = good && emit_value(emitter, item);
	return good && emit(emitter, yaml_sequence_end_event_initialize(&event), &event);
}

static bool emit_map(yaml_emitter_t *emitter, const json_t *map)
{
	yaml_event_t event;
	const char *key;
	json_t *value;
	bool good = emit(emitter,
		yaml_mapping_start_event_initialize(
			&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE),
		&event);

	json_object_foreach ((json_t *)map, key, value)
		good = good && emit_text(emitter, key, strlen(key)) && emit_value(emitter, value);
	return good && emit(emitter, yaml_mapping_end_event_initialize(&event), &event);
}

static bool emit_value(yaml_emitter_t *emitter, const json_t *value)
{
	AUTO_FREE char *text = NULL;

	switch (json_typeof(value)) {
	case JSON_OBJECT: return emit_map(emitter, value);
	case JSON_ARRAY: return emit_list(emitter, value);
	case JSON_STRING:
		return emit_text(emitter, json_string_value(value), json_string_length(value));
	default: text = json_dumps(value, JSON_ENCODE_ANY);
	}
	return text && emit_scalar(emitter, text, strlen(text), true);
}

static bool emit_document(yaml_emitter_t *emitter, const json_t *value)
{
	yaml_event_t event;

	return emit(emitter, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING),
		       &event) &&
	       emit(emitter, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1),
		       &event) &&
	       emit_value(emitter, value) &&
	       emit(emitter, yaml_document_end_event_initialize(&event, 1), &event) &&
	       emit(emitter, yaml_stream_end_event_initialize(&event), &event);
}

int yaml_write(const json_t *value, char **ret)
{
	AUTO_FREE char *text = NULL;
	yaml_emitter_t emitter;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	bool good;

	if (!out)
		return -ENOMEM;
	if (!yaml_emitter_initialize(&emitter)) {
		fclose(out);
		return -ENOMEM;
	}
	yaml_emitter_set_output(&emitter, sink, out);
	yaml_emitter_set_unicode(&emitter, 1);
	yaml_emitter_set_width(&emitter, -1);
	good = emit_document(&emitter, value);
	yaml_emitter_delete(&emitter);
	if (fclose(out) != 0 || !good)
		return -ENOMEM;
	*ret = take_ptr(text);
	return 0;
}
