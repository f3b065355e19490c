// SPDX-License-Identifier: Apache-2.0
#include "user/auth/claims.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"

#define PRIVATE "kubernetes.io"

static void object_write(json_t *private, const char *key, const struct claim_object *object)
{
	if (object->name[0])
		json_object_set_new(private, key,
			json_pack("{s:s, s:s}", "name", object->name, "uid", object->uid));
}

char *token_claims_write(const struct token_claims *claims, const json_t *audiences)
{
	AUTO_FREE char *user =
		fs_format(USER_ACCOUNT_PREFIX "%s:%s", claims->namespace, claims->account.name);
	AUTO_JSON json = NULL;
	json_t *private = json_pack("{s:s}", "namespace", claims->namespace);

	object_write(private, "serviceaccount", &claims->account);
	object_write(private, "pod", &claims->pod);
	object_write(private, "secret", &claims->secret);
	object_write(private, "node", &claims->node);
	json = json_pack("{s:O, s:I, s:I, s:s, s:s, s:o, s:I, s:s?}", "aud", audiences, "exp",
		(json_int_t)claims->expires, "iat", (json_int_t)claims->issued, "iss", TOKEN_ISSUER,
		"jti", claims->id, PRIVATE, private, "nbf", (json_int_t)claims->issued, "sub",
		user);
	return json && user ? json_text(json) : NULL;
}

/* --- reading --- */

/* "aud" may be one string or a list. */
static json_t *audiences_of(const json_t *payload, const json_t *wanted)
{
	const json_t *given = json_object_get(payload, "aud");
	json_t *both = json_array(), *item;
	size_t i;

	json_array_foreach (wanted, i, item) {
		const char *word = json_string_value(item);

		if (json_array_has(given, word) ||
			(json_is_string(given) && strcmp(json_string_value(given), word) == 0))
			json_array_append(both, item);
	}
	return both;
}

static bool text_read(const json_t *json, const char *key, char *ret, size_t size)
{
	const char *text = json_string_at(json, key, "");

	if (strlen(text) >= size)
		return false;
	snprintf(ret, size, "%s", text);
	return true;
}

static bool object_read(const json_t *private, const char *key, struct claim_object *ret)
{
	const json_t *object = json_object_get(private, key);

	return !object || (text_read(object, "name", ret->name, sizeof(ret->name)) &&
				  text_read(object, "uid", ret->uid, sizeof(ret->uid)) &&
				  ret->name[0] && ret->uid[0]);
}

static bool claims_parse(const json_t *payload, struct token_claims *ret)
{
	const json_t *private = json_object_get(payload, PRIVATE);

	*ret = (struct token_claims){
		.issued = json_integer_at(payload, "iat", -1),
		.expires = json_integer_at(payload, "exp", -1),
	};
	return text_read(private, "namespace", ret->namespace, sizeof(ret->namespace)) &&
	       object_read(private, "serviceaccount", &ret->account) &&
	       object_read(private, "pod", &ret->pod) &&
	       object_read(private, "secret", &ret->secret) &&
	       object_read(private, "node", &ret->node) &&
	       text_read(payload, "jti", ret->id, sizeof(ret->id)) && ret->namespace[0] &&
	       ret->account.name[0] && ret->expires >= 0;
}

/* The subject must be the account that the private claims name. */
static bool subject_fits(const json_t *payload, const struct token_claims *claims)
{
	AUTO_FREE char *user =
		fs_format(USER_ACCOUNT_PREFIX "%s:%s", claims->namespace, claims->account.name);

	return user && strcmp(json_string_at(payload, "sub", ""), user) == 0;
}

int token_claims_read(const char *payload, const json_t *audiences, int64_t now,
	struct token_claims *ret, json_t **ret_audiences, struct err *err)
{
	AUTO_JSON json = NULL;
	AUTO_JSON both = NULL;

	if (json_parse(payload, strlen(payload), "token", &json, NULL) < 0 ||
		!claims_parse(json, ret) || !subject_fits(json, ret))
		return err_refuse(err, EBADMSG, "the token is no service account's");
	if (strcmp(json_string_at(json, "iss", ""), TOKEN_ISSUER) != 0)
		return err_refuse(err, EBADMSG, "the token's issuer is another one");
	if (now >= ret->expires)
		return err_refuse(err, EBADMSG, "the token has expired");
	if (now < json_integer_at(json, "nbf", 0))
		return err_refuse(err, EBADMSG, "the token is not valid yet");
	both = audiences_of(json, audiences);
	if (json_array_size(both) == 0)
		return err_refuse(err, EBADMSG, "the token is for another audience");
	*ret_audiences = take_ptr(both);
	return 0;
}

static int bound_extra(
	struct identity *identity, const char *what, const struct claim_object *object)
{
	AUTO_FREE char *name = fs_format("authentication.kubernetes.io/%s-name", what);
	AUTO_FREE char *uid = fs_format("authentication.kubernetes.io/%s-uid", what);
	int r;

	if (!object->name[0])
		return 0;
	if (!name || !uid)
		return -ENOMEM;
	r = identity_add_extra(identity, name, object->name);
	return r < 0 ? r : identity_add_extra(identity, uid, object->uid);
}

int token_claims_identity(const struct token_claims *claims, struct identity *ret)
{
	AUTO_IDENTITY identity = {0};
	AUTO_FREE char *user =
		fs_format(USER_ACCOUNT_PREFIX "%s:%s", claims->namespace, claims->account.name);
	AUTO_FREE char *group = fs_format("system:serviceaccounts:%s", claims->namespace);
	AUTO_FREE char *id = fs_format("JTI=%s", claims->id);
	int r = user && group && id ? identity_make(user, claims->account.uid, &identity) : -ENOMEM;

	if (r == 0)
		r = identity_add_group(&identity, "system:serviceaccounts");
	if (r == 0)
		r = identity_add_group(&identity, group);
	if (r == 0)
		r = identity_add_group(&identity, GROUP_AUTHENTICATED);
	if (r == 0 && claims->id[0])
		r = identity_add_extra(&identity, "authentication.kubernetes.io/credential-id", id);
	if (r == 0)
		r = bound_extra(&identity, "pod", &claims->pod);
	if (r == 0)
		r = bound_extra(&identity, "node", &claims->node);
	if (r == 0)
		ret->info = take_ptr(identity.info);
	return r;
}
