// SPDX-License-Identifier: Apache-2.0
#include "user/auth/bootstrap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/base/base64.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/model/value.h"
#include "user/model/wiretime.h"

#define GROUP_MOST 255 /* bytes behind the prefix of a group */

static bool is_words(const char *text, size_t len, const char *more)
{
	for (size_t i = 0; i < len; i++)
		if (!text[i] || (!strchr("abcdefghijklmnopqrstuvwxyz0123456789", text[i]) &&
					!strchr(more, text[i])))
			return false;
	return true;
}

bool bootstrap_is_token(const char *text)
{
	return strlen(text) == BOOTSTRAP_TOKEN_LEN && is_words(text, BOOTSTRAP_ID_LEN, "") &&
	       text[BOOTSTRAP_ID_LEN] == '.' &&
	       is_words(text + BOOTSTRAP_ID_LEN + 1, BOOTSTRAP_SECRET_LEN, "");
}

/* The text at data[@key], "" when there is none.  The caller frees it; NULL when memory is out. */
static char *data_text(const json_t *secret, const char *key)
{
	const char *encoded = json_string_at(json_object_get(secret, "data"), key, "");
	void *text;
	size_t len;
	int r = base64_decode(encoded, &text, &len);

	if (r == 0 && strlen(text) == len)
		return text;
	if (r == 0)
		free(text);
	return r == -ENOMEM ? NULL : strdup("");
}

static bool data_is(const json_t *secret, const char *key, const char *want, size_t len)
{
	AUTO_FREE char *text = data_text(secret, key);

	return text && strlen(text) == len && memcmp(text, want, len) == 0;
}

/* Takes as long for any wrong secret. */
static bool secret_is(const json_t *secret, const char *want)
{
	AUTO_FREE char *text = data_text(secret, "token-secret");
	unsigned difference = 0;

	if (!text || strlen(text) != BOOTSTRAP_SECRET_LEN)
		return false;
	for (size_t i = 0; i < BOOTSTRAP_SECRET_LEN; i++)
		difference |= (unsigned)(text[i] ^ want[i]);
	return difference == 0;
}

/* One that cannot be read is over. */
static bool is_over(const json_t *secret, int64_t now)
{
	AUTO_FREE char *text = data_text(secret, "expiration");
	int64_t until;
	int32_t nanos;

	if (text && !text[0])
		return false;
	if (!text || !value_is_time(text))
		return true;
	wiretime_parse(text, &until, &nanos);
	return until <= now;
}

/* "system:bootstrappers:a-b,..."; anything else is left out, as it could be a group with rights. */
static int groups_add(const json_t *secret, struct identity *identity)
{
	AUTO_FREE char *text = data_text(secret, "auth-extra-groups");
	size_t prefix = strlen(BOOTSTRAP_GROUP ":");
	char *group, *rest = text;
	int r = text ? identity_add_group(identity, BOOTSTRAP_GROUP) : -ENOMEM;

	while (r == 0 && (group = strsep(&rest, ",")))
		if (strncmp(group, BOOTSTRAP_GROUP ":", prefix) == 0 && group[prefix] &&
			strlen(group + prefix) <= GROUP_MOST &&
			is_words(group + prefix, strlen(group + prefix), ":-"))
			r = identity_add_group(identity, group);
	return r < 0 ? r : identity_add_group(identity, GROUP_AUTHENTICATED);
}

int bootstrap_identity(
	const json_t *secret, const char *token, int64_t now, struct identity *ret, struct err *err)
{
	char user[sizeof(BOOTSTRAP_USER_PREFIX) + BOOTSTRAP_ID_LEN];
	AUTO_IDENTITY identity = {0};

	if (strcmp(json_string_at(secret, "type", ""), BOOTSTRAP_TYPE) != 0)
		return err_refuse(err, EBADMSG, "its Secret is none of a bootstrap token");
	if (!data_is(secret, "token-id", token, BOOTSTRAP_ID_LEN) ||
		!secret_is(secret, token + BOOTSTRAP_ID_LEN + 1))
		return err_refuse(err, EBADMSG, "it is another token");
	if (!data_is(secret, "usage-bootstrap-authentication", "true", 4))
		return err_refuse(err, EBADMSG, "the token is not for authentication");
	if (is_over(secret, now))
		return err_refuse(err, EBADMSG, "the token has expired");
	snprintf(user, sizeof(user), BOOTSTRAP_USER_PREFIX "%.*s", BOOTSTRAP_ID_LEN, token);
	if (identity_make(user, "", &identity) < 0 || groups_add(secret, &identity) < 0)
		return err_set(err, ENOMEM, "look at a token");
	ret->info = take_ptr(identity.info);
	return 0;
}
