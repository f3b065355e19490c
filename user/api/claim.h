/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only one object may have, such as the address of a Service, is a key of the store.  A change of an
 * object takes and gives up keys in its own transaction: two objects never have the same, whoever else writes.
 * Another object that has to change along with it is put in that transaction as well.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/base/cleanup.h"

struct api;
struct blob;

#define CLAIM_KEY_MAX 768

enum claim_kind {
	CLAIM_TAKE,  /* nobody has it yet */
	CLAIM_LEAVE, /* it goes */
	CLAIM_GUARD, /* it is as it was at @modified */
	CLAIM_PUT,   /* it is as it was, and becomes @value */
};

struct claim {
	enum claim_kind kind;
	char key[CLAIM_KEY_MAX];
	uint64_t modified;
	struct blob *value; /* of CLAIM_PUT; owned */
};

/* Born as {0}. */
struct claims {
	struct claim *list;
	size_t count, room;
};

/* -ENOMEM. */
int claims_put(struct claims *claims, const char *key, uint64_t modified, struct blob *value);
int claims_add(struct claims *claims, enum claim_kind kind, const char *key, uint64_t modified);
void claims_clear(struct claims *claims);

#define AUTO_CLAIMS AUTO_CLEANUP(claims_clear) struct claims

/* @key is among those that are taken. */
bool claims_take(const struct claims *claims, const char *key);

/* Nobody has @key, and no write that is under way takes it. */
bool claim_is_free(const struct api *api, const char *key);
