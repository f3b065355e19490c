/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ConfigMaps and Secrets that Pods of this node name, and the tokens that their volumes show: each is followed
 * by itself, as a node may not see others, and kept as it was last seen while the API server is away.
 */
#pragma once

#include <stdbool.h>

#include "user/cluster/token.h"
#include "user/model/object.h"

struct client;
struct references;

/*
 * Adds the keys ("ConfigMap/NS/NAME", "Secret/NS/NAME", "Token/...") that a Pod names to the set @keys ({key:
 * true, or the token_request}).  -ENOMEM.
 */
int references_of(const json_t *pod, json_t *keys);

/*
 * @cached: what references_record gave an earlier podnetd; borrowed during the call, may be NULL.
 * @changed: one of them is another now, or known for the first time.  The caller owns *@ret and
 * frees it before the client.  -ENOMEM.
 */
int references_new(struct client *client, const json_t *cached, void (*changed)(void *userdata),
	void *userdata, struct references **ret);

/* Accepts NULL; returns NULL. */
struct references *references_free(struct references *references);

/*
 * Follows exactly those of @keys from now on.  Without memory for one, it is tried again with the
 * next call.
 */
void references_follow(struct references *references, const json_t *keys);

/* Whether the server's answer is known for all of @keys, now or from before. */
bool references_are_known(const struct references *references, const json_t *keys);

/* NULL: there is none.  Borrowed until the loop's next turn. */
const struct object *references_get(const struct references *references, enum object_kind kind,
	const char *namespace, const char *name);

/* Borrowed until the loop's next turn; NULL: there is none, and @err says why. */
const char *references_token(
	const struct references *references, const struct token_want *want, struct err *err);

/* What to keep for the next podnetd.  The caller owns it; NULL when memory is out. */
json_t *references_record(const struct references *references);
