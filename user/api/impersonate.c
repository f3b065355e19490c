// SPDX-License-Identifier: Apache-2.0
#include "user/api/impersonate.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/api/authorize.h"
#include "user/api/failure.h"
#include "user/auth/identity.h"
#include "user/base/cleanup.h"
#include "user/http/server.h"
#include "user/http/target.h"

#define USER  "Impersonate-User"
#define UID   "Impersonate-Uid"
#define GROUP "Impersonate-Group"
#define EXTRA "Impersonate-Extra-" /* what follows is its name, escaped as in a path */

#define AUTHENTICATION "authentication.k8s.io"
#define EACH_MOST      64 /* groups, or words */

/* A request to act as another, while it is looked at. */
struct act {
	struct api *api;
	const struct http_exchange *exchange;
	const struct identity *who; /* asks */
	struct identity other;
	struct failure *failure;
};

static int no_memory(struct failure *failure)
{
	return failure_internal(failure, "out of memory");
}

/* Whether he may act as what @access names. */
static int act_may(const struct act *act, struct access access)
{
	AUTO_JSON name = json_string(access.name);
	AUTO_JSON subresource = NULL;

	access.who = act->who;
	access.verb = "impersonate";
	access.version = "v1";
	access.fields = "";
	if (!access.group)
		access.group = "";
	if (!access.subresource)
		access.subresource = "";
	if (!access.namespace)
		access.namespace = "";
	subresource = json_string(access.subresource);
	if (!name || !subresource)
		return failure_set(act->failure, 400, "BadRequest",
			"%s to impersonate are not UTF-8", access.resource);
	return authorize(act->api, &access, act->failure);
}

/* "system:serviceaccount:NS:NAME" is asked for as the account that it is. */
static int act_user(const struct act *act, const char *user)
{
	const char *account = user + strlen(USER_ACCOUNT_PREFIX);
	const char *colon;
	AUTO_FREE char *namespace = NULL;

	if (strncmp(user, USER_ACCOUNT_PREFIX, strlen(USER_ACCOUNT_PREFIX)) != 0 ||
		!(colon = strchr(account, ':')))
		return act_may(act, (struct access){.resource = "users", .name = user});
	namespace = strndup(account, (size_t)(colon - account));
	if (!namespace)
		return no_memory(act->failure);
	return act_may(act,
		(struct access){
			.resource = "serviceaccounts", .namespace = namespace, .name = colon + 1});
}

static int account_groups(const char *user, struct identity *identity)
{
	const char *account = user + strlen(USER_ACCOUNT_PREFIX);
	AUTO_FREE char *group = NULL;

	if (strncmp(user, USER_ACCOUNT_PREFIX, strlen(USER_ACCOUNT_PREFIX)) != 0)
		return 0;
	if (asprintf(&group, "system:serviceaccounts:%.*s", (int)strcspn(account, ":"), account) <
		0) {
		group = NULL;
		return -ENOMEM;
	}
	if (identity_add_group(identity, "system:serviceaccounts") < 0)
		return -ENOMEM;
	return identity_add_group(identity, group);
}

/* Groups that go with a user of that name: an account's unless others were named, and one of two in any case. */
static int complete_groups(const char *user, struct identity *identity)
{
	bool named = json_array_size(json_object_get(identity->info, "groups")) > 0;
	int r = named ? 0 : account_groups(user, identity);

	if (r < 0 || identity_has_group(identity, GROUP_UNAUTHENTICATED))
		return r;
	return identity_add_group(identity,
		strcmp(user, USER_ANONYMOUS) == 0 ? GROUP_UNAUTHENTICATED : GROUP_AUTHENTICATED);
}

static int act_groups(struct act *act)
{
	for (size_t i = 0; i < EACH_MOST; i++) {
		const char *group = http_exchange_header_at(act->exchange, GROUP, i);

		if (!group)
			return 0;
		if (act_may(act, (struct access){.resource = "groups", .name = group}) < 0)
			return -1;
		if (identity_add_group(&act->other, group) < 0)
			return no_memory(act->failure);
	}
	return failure_set(
		act->failure, 400, "BadRequest", "more than %d groups to impersonate", EACH_MOST);
}

/* --- words under a name --- */

/* In small letters; what does not decode stands as it came.  The caller frees it; NULL when memory is out. */
static char *extra_name(const char *escaped)
{
	char *name = strdup(escaped);

	if (!name)
		return NULL;
	if (http_unescape(name) < 0)
		strcpy(name, escaped);
	for (char *c = name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return name;
}

static int act_extra(struct act *act, const char *escaped, const char *word)
{
	AUTO_FREE char *name = extra_name(escaped);

	if (!name)
		return no_memory(act->failure);
	if (act_may(act, (struct access){.group = AUTHENTICATION,
				 .resource = "userextras",
				 .subresource = name,
				 .name = word}) < 0)
		return -1;
	return identity_add_extra(&act->other, name, word) < 0 ? no_memory(act->failure) : 0;
}

static int act_extras(struct act *act)
{
	for (size_t i = 0; i < EACH_MOST; i++) {
		const char *escaped;
		const char *word = http_exchange_header_prefixed(act->exchange, EXTRA, i, &escaped);

		if (!word)
			return 0;
		if (act_extra(act, escaped, word) < 0)
			return -1;
	}
	return failure_set(act->failure, 400, "BadRequest",
		"more than %d words of " EXTRA " to impersonate", EACH_MOST);
}

/* --- all of it --- */

static bool is_asked_for(const struct http_exchange *exchange)
{
	const char *name;

	return http_exchange_header(exchange, GROUP) || http_exchange_header(exchange, UID) ||
	       http_exchange_header_prefixed(exchange, EXTRA, 0, &name);
}

static int act_become(struct act *act, const char *user)
{
	const char *uid = http_exchange_header(act->exchange, UID);

	if (act_user(act, user) < 0)
		return -1;
	if (uid &&
		act_may(act, (struct access){
				     .group = AUTHENTICATION, .resource = "uids", .name = uid}) < 0)
		return -1;
	if (identity_make(user, uid ? uid : "", &act->other) < 0)
		return no_memory(act->failure);
	if (act_groups(act) < 0 || act_extras(act) < 0)
		return -1;
	return complete_groups(user, &act->other) < 0 ? no_memory(act->failure) : 0;
}

int impersonate(struct api *api, const struct http_exchange *exchange, struct identity *who,
	struct failure *failure)
{
	struct act act = {.api = api, .exchange = exchange, .who = who, .failure = failure};
	const char *user = http_exchange_header(exchange, USER);

	if (!user && is_asked_for(exchange))
		return failure_set(
			failure, 400, "BadRequest", "requested without impersonating a user");
	if (!user)
		return 0;
	if (act_become(&act, user) < 0) {
		identity_clear(&act.other);
		return -1;
	}
	act.other.by = take_ptr(who->info);
	*who = act.other;
	return 0;
}
