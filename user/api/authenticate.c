// SPDX-License-Identifier: Apache-2.0
#include "user/api/authenticate.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "user/api/authorize.h"
#include "user/api/failure.h"
#include "user/api/token.h"
#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/http/server.h"
#include "user/http/tls.h"

#define LOCAL_USER  "system:apiserver"
#define GROUPS_MOST 64

static int refuse(struct failure *failure)
{
	return failure_set(failure, 401, "Unauthorized", "Unauthorized");
}

static int no_memory(struct failure *failure)
{
	return failure_internal(failure, "out of memory");
}

/* Common name and organizations are user and groups. */
static int from_certificate(const struct tls_peer *peer, struct identity *ret)
{
	int r = identity_make(peer->name, "", ret);

	for (size_t i = 0; r == 0 && i < peer->organization_count; i++)
		r = identity_add_group(ret, peer->organizations[i]);
	return r < 0 ? r : identity_add_group(ret, GROUP_AUTHENTICATED);
}

/* A connection may live longer than what was shown when it began. */
static bool is_over(const struct tls_peer *peer)
{
	return (int64_t)(clock_wall() / USEC_PER_SEC) > peer->expires;
}

static const char *bearer_token(const struct http_exchange *exchange)
{
	static const char scheme[] = "Bearer ";
	const char *value = http_exchange_header(exchange, "Authorization");

	if (!value || strncasecmp(value, scheme, strlen(scheme)) != 0)
		return NULL;
	return value + strlen(scheme) + strspn(value + strlen(scheme), " ");
}

int authenticate(struct api *api, const struct http_exchange *exchange, struct identity *ret,
	struct failure *failure)
{
	const struct tls_peer *peer = http_exchange_peer(exchange);
	const char *token = bearer_token(exchange);
	int r;

	if (peer && peer->trusted && peer->name[0] && !is_over(peer))
		return from_certificate(peer, ret) < 0 ? no_memory(failure) : 0;
	if (!token)
		return refuse(failure);
	r = token_verify(api, token, NULL, ret, NULL, NULL);
	return r == -ENOMEM ? no_memory(failure) : r < 0 ? refuse(failure) : 0;
}

int authenticate_local(struct identity *ret, struct failure *failure)
{
	int r = identity_make(LOCAL_USER, "", ret);

	if (r == 0)
		r = identity_add_group(ret, GROUP_MASTERS);
	if (r == 0)
		r = identity_add_group(ret, GROUP_AUTHENTICATED);
	return r < 0 ? no_memory(failure) : 0;
}

/* --- acting as another --- */

static int impersonate_one(struct api *api, const struct identity *who, const char *resource,
	const char *namespace, const char *name, struct failure *failure)
{
	struct access access = {
		.who = who,
		.verb = "impersonate",
		.group = "",
		.version = "v1",
		.resource = resource,
		.subresource = "",
		.namespace = namespace,
		.name = name,
		.fields = "",
	};

	return authorize(api, &access, failure);
}

/* "system:serviceaccount:NS:NAME" is asked for as the account that it is. */
static int impersonate_user(
	struct api *api, const struct identity *who, const char *user, struct failure *failure)
{
	const char *account = user + strlen(USER_ACCOUNT_PREFIX);
	const char *colon;
	AUTO_FREE char *namespace = NULL;

	if (strncmp(user, USER_ACCOUNT_PREFIX, strlen(USER_ACCOUNT_PREFIX)) != 0 ||
		!(colon = strchr(account, ':')))
		return impersonate_one(api, who, "users", "", user, failure);
	namespace = strndup(account, (size_t)(colon - account));
	if (!namespace)
		return no_memory(failure);
	return impersonate_one(api, who, "serviceaccounts", namespace, colon + 1, failure);
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

static int impersonate_groups(struct api *api, const struct http_exchange *exchange,
	const struct identity *who, struct identity *other, struct failure *failure)
{
	for (size_t i = 0; i < GROUPS_MOST; i++) {
		const char *group = http_exchange_header_at(exchange, "Impersonate-Group", i);

		if (!group)
			return 0;
		if (impersonate_one(api, who, "groups", "", group, failure) < 0)
			return -1;
		if (identity_add_group(other, group) < 0)
			return no_memory(failure);
	}
	return failure_set(
		failure, 400, "BadRequest", "more than %d groups to impersonate", GROUPS_MOST);
}

int authenticate_impersonate(struct api *api, const struct http_exchange *exchange,
	struct identity *who, struct failure *failure)
{
	const char *user = http_exchange_header(exchange, "Impersonate-User");
	AUTO_IDENTITY other = {0};

	if (!user) {
		if (http_exchange_header(exchange, "Impersonate-Group") ||
			http_exchange_header(exchange, "Impersonate-Uid"))
			return failure_set(failure, 400, "BadRequest",
				"requested without impersonating a user");
		return 0;
	}
	if (http_exchange_header(exchange, "Impersonate-Uid"))
		return failure_set(
			failure, 400, "BadRequest", "impersonating a uid is not supported");
	if (impersonate_user(api, who, user, failure) < 0)
		return -1;
	if (identity_make(user, "", &other) < 0)
		return no_memory(failure);
	if (impersonate_groups(api, exchange, who, &other, failure) < 0)
		return -1;
	if (complete_groups(user, &other) < 0)
		return no_memory(failure);
	other.by = take_ptr(who->info);
	*who = other;
	other = (struct identity){0};
	return 0;
}
