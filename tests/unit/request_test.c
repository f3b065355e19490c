// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"

#include <time.h>

#include "user/pki/request.h"

static const char *const names[] = {"node1.example", "192.0.2.7", "2001:db8::7", NULL};
static const struct certificate_spec node = {
	.name = "system:node:node1", .organization = "system:nodes", .subject_names = names};

static void authority_make(struct certificate *ret, int days)
{
	const struct certificate_spec spec = {
		.use = CERTIFICATE_AUTHORITY, .name = "authority", .days = days};
	struct err err;

	if (!CHECK_OK("authority", certificate_make(&spec, NULL, ret, &err), &err))
		BAIL(err.text);
}

static void request_make(char **ret, char **ret_key)
{
	struct err err;

	if (!CHECK_OK("request", certificate_request_make(&node, ret, ret_key, &err), &err))
		BAIL(err.text);
}

TEST(a_request_is_read_as_it_was_made)
{
	AUTO_FREE char *text = NULL, *key = NULL;
	struct certificate_request request;
	struct err err;

	request_make(&text, &key);
	if (!CHECK_OK("read", certificate_request_read(text, &request, &err), &err))
		return;
	CHECK_STR("name", request.name, "system:node:node1");
	CHECK_STR("organization", request.organizations[0], "system:nodes");
	CHECK("no other", !request.organizations[1]);
	CHECK_STR("DNS name", request.subject_names[0], "node1.example");
	CHECK_STR("address", request.subject_names[1], "192.0.2.7");
	CHECK_STR("IPv6", request.subject_names[2], "2001:db8::7");
	CHECK("no more", !request.subject_names[3] && !request.odd);
	certificate_request_clear(&request);
}

TEST(what_is_no_request_is_refused)
{
	AUTO_FREE char *text = NULL, *key = NULL, *large = calloc(1, REQUEST_MOST + 2);
	struct certificate_request request;
	struct err err;
	char *middle;

	request_make(&text, &key);
	CHECK_FAILS("no PEM", certificate_request_read("nothing", &request, &err), EINVAL, &err,
		"read a request");
	CHECK_FAILS("a key", certificate_request_read(key, &request, &err), EINVAL, &err,
		"read a request");
	middle = text + strlen(text) / 2;
	*middle = *middle == 'A' ? 'B' : 'A';
	CHECK_FAILS("one that was changed", certificate_request_read(text, &request, &err), EINVAL,
		&err, "read a request");
	memset(large, 'A', REQUEST_MOST + 1);
	CHECK_FAILS("a large one", certificate_request_read(large, &request, &err), EINVAL, &err,
		"read a request");
}

TEST(what_is_signed_is_what_was_asked_for)
{
	static const struct certificate_spec want = {.subject_names = names};
	AUTO_CERTIFICATE authority = {0}, made = {0};
	AUTO_FREE char *text = NULL, *name = NULL;
	const char *why = NULL;
	int64_t from, until, now = time(NULL);
	struct err err;

	authority_make(&authority, 10);
	request_make(&text, &made.key);
	if (!CHECK_OK("sign",
		    certificate_request_sign(
			    text, &authority, CERTIFICATE_SERVER, false, 3600, &made.text, &err),
		    &err))
		return;
	CHECK("good", certificate_is_good(&made, &want, &authority, 0, now, &why));
	CHECK_STR("nothing is wrong", why, NULL);
	CHECK_OK("named", certificate_name(made.text, &name, &err), &err);
	CHECK_STR("as asked", name, "system:node:node1");
	CHECK_OK("timed", certificate_times(made.text, &from, &until, &err), &err);
	CHECK("for an hour", until >= now + 3590 && until <= now + 3610);
	CHECK("clocks may differ", from <= now - 290);
}

TEST(nothing_holds_longer_than_its_authority)
{
	AUTO_CERTIFICATE authority = {0};
	AUTO_FREE char *text = NULL, *key = NULL, *made = NULL;
	int64_t from, until, ends;
	struct err err;

	authority_make(&authority, 1);
	request_make(&text, &key);
	CHECK_OK("sign",
		certificate_request_sign(
			text, &authority, CERTIFICATE_CLIENT, false, 86400 * 365, &made, &err),
		&err);
	CHECK_OK("authority", certificate_times(authority.text, &from, &ends, &err), &err);
	CHECK_OK("certificate", certificate_times(made, &from, &until, &err), &err);
	CHECK_EQ("the same end", until, ends);
}

TEST(authorities_are_known_by_the_hash_of_their_key)
{
	AUTO_CERTIFICATE first = {0}, second = {0};
	char pin[CERTIFICATE_PIN_LEN], again[CERTIFICATE_PIN_LEN], other[CERTIFICATE_PIN_LEN];
	struct err err;

	authority_make(&first, 1);
	authority_make(&second, 1);
	CHECK_OK("pin", certificate_pin(first.text, pin, &err), &err);
	CHECK_OK("again", certificate_pin(first.text, again, &err), &err);
	CHECK_OK("other", certificate_pin(second.text, other, &err), &err);
	CHECK_EQ("64 digits", strlen(pin), strlen("sha256:") + 64);
	CHECK_STR("the same", again, pin);
	CHECK("another", strcmp(pin, other) != 0);
	CHECK_FAILS("no certificate", certificate_pin("x", pin, &err), EBADMSG, &err, "read a");
}
