// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"

#include "user/auth/claims.h"

#define NOW 1000000

static const struct token_claims good = {
	.namespace = "default",
	.account = {"web", "uid-of-web"},
	.pod = {"web-1", "uid-of-pod"},
	.node = {"node1", "uid-of-node"},
	.id = "some-id",
	.issued = NOW,
	.expires = NOW + 3600,
};

TEST(claims_are_read_as_they_were_written)
{
	AUTO_JSON audiences = json_pack("[s,s]", "vault", TOKEN_AUDIENCE);
	AUTO_JSON own = json_pack("[s]", TOKEN_AUDIENCE);
	AUTO_JSON both = NULL;
	AUTO_JSON json = NULL;
	AUTO_FREE char *text = token_claims_write(&good, audiences);
	struct token_claims read;
	struct err err;

	if (!CHECK_OK("read", token_claims_read(text, own, NOW + 3599, &read, &both, &err), &err))
		return;
	CHECK_STR("account", read.account.name, "web");
	CHECK_STR("its uid", read.account.uid, "uid-of-web");
	CHECK_STR("Pod", read.pod.uid, "uid-of-pod");
	CHECK_STR("node", read.node.name, "node1");
	CHECK_STR("no Secret", read.secret.name, "");
	CHECK_EQ("expires", read.expires, NOW + 3600);
	CHECK_EQ("for one of two", json_array_size(both), 1);
	json_parse(text, strlen(text), "claims", &json, NULL);
	CHECK_STR("subject", json_string_at(json, "sub", ""), "system:serviceaccount:default:web");
	CHECK_STR("issuer", json_string_at(json, "iss", ""),
		"https://kubernetes.default.svc.cluster.local");
}

TEST(claims_that_do_not_hold_are_refused)
{
#define ACCOUNT                                                                                  \
	"\"iss\":\"" TOKEN_ISSUER "\",\"sub\":\"system:serviceaccount:n:a\",\"kubernetes.io\":{" \
	"\"namespace\":\"n\",\"serviceaccount\":{\"name\":\"a\",\"uid\":\"u\"}}"
#define FOR_US "\"aud\":[\"" TOKEN_AUDIENCE "\"]"
	static const struct {
		const char *what, *payload, *why; /* why NULL: it holds */
	} cases[] = {
		{"a good one", "{" ACCOUNT "," FOR_US ",\"exp\":1000001}", NULL},
		{"one audience as text",
			"{" ACCOUNT ",\"aud\":\"" TOKEN_AUDIENCE "\",\"exp\":1000001}", NULL},
		{"over", "{" ACCOUNT "," FOR_US ",\"exp\":1000000}", "has expired"},
		{"without an end", "{" ACCOUNT "," FOR_US "}", "no service account's"},
		{"an end that is no number", "{" ACCOUNT "," FOR_US ",\"exp\":\"2000000\"}",
			"no service account's"},
		{"not yet", "{" ACCOUNT "," FOR_US ",\"exp\":1000009,\"nbf\":1000001}",
			"not valid yet"},
		{"for others", "{" ACCOUNT ",\"aud\":[\"vault\"],\"exp\":1000001}",
			"for another audience"},
		{"for nobody", "{" ACCOUNT ",\"exp\":1000001}", "for another audience"},
		{"another issuer",
			"{\"iss\":\"x\",\"sub\":\"system:serviceaccount:n:a\",\"kubernetes.io\":{"
			"\"namespace\":\"n\",\"serviceaccount\":{\"name\":\"a\",\"uid\":\"u\"}}"
			"," FOR_US ",\"exp\":1000001}",
			"issuer is another one"},
		{"another subject",
			"{\"iss\":\"" TOKEN_ISSUER
			"\",\"sub\":\"system:serviceaccount:n:b\",\"kubernetes.io\":{\"namespace\":"
			"\"n\",\"serviceaccount\":{\"name\":\"a\",\"uid\":\"u\"}}," FOR_US
			",\"exp\":1000001}",
			"no service account's"},
		{"an account without a uid",
			"{\"iss\":\"" TOKEN_ISSUER
			"\",\"sub\":\"system:serviceaccount:n:a\",\"kubernetes.io\":{\"namespace\":"
			"\"n\",\"serviceaccount\":{\"name\":\"a\"}}," FOR_US ",\"exp\":1000001}",
			"no service account's"},
		{"no object", "[]", "no service account's"},
		{"no JSON", "{", "no service account's"},
		{"nothing", "", "no service account's"},
	};
	AUTO_JSON own = json_pack("[s]", TOKEN_AUDIENCE);

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_JSON both = NULL;
		struct token_claims claims;
		struct err err;
		int r = token_claims_read(cases[i].payload, own, NOW, &claims, &both, &err);

		if (cases[i].why)
			CHECK_FAILS(cases[i].what, r, EBADMSG, &err, cases[i].why);
		else
			CHECK_OK(cases[i].what, r, &err);
	}
}

TEST(who_comes_with_a_token_is_its_account)
{
	AUTO_IDENTITY who = {0};
	const json_t *extra;

	CHECK_EQ("made", token_claims_identity(&good, &who), 0);
	CHECK_STR("user", identity_user(&who), "system:serviceaccount:default:web");
	CHECK("of all accounts", identity_has_group(&who, "system:serviceaccounts"));
	CHECK("of its namespace's", identity_has_group(&who, "system:serviceaccounts:default"));
	CHECK("known", identity_has_group(&who, GROUP_AUTHENTICATED));
	CHECK("no master", !identity_has_group(&who, GROUP_MASTERS));
	CHECK("no node", !identity_node(&who));
	extra = json_object_get(who.info, "extra");
	CHECK_STR("Pod",
		json_string_value(json_array_get(
			json_object_get(extra, "authentication.kubernetes.io/pod-name"), 0)),
		"web-1");
}
