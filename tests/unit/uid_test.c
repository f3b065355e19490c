// SPDX-License-Identifier: Apache-2.0
/* The UID of a manifest's Pod: the same words make the same Pod, and no API server's. */
#include "tests/check.h"
#include "tests/json.h"
#include "user/agent/uid.h"

static struct object object;

static void derive(const char *file, const char *spec, uint64_t incarnation, char ret[UID_LEN])
{
	AUTO_JSON json = json_quoted(spec);

	object_view(json, KIND_POD, &object);
	if (uid_derive(file, &object, incarnation, ret) < 0)
		BAIL("no memory");
}

#define POD(image) "{'metadata':{'name':'web'},'spec':{'containers':[{'image':'" image "'}]}}"

TEST(what_it_follows_from)
{
	char uid[UID_LEN], other[UID_LEN];

	derive("a.yaml", POD("nginx"), 0, uid);
	derive("a.yaml", POD("nginx"), 0, other);
	CHECK_STR("the same words", other, uid);
	derive("b.yaml", POD("nginx"), 0, other);
	CHECK("another file", strcmp(uid, other) != 0);
	derive("a.yaml", POD("busybox"), 0, other);
	CHECK("another spec", strcmp(uid, other) != 0);
	derive("a.yaml", POD("nginx"), 1, other);
	CHECK("another incarnation", strcmp(uid, other) != 0);
}

TEST(it_is_told_from_those_of_an_api_server)
{
	char uid[UID_LEN];

	derive("a.yaml", POD("nginx"), 0, uid);
	CHECK("a manifest's", uid_is_derived(uid));
	CHECK("a random one", !uid_is_derived("20fb1394-af0c-4d83-b69e-908217bbdc0e"));
	CHECK("none at all", !uid_is_derived(""));
}
