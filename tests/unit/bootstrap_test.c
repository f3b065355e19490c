// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"

#include "user/auth/bootstrap.h"
#include "user/base/base64.h"

#define TOKEN "abcdef.0123456789abcdef"
#define NOW   INT64_C(1795000000) /* 2026-11-18T11:06:40Z */

/* "key=value;key=value" -> a Secret's data. */
static json_t *secret_of(const char *type, const char *pairs)
{
	json_t *data = json_object();
	AUTO_FREE char *copy = strdup(pairs);
	char *rest = copy, *pair;

	while ((pair = strsep(&rest, ";"))) {
		char *value = strchr(pair, '=');
		AUTO_FREE char *encoded = NULL;

		*value++ = '\0';
		encoded = base64_encode(value, strlen(value));
		json_object_set_new(data, pair, json_string(encoded));
	}
	return json_pack("{s:s, s:o}", "type", type, "data", data);
}

#define GOOD "token-id=abcdef;token-secret=0123456789abcdef;usage-bootstrap-authentication=true"

TEST(tokens_have_a_form)
{
	static const struct {
		const char *text;
		bool want;
	} rows[] = {
		{TOKEN, true},
		{"abcdef.0123456789abcde", false},
		{"abcdef.0123456789abcdef0", false},
		{"abcdeF.0123456789abcdef", false},
		{"abcdef-0123456789abcdef", false},
		{"abcde..0123456789abcdef", false},
		{"eyJhbGciOiJFUzI1NiJ9.e30.x", false},
		{"", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		CHECK_EQ(rows[i].text, bootstrap_is_token(rows[i].text), rows[i].want);
}

TEST(a_token_is_taken_or_refused_for_a_reason)
{
	static const struct {
		const char *what, *type, *data, *refusal;
	} rows[] = {
		{"a good one", BOOTSTRAP_TYPE, GOOD, NULL},
		{"for a while", BOOTSTRAP_TYPE, GOOD ";expiration=2026-11-18T11:06:41Z", NULL},
		{"over", BOOTSTRAP_TYPE, GOOD ";expiration=2026-11-18T11:06:40Z", "has expired"},
		{"with an end that nobody can read", BOOTSTRAP_TYPE, GOOD ";expiration=tomorrow",
			"has expired"},
		{"another kind of Secret", "Opaque", GOOD, "none of a bootstrap token"},
		{"another id", BOOTSTRAP_TYPE,
			"token-id=abcdeg;token-secret=0123456789abcdef;"
			"usage-bootstrap-authentication=true",
			"another token"},
		{"another secret", BOOTSTRAP_TYPE,
			"token-id=abcdef;token-secret=0123456789abcdeg;"
			"usage-bootstrap-authentication=true",
			"another token"},
		{"a shorter secret", BOOTSTRAP_TYPE,
			"token-id=abcdef;token-secret=0123456789abcde;"
			"usage-bootstrap-authentication=true",
			"another token"},
		{"not for this", BOOTSTRAP_TYPE,
			"token-id=abcdef;token-secret=0123456789abcdef;usage-bootstrap-signing="
			"true",
			"not for authentication"},
		{"no more for this", BOOTSTRAP_TYPE,
			"token-id=abcdef;token-secret=0123456789abcdef;"
			"usage-bootstrap-authentication=false",
			"not for authentication"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_JSON secret = secret_of(rows[i].type, rows[i].data);
		AUTO_IDENTITY who = {0};
		struct err err = {0};
		int r = bootstrap_identity(secret, TOKEN, NOW, &who, &err);

		if (rows[i].refusal)
			CHECK_FAILS(rows[i].what, r, EBADMSG, &err, rows[i].refusal);
		else
			CHECK_OK(rows[i].what, r, &err);
	}
}

TEST(groups_are_those_of_joining_nodes_alone)
{
	AUTO_JSON secret = secret_of(BOOTSTRAP_TYPE,
		GOOD ";auth-extra-groups=system:bootstrappers:a-b,system:masters,"
		     "system:bootstrappers:,system:bootstrappers:X");
	AUTO_IDENTITY who = {0};
	AUTO_FREE char *groups = NULL;
	struct err err;

	if (!CHECK_OK("taken", bootstrap_identity(secret, TOKEN, NOW, &who, &err), &err))
		return;
	groups = json_text(json_object_get(who.info, "groups"));
	CHECK_STR("user", identity_user(&who), "system:bootstrap:abcdef");
	CHECK_STR("groups", groups,
		"[\"system:bootstrappers\",\"system:bootstrappers:a-b\",\"system:authenticated\"]");
}
