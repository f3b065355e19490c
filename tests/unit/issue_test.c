// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"

#include "user/base/base64.h"
#include "user/base/clock.h"
#include "user/control/issue.h"
#include "user/control/issuerules.h"
#include "user/control/requests.h"
#include "user/pki/request.h"

#define NOW    INT64_C(1795000000)
#define CLIENT "kubernetes.io/kube-apiserver-client-kubelet"
#define SERVE  "kubernetes.io/kubelet-serving"

static struct certificate authority;

static void authority_make(void)
{
	const struct certificate_spec spec = {
		.use = CERTIFICATE_AUTHORITY, .name = "authority", .days = 1};
	struct err err;

	if (!authority.text && certificate_make(&spec, NULL, &authority, &err) < 0)
		BAIL(err.text);
}

/* A request by @user of @group for system:node:n1. */
static json_t *request_of(
	const char *name, const char *user, const char *group, const char *signer, int64_t age)
{
	const struct certificate_spec spec = {
		.name = "system:node:n1", .organization = "system:nodes"};
	AUTO_FREE char *text = NULL, *key = NULL, *encoded = NULL;
	char created[CLOCK_RFC3339_LEN];
	struct err err;

	if (certificate_request_make(&spec, &text, &key, &err) < 0)
		BAIL(err.text);
	encoded = base64_encode(text, strlen(text));
	clock_rfc3339((uint64_t)(NOW - age) * USEC_PER_SEC, created);
	return json_pack("{s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s, s:[s], s:[s, s]}, s:{}}",
		"metadata", "name", name, "uid", name, "creationTimestamp", created, "spec",
		"request", encoded, "signerName", signer, "username", user, "groups", group,
		"usages", "digital signature",
		strcmp(signer, SERVE) == 0 ? "server auth" : "client auth", "status");
}

static void request_decide(json_t *request, const char *type, int64_t age)
{
	char at[CLOCK_RFC3339_LEN];

	clock_rfc3339((uint64_t)(NOW - age) * USEC_PER_SEC, at);
	json_object_set_new(json_object_get(request, "status"), "conditions",
		json_pack(
			"[{s:s, s:s, s:s}]", "type", type, "status", "True", "lastUpdateTime", at));
}

static json_t *token_of(const char *id, const char *once)
{
	return json_pack("{s:{s:o, s:s, s:s}, s:{s:s}}", "metadata", "name",
		json_sprintf("bootstrap-token-%s", id), "namespace", "kube-system", "uid", "t",
		"data", ISSUE_ONCE, once);
}

/* What is planned, in short: "approval Approved AutoApproved;". */
static char *plan_of(json_t *requests, json_t *tokens, const char *user)
{
	struct issue issue = {.requests = requests,
		.tokens = tokens,
		.authority = authority,
		.seconds = 3600,
		.now = NOW};
	struct requests plan = {.again = USEC_NEVER};
	static char text[1000];
	size_t len = 0;

	text[0] = '\0';
	CHECK_EQ("planned", issue_plan(&issue, user, &plan), 0);
	for (size_t i = 0; i < plan.count; i++) {
		const json_t *status = json_object_get(plan.writes[i].body, "status");
		const json_t *conditions = json_object_get(status, "conditions");
		const json_t *last = json_array_get(conditions, json_array_size(conditions) - 1);

		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s %s%s%s;",
			plan.writes[i].method, strrchr(plan.writes[i].target, '/') + 1,
			json_object_get(status, "certificate") ? " certificate "
							       : (last ? " " : ""),
			json_string_at(last, "reason", ""));
	}
	requests_clear(&plan);
	return text;
}

TEST(each_request_gets_what_it_deserves)
{
	static const struct {
		const char *what, *user, *group, *signer, *decided;
		int64_t age, decided_age;
		const char *want;
	} rows[] = {
		{"who joins is approved", "system:bootstrap:abcdef", "system:bootstrappers", CLIENT,
			NULL, 1, 0, "PUT approval AutoApproved;"},
		{"a node for itself", "system:node:n1", "system:nodes", CLIENT, NULL, 1, 0,
			"PUT approval AutoApproved;"},
		{"not for another", "system:node:n2", "system:nodes", CLIENT, NULL, 1, 0, ""},
		{"others wait for people", "jane", "dev", CLIENT, NULL, 1, 0, ""},
		{"servers, too", "system:node:n1", "system:nodes", SERVE, NULL, 1, 0, ""},
		{"what others sign is theirs", "system:node:n1", "system:nodes", "example.com/x",
			"Approved", 1, 1, ""},
		{"what is approved is signed", "jane", "dev", CLIENT, "Approved", 1, 1,
			"PUT status certificate ;"},
		{"what is denied is not", "jane", "dev", CLIENT, "Denied", 1, 1, ""},
		{"a failed one is not tried again", "jane", "dev", CLIENT, "Failed", 1, 1, ""},
		{"a server without a name fails", "system:node:n1", "system:nodes", SERVE,
			"Approved", 1, 1, "PUT status SignerValidationFailure;"},
		{"decided ones are kept for an hour", "jane", "dev", CLIENT, "Denied", 9999, 3599,
			""},
		{"and no longer", "jane", "dev", CLIENT, "Denied", 9999, 3600, "DELETE r;"},
		{"waiting ones for a day", "jane", "dev", CLIENT, NULL, 86400, 0, "DELETE r;"},
	};

	authority_make();
	for (size_t i = 0; i < COUNT(rows); i++) {
		json_t *request =
			request_of("r", rows[i].user, rows[i].group, rows[i].signer, rows[i].age);
		AUTO_JSON requests = json_pack("{s:o}", "/r", request);

		if (rows[i].decided)
			request_decide(request, rows[i].decided, rows[i].decided_age);
		CHECK_STR(rows[i].what, plan_of(requests, NULL, rows[i].user), rows[i].want);
	}
}

TEST(a_token_for_one_lets_one_in)
{
	static const char user[] = "system:bootstrap:abcdef", group[] = "system:bootstrappers";
	json_t *first = request_of("a", user, group, CLIENT, 2);
	AUTO_JSON requests =
		json_pack("{s:o, s:o}", "/a", first, "/b", request_of("b", user, group, CLIENT, 1));
	AUTO_JSON once = json_pack("{s:o}", "kube-system/t", token_of("abcdef", "dHJ1ZQ=="));
	AUTO_JSON many = json_pack("{s:o}", "kube-system/t", token_of("abcdef", "ZmFsc2U="));
	AUTO_JSON other = json_pack("{s:o}", "kube-system/t", token_of("abcdeg", "dHJ1ZQ=="));

	authority_make();
	CHECK_STR("two at once: one", plan_of(requests, once, user),
		"PUT approval AutoApproved;PUT approval TokenUsed;");
	CHECK_STR("a token for many: both", plan_of(requests, many, user),
		"PUT approval AutoApproved;PUT approval AutoApproved;");
	CHECK_STR("another token is another's", plan_of(requests, other, user),
		"PUT approval AutoApproved;PUT approval AutoApproved;");
	request_decide(first, "Approved", 1);
	CHECK_STR("later: no more", plan_of(requests, once, user),
		"PUT status certificate ;PUT approval TokenUsed;");
	CHECK_STR("others are not looked at", plan_of(requests, once, "system:node:n1"), "");
}

TEST(tokens_go_when_they_are_over)
{
	static const struct {
		const char *what, *namespace, *expiration, *once;
		int64_t issued; /* seconds ago; -1: never */
		bool gone;
	} rows[] = {
		{"one without an end stays", "kube-system", NULL, "", -1, false},
		{"one that is over goes", "kube-system", "2026-11-18T11:06:40Z", "", -1, true},
		{"one that is not yet stays", "kube-system", "2026-11-18T11:06:41Z", "", -1, false},
		{"elsewhere it is none", "default", "2026-11-18T11:06:40Z", "", -1, false},
		{"a used one stays for a minute", "kube-system", NULL, "dHJ1ZQ==", 59, false},
		{"then it goes", "kube-system", NULL, "dHJ1ZQ==", 60, true},
		{"one for many stays", "kube-system", NULL, "", 60, false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		json_t *token = token_of("abcdef", rows[i].once);
		json_t *request =
			request_of("r", "system:bootstrap:abcdef", "g", CLIENT, rows[i].issued + 1);
		AUTO_JSON tokens = json_pack("{s:o}", "t", token);
		AUTO_JSON requests = json_pack("{s:o}", "/r", request);
		struct issue issue = {.requests = requests, .tokens = tokens, .now = NOW};
		struct requests plan = {.again = USEC_NEVER};

		json_object_set_new(json_object_get(token, "metadata"), "namespace",
			json_string(rows[i].namespace));
		if (rows[i].expiration) {
			AUTO_FREE char *encoded =
				base64_encode(rows[i].expiration, strlen(rows[i].expiration));

			json_object_set_new(
				json_object_get(token, "data"), "expiration", json_string(encoded));
		}
		if (rows[i].issued >= 0) {
			request_decide(request, "Approved", rows[i].issued);
			json_object_set_new(json_object_get(request, "status"), "certificate",
				json_string("eA=="));
		}
		CHECK_EQ(rows[i].what, issue_token_plan(&issue, "t", &plan), 0);
		CHECK_EQ(rows[i].what, plan.count, rows[i].gone ? 1 : 0);
		requests_clear(&plan);
	}
	certificate_clear(&authority);
}
