// SPDX-License-Identifier: Apache-2.0
#include "user/auth/identity.h"

#include <errno.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/fs.h"

int identity_make(const char *user, const char *uid, struct identity *ret)
{
	json_t *info = json_pack("{s:s, s:[]}", "username", user, "groups");

	if (info && uid[0] && json_object_set_new(info, "uid", json_string(uid)) < 0) {
		json_decref(info);
		info = NULL;
	}
	ret->info = info;
	return info ? 0 : -ENOMEM;
}

void identity_clear(struct identity *identity)
{
	json_decref(identity->info);
	json_decref(identity->by);
	*identity = (struct identity){0};
}

struct identity identity_ref(const struct identity *identity)
{
	return (struct identity){json_incref(identity->info), json_incref(identity->by)};
}

const char *identity_user(const struct identity *identity)
{
	return json_string_at(identity->info, "username", "");
}

bool identity_has_group(const struct identity *identity, const char *group)
{
	return json_array_has(json_object_get(identity->info, "groups"), group);
}

int identity_add_group(struct identity *identity, const char *group)
{
	json_t *groups = json_object_get(identity->info, "groups");

	if (json_array_has(groups, group))
		return 0;
	return json_array_append_new(groups, json_string(group)) < 0 ? -ENOMEM : 0;
}

int identity_add_extra(struct identity *identity, const char *name, const char *word)
{
	json_t *extra = json_object_get(identity->info, "extra");
	json_t *words;

	if (!extra) {
		extra = json_object();
		if (json_object_set_new(identity->info, "extra", extra) < 0)
			return -ENOMEM;
	}
	words = json_object_get(extra, name);
	if (!words) {
		words = json_array();
		if (json_object_set_new(extra, name, words) < 0)
			return -ENOMEM;
	}
	return json_array_append_new(words, json_string(word)) < 0 ? -ENOMEM : 0;
}

const char *identity_node(const struct identity *identity)
{
	const char *user = identity_user(identity);
	size_t len = strlen(USER_NODE_PREFIX);

	if (!identity_has_group(identity, GROUP_NODES) ||
		strncmp(user, USER_NODE_PREFIX, len) != 0 || !user[len])
		return NULL;
	return user + len;
}

int identity_from_json(const json_t *json, struct identity *ret)
{
	AUTO_IDENTITY identity = {0};
	json_t *group, *extra = json_object_get(json, "extra");
	size_t i;
	int r = identity_make(json_string_at(json, "username", json_string_at(json, "user", "")),
		json_string_at(json, "uid", ""), &identity);

	json_array_foreach (json_object_get(json, "groups"), i, group)
		if (r == 0 && json_is_string(group))
			r = identity_add_group(&identity, json_string_value(group));
	if (r == 0 && json_object_size(extra))
		r = json_object_set(identity.info, "extra", extra) < 0 ? -ENOMEM : 0;
	if (r == 0)
		ret->info = take_ptr(identity.info);
	return r;
}

/* `User "u" cannot get resource "pods/log" in API group "" at the cluster scope` */
static char *access_text(const struct access *access)
{
	const char *user = identity_user(access->who);
	const char *slash = access->subresource && access->subresource[0] ? "/" : "";

	if (access->path)
		return fs_format(
			"User \"%s\" cannot %s path \"%s\"", user, access->verb, access->path);
	if (access->namespace[0])
		return fs_format("User \"%s\" cannot %s resource \"%s%s%s\" in API group \"%s\" in "
				 "the namespace \"%s\"",
			user, access->verb, access->resource, slash, access->subresource,
			access->group, access->namespace);
	return fs_format(
		"User \"%s\" cannot %s resource \"%s%s%s\" in API group \"%s\" at the cluster "
		"scope",
		user, access->verb, access->resource, slash, access->subresource, access->group);
}

char *access_refusal(const struct access *access, const char *reason)
{
	AUTO_FREE char *text = access_text(access);
	const char *colon = reason[0] ? ": " : "";

	if (!text)
		return NULL;
	if (access->path)
		return fs_format("forbidden: %s%s%s", text, colon, reason);
	if (access->name[0])
		return fs_format("%s%s%s \"%s\" is forbidden: %s%s%s", access->resource,
			access->group[0] ? "." : "", access->group, access->name, text, colon,
			reason);
	return fs_format("%s%s%s is forbidden: %s%s%s", access->resource,
		access->group[0] ? "." : "", access->group, text, colon, reason);
}
