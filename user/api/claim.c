// SPDX-License-Identifier: Apache-2.0
#include "user/api/claim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/api/state.h"
#include "user/api/write.h"
#include "user/store/blob.h"
#include "user/store/store.h"

int claims_add(struct claims *claims, enum claim_kind kind, const char *key, uint64_t modified)
{
	struct claim *claim;

	if (claims->count == claims->room) {
		size_t room = claims->room ? claims->room * 2 : 4;
		void *grown = realloc(claims->list, room * sizeof(claims->list[0]));

		if (!grown)
			return -ENOMEM;
		claims->list = grown;
		claims->room = room;
	}
	claim = &claims->list[claims->count++];
	*claim = (struct claim){.kind = kind, .modified = modified};
	snprintf(claim->key, sizeof(claim->key), "%s", key);
	return 0;
}

int claims_put(struct claims *claims, const char *key, uint64_t modified, struct blob *value)
{
	int r = claims_add(claims, CLAIM_PUT, key, modified);

	if (r == 0)
		claims->list[claims->count - 1].value = blob_ref(value);
	return r;
}

void claims_clear(struct claims *claims)
{
	for (size_t i = 0; i < claims->count; i++)
		blob_unref(claims->list[i].value);
	free(claims->list);
	*claims = (struct claims){0};
}

bool claims_take(const struct claims *claims, const char *key)
{
	for (size_t i = 0; i < claims->count; i++)
		if (claims->list[i].kind == CLAIM_TAKE && strcmp(claims->list[i].key, key) == 0)
			return true;
	return false;
}

bool claim_is_free(const struct api *api, const char *key)
{
	if (store_get(api->store, key))
		return false;
	for (const struct write *write = api->writes; write; write = write->next)
		if (claims_take(&write->claims, key))
			return false;
	return true;
}
