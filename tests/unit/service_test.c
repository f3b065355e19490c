// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>

#include "tests/check.h"
#include "user/model/manifest.h"
#include "user/model/service.h"

static struct object *read_object(const char *text)
{
	struct manifest *manifest;
	struct object *object;
	struct err err;

	if (manifest_read(text, strlen(text), &manifest, &err) < 0)
		BAIL(err.text);
	if (manifest->count != 1 || !manifest->documents[0].object)
		BAIL(manifest->count ? manifest->documents[0].err.text : "no document");
	object = take_ptr(manifest->documents[0].object);
	manifest_free(manifest);
	return object;
}

static void cleanup_service(struct service **service)
{
	service_free(*service);
}

static void cleanup_object(struct object **object)
{
	object_free(*object);
}

#define AUTO_SERVICE AUTO_CLEANUP(cleanup_service) struct service *
#define AUTO_OBJECT  AUTO_CLEANUP(cleanup_object) struct object *

static struct service *decode(const char *text)
{
	AUTO_OBJECT object = read_object(text);
	struct service *service;
	struct err err;

	if (service_decode(object, &service, &err) < 0)
		BAIL(err.text);
	return service;
}

TEST(a_service_is_decoded)
{
	AUTO_SERVICE s =
		decode("{apiVersion: v1, kind: Service, metadata: {name: web, namespace: ns}, "
		       "spec: {clusterIP: 10.96.0.9, selector: {app: web}, "
		       "publishNotReadyAddresses: true, ports: [{name: a, port: 80}, "
		       "{name: b, port: 81, targetPort: http}, "
		       "{name: c, port: 82, targetPort: 8080}]}}");

	CHECK_STR("name", s->meta.name, "web");
	CHECK_STR("namespace", s->meta.namespace, "ns");
	CHECK("an address", s->cluster_ip_given && !s->headless);
	CHECK_EQ("which", s->cluster_ip.s_addr, inet_addr("10.96.0.9"));
	CHECK_STR("selector", json_string_at(s->selector, "app", ""), "web");
	CHECK("not ready ones too", s->publish_not_ready);
	CHECK_EQ("ports", s->port_count, 3);
	CHECK_STR("name", s->ports[0].name, "a");
	CHECK_EQ("protocol", s->ports[0].protocol, PROTOCOL_TCP);
	CHECK_EQ("the target is the port", s->ports[0].target.number, 80);
	CHECK_STR("a named target", s->ports[1].target.name, "http");
	CHECK_EQ("a numbered target", s->ports[2].target.number, 8080);
	CHECK("without name", !s->ports[2].target.name);
}

TEST(a_headless_service_has_no_address)
{
	AUTO_SERVICE s = decode("{apiVersion: v1, kind: Service, metadata: {name: web}, "
				"spec: {clusterIP: None, selector: {}}}");

	CHECK("headless", s->headless && !s->cluster_ip_given);
	CHECK("no selector", !s->selector);
	CHECK_EQ("no ports", s->port_count, 0);
}

TEST(an_address_may_be_left_to_podnet)
{
	AUTO_SERVICE s = decode("{apiVersion: v1, kind: Service, metadata: {name: web}, "
				"spec: {clusterIP: '', ports: [{port: 80}]}}");

	CHECK("none given", !s->cluster_ip_given && !s->headless);
	CHECK_STR("a single port needs no name", s->ports[0].name, "");
}

TEST(data_is_read_and_decoded)
{
	static const struct {
		const char *what, *text, *key, *want;
	} cases[] = {
		{"a value", "kind: ConfigMap, data: {k: v}", "k", "v"},
		{"an empty value", "kind: ConfigMap, data: {k: ''}", "k", ""},
		{"bytes", "kind: ConfigMap, binaryData: {k: aGk=}", "k", "hi"},
		{"a secret", "kind: Secret, data: {k: aGk=}", "k", "hi"},
		{"broken over lines", "kind: Secret, data: {k: \"aG\\nk=\\n\"}", "k", "hi"},
		{"two padding characters", "kind: Secret, data: {k: aA==}", "k", "h"},
		{"no padding", "kind: Secret, data: {k: aGlo}", "k", "hih"},
		{"text of a secret", "kind: Secret, stringData: {k: hi!}", "k", "hi!"},
		{"text goes over data", "kind: Secret, data: {k: aGk=}, stringData: {k: ho}", "k",
			"ho"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_FREE char *text = NULL;
		AUTO_FREE void *got = NULL;
		struct err err;
		size_t len;

		if (asprintf(&text, "{apiVersion: v1, metadata: {name: a}, %s}", cases[i].text) < 0)
			BAIL("no memory");
		AUTO_OBJECT object = read_object(text);

		if (!CHECK_OK(cases[i].what,
			    object_data_get(object, cases[i].key, &got, &len, &err), &err))
			continue;
		CHECK_STR(cases[i].what, got, cases[i].want);
		CHECK_EQ(cases[i].what, len, strlen(cases[i].want));
	}
}

TEST(a_missing_key_is_named)
{
	AUTO_OBJECT object =
		read_object("{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {k: aGk=}}");
	struct err err;
	void *data;
	size_t len;

	CHECK_FAILS("missing", object_data_get(object, "x", &data, &len, &err), ENOENT, &err,
		"Secret 'default/a' has no key 'x'");
}

static int count_key(const char *key, void *userdata)
{
	char *seen = userdata;

	strcat(seen, key);
	return strcmp(key, "stop") == 0 ? 7 : 0;
}

TEST(keys_are_visited_until_told_to_stop)
{
	AUTO_OBJECT all = read_object("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, "
				      "data: {p: '1', q: '2'}, binaryData: {r: aGk=}}");
	AUTO_OBJECT some = read_object("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, "
				       "data: {p: '1', stop: '2', q: '3'}}");
	char seen[32] = "";

	CHECK_EQ("all", object_data_each(all, count_key, seen), 0);
	CHECK_STR("in order", seen, "pqr");
	seen[0] = '\0';
	CHECK_EQ("stopped", object_data_each(some, count_key, seen), 7);
	CHECK_STR("up to there", seen, "pstop");
}
