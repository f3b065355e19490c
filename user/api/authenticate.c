// SPDX-License-Identifier: Apache-2.0
#include "user/api/authenticate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "user/api/failure.h"
#include "user/api/state.h"
#include "user/api/stored.h"
#include "user/api/token.h"
#include "user/auth/bootstrap.h"
#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/http/server.h"
#include "user/http/tls.h"
#include "user/model/kinds.h"
#include "user/store/store.h"

#define LOCAL_USER "system:apiserver"

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

static int from_bootstrap(struct api *api, const char *token, struct identity *ret)
{
	const struct kind *kind = kind_by_resource("", "v1", "secrets");
	const struct store_entry *entry;
	char name[sizeof(BOOTSTRAP_NAME_PREFIX) + BOOTSTRAP_ID_LEN], key[STORED_KEY_MAX];
	AUTO_JSON secret = NULL;

	snprintf(name, sizeof(name), BOOTSTRAP_NAME_PREFIX "%.*s", BOOTSTRAP_ID_LEN, token);
	stored_key(kind, BOOTSTRAP_NAMESPACE, name, key);
	entry = store_get(api->store, key);
	if (!entry)
		return -EBADMSG;
	if (stored_decode(entry->value, entry->modified, kind, "v1", &secret) < 0)
		return -ENOMEM;
	return bootstrap_identity(secret, token, (int64_t)(clock_wall() / USEC_PER_SEC), ret, NULL);
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
	r = bootstrap_is_token(token) ? from_bootstrap(api, token, ret)
				      : token_verify(api, token, NULL, ret, NULL, NULL);
	return r == -ENOMEM ? no_memory(failure) : r < 0 ? refuse(failure) : 0;
}

/* By cluster-info a node that is to join knows the authority again; RBAC says whether everybody may see it. */
bool authenticate_is_open(const struct http_exchange *exchange)
{
	const struct tls_peer *peer = http_exchange_peer(exchange);

	return !(peer && peer->presented) && !http_exchange_header(exchange, "Authorization") &&
	       strcmp(http_exchange_path(exchange),
		       "/api/v1/namespaces/kube-public/configmaps/cluster-info") == 0;
}

int authenticate_nobody(struct identity *ret, struct failure *failure)
{
	int r = identity_make(USER_ANONYMOUS, "", ret);

	if (r == 0)
		r = identity_add_group(ret, GROUP_UNAUTHENTICATED);
	return r < 0 ? no_memory(failure) : 0;
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
