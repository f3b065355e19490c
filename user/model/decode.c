// SPDX-License-Identifier: Apache-2.0
#include "user/model/decode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"

struct pod_block {
	struct pod_block *next;
	max_align_t data[];
};

void *pod_alloc(struct pod *pod, size_t count, size_t size)
{
	struct pod_block *block;
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes) ||
		__builtin_add_overflow(bytes, sizeof(*block), &bytes))
		return NULL;
	block = calloc(1, bytes);
	if (!block)
		return NULL;
	block->next = pod->blocks;
	pod->blocks = block;
	return block->data;
}

struct pod *pod_free(struct pod *pod)
{
	if (!pod)
		return NULL;
	while (pod->blocks) {
		struct pod_block *block = pod->blocks;

		pod->blocks = block->next;
		free(block);
	}
	json_decref(pod->json);
	free(pod);
	return NULL;
}

int pod_strings(struct pod *pod, const json_t *list, bool always, const char ***ret)
{
	const char **strings;
	json_t *item;
	size_t i;

	if (json_array_size(list) == 0 && !always)
		return 0;
	strings = pod_alloc(pod, json_array_size(list) + 1, sizeof(*strings));
	if (!strings)
		return -ENOMEM;
	json_array_foreach ((json_t *)list, i, item)
		strings[i] = json_string_value(item);
	*ret = strings;
	return 0;
}

unsigned word_decode(const char *text, const char *const *words, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(words[i], text) == 0)
			return i;
	return 0;
}

enum protocol protocol_decode(const char *name)
{
	if (strcmp(name, "UDP") == 0)
		return PROTOCOL_UDP;
	return strcmp(name, "SCTP") == 0 ? PROTOCOL_SCTP : PROTOCOL_TCP;
}

struct port_ref port_ref_decode(const json_t *value)
{
	return (struct port_ref){
		.name = json_string_value(value),
		.number = (uint16_t)json_integer_value(value),
	};
}

static int http_decode(struct pod *pod, const json_t *json, struct handler *ret)
{
	const json_t *headers = json_object_get(json, "httpHeaders");
	json_t *item;
	size_t i;

	ret->kind = HANDLER_HTTP;
	ret->port = port_ref_decode(json_object_get(json, "port"));
	ret->host = json_string_at(json, "host", NULL);
	ret->path = json_string_at(json, "path", "/");
	ret->https = strcmp(json_string_at(json, "scheme", "HTTP"), "HTTPS") == 0;
	ret->headers = pod_alloc(pod, json_array_size(headers) + 1, sizeof(*ret->headers));
	if (!ret->headers)
		return -ENOMEM;
	json_array_foreach ((json_t *)headers, i, item)
		ret->headers[i] = (struct http_header){
			json_string_at(item, "name", ""), json_string_at(item, "value", "")};
	ret->header_count = i;
	return 0;
}

int handler_decode(struct pod *pod, const json_t *json, struct handler *ret)
{
	const json_t *exec = json_object_get(json, "exec");
	const json_t *http = json_object_get(json, "httpGet");
	const json_t *tcp = json_object_get(json, "tcpSocket");

	if (http)
		return http_decode(pod, http, ret);
	if (exec) {
		ret->kind = HANDLER_EXEC;
		return pod_strings(pod, json_object_get(exec, "command"), true, &ret->argv);
	}
	if (tcp) {
		ret->kind = HANDLER_TCP;
		ret->port = port_ref_decode(json_object_get(tcp, "port"));
		ret->host = json_string_at(tcp, "host", NULL);
		return 0;
	}
	ret->kind = HANDLER_SLEEP;
	ret->sleep_seconds =
		(uint32_t)json_integer_at(json_object_get(json, "sleep"), "seconds", 0);
	return 0;
}

int probe_decode(struct pod *pod, const json_t *json, struct probe_spec **ret)
{
	struct probe_spec *probe;

	if (!json)
		return 0;
	probe = pod_alloc(pod, 1, sizeof(*probe));
	if (!probe)
		return -ENOMEM;
	probe->initial_delay = (uint32_t)json_integer_at(json, "initialDelaySeconds", 0);
	probe->timeout = (uint32_t)json_integer_at(json, "timeoutSeconds", 1);
	probe->period = (uint32_t)json_integer_at(json, "periodSeconds", 10);
	probe->success_threshold = (uint32_t)json_integer_at(json, "successThreshold", 1);
	probe->failure_threshold = (uint32_t)json_integer_at(json, "failureThreshold", 3);
	probe->termination_grace = json_integer_at(json, "terminationGracePeriodSeconds", -1);
	*ret = probe;
	return handler_decode(pod, json, &probe->handler);
}

int hook_decode(struct pod *pod, const json_t *json, struct handler **ret)
{
	if (!json)
		return 0;
	*ret = pod_alloc(pod, 1, sizeof(**ret));
	return *ret ? handler_decode(pod, json, *ret) : -ENOMEM;
}
