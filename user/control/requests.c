// SPDX-License-Identifier: Apache-2.0
#include "user/control/requests.h"

#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/fs.h"

char *request_target(const char *group, const char *version, const char *namespace,
	const char *plural, const char *name, const char *sub)
{
	return fs_format("%s%s/%s%s%s/%s%s%s%s%s", group[0] ? "/apis/" : "/api", group, version,
		namespace ? "/namespaces/" : "", namespace ? namespace : "", plural,
		name ? "/" : "", name ? name : "", sub ? "/" : "", sub ? sub : "");
}

static void write_clear(struct api_write *write)
{
	free(write->target);
	free(write->uid);
	free(write->event.message);
	json_decref(write->event.about);
	json_decref(write->body);
}

static void requests_add(struct requests *requests, struct api_write write)
{
	if (requests->count == requests->room) {
		size_t room = requests->room ? requests->room * 2 : 8;
		void *grown = realloc(requests->writes, room * sizeof(requests->writes[0]));

		if (!grown)
			goto lost;
		requests->writes = grown;
		requests->room = room;
	}
	if (write.target) {
		requests->writes[requests->count++] = write;
		return;
	}
lost:
	requests->no_memory = 1;
	write_clear(&write);
}

static void requests_add_body(
	struct requests *requests, const char *method, char *target, json_t *body)
{
	requests->no_memory |= !body;
	requests_add(
		requests, (struct api_write){.method = method, .target = target, .body = body});
}

void requests_create(struct requests *requests, char *target, json_t *body)
{
	requests_add_body(requests, "POST", target, body);
}

void requests_update(struct requests *requests, char *target, json_t *body)
{
	requests_add_body(requests, "PUT", target, body);
}

void requests_delete_as(
	struct requests *requests, char *target, const char *uid, const char *policy)
{
	requests_add_body(requests, "DELETE", target,
		json_pack("{s:s, s:s, s:s, s:{s:s}}", "kind", "DeleteOptions", "apiVersion", "v1",
			"propagationPolicy", policy, "preconditions", "uid", uid));
}

void requests_delete(struct requests *requests, char *target, const char *uid)
{
	requests_delete_as(requests, target, uid, "Background");
}

void requests_delete_now(struct requests *requests, char *target, const char *uid)
{
	requests_add_body(requests, "DELETE", target,
		json_pack("{s:s, s:s, s:i, s:{s:s}}", "kind", "DeleteOptions", "apiVersion", "v1",
			"gracePeriodSeconds", 0, "preconditions", "uid", uid));
}

void requests_delete_all(struct requests *requests, char *target)
{
	requests_add(requests, (struct api_write){.method = "DELETE", .target = target});
}

void requests_patch(struct requests *requests, char *target, const char *content_type, json_t *body)
{
	requests->no_memory |= !body;
	requests_add(requests, (struct api_write){.method = "PATCH",
				       .target = target,
				       .content_type = content_type,
				       .body = body});
}

void requests_expect_none(struct requests *requests, char *target)
{
	requests_add(requests,
		(struct api_write){.method = "GET", .target = target, .expects = EXPECTS_NONE});
}

void requests_expect_gone(struct requests *requests, char *target, const char *uid)
{
	char *copy = strdup(uid);

	requests->no_memory |= !copy;
	requests_add(requests,
		(struct api_write){
			.method = "GET", .target = target, .expects = EXPECTS_GONE, .uid = copy});
}

static json_t *reference_to(const json_t *object)
{
	const json_t *meta = json_object_get(object, "metadata");
	json_t *reference =
		json_pack("{s:s, s:s, s:s, s:s, s:s}", "kind", json_string_at(object, "kind", ""),
			"apiVersion", json_string_at(object, "apiVersion", ""), "name",
			json_string_at(meta, "name", ""), "uid", json_string_at(meta, "uid", ""),
			"resourceVersion", json_string_at(meta, "resourceVersion", ""));

	if (reference && json_object_get(meta, "namespace"))
		json_object_set(reference, "namespace", json_object_get(meta, "namespace"));
	return reference;
}

static void requests_say(struct requests *requests, struct request_event event)
{
	if (!event.message || !event.about || requests->no_memory || !requests->count) {
		requests->no_memory |= !event.message || !event.about;
		free(event.message);
		json_decref(event.about);
		return;
	}
	requests->writes[requests->count - 1].event = event;
}

void requests_tell(struct requests *requests, const json_t *about, const char *reason,
	const char *failed, char *message)
{
	requests_say(requests, (struct request_event){.type = "Normal",
				       .reason = reason,
				       .failed = failed,
				       .message = message,
				       .about = reference_to(about)});
}

void requests_warn(
	struct requests *requests, const json_t *about, const char *reason, char *message)
{
	requests_say(requests, (struct request_event){.type = "Warning",
				       .reason = reason,
				       .message = message,
				       .about = reference_to(about)});
}

void requests_tell_name(struct requests *requests)
{
	if (requests->count)
		requests->writes[requests->count - 1].event.names = true;
}

void requests_again(struct requests *requests, uint64_t at)
{
	if (at < requests->again)
		requests->again = at;
}

void requests_clear(struct requests *requests)
{
	for (size_t i = 0; i < requests->count; i++)
		write_clear(&requests->writes[i]);
	free(requests->writes);
	*requests = (struct requests){.again = UINT64_MAX};
}
