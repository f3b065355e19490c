// SPDX-License-Identifier: Apache-2.0
#include "user/image/reference.h"

#include "tests/check.h"

#define HEX64  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX64

TEST(references_are_normalised_as_docker_does)
{
	static const struct {
		const char *what, *text, *want, *source;
	} cases[] = {
		{"a bare name is on Docker Hub, in library, latest", "nginx",
			"docker.io/library/nginx:latest", NULL},
		{"a tag is kept", "nginx:1.22", "docker.io/library/nginx:1.22", NULL},
		{"a user's repository is not in library", "me/app", "docker.io/me/app:latest",
			NULL},
		{"Docker Hub may be named", "docker.io/nginx", "docker.io/library/nginx:latest",
			NULL},
		{"also by its old name", "index.docker.io/nginx", "docker.io/library/nginx:latest",
			NULL},
		{"a first part with a dot is a registry", "quay.io/a/b/c:v1", "quay.io/a/b/c:v1",
			NULL},
		{"a first part with a port is a registry", "box:5000/app", "box:5000/app:latest",
			NULL},
		{"localhost is a registry", "localhost/app", "localhost/app:latest", NULL},
		{"a capital letter makes it a registry", "Box/app", "Box/app:latest", NULL},
		{"an address with a port", "127.0.0.1:5000/a:b", "127.0.0.1:5000/a:b", NULL},
		{"an IPv6 address", "[fd00::1]:5000/app", "[fd00::1]:5000/app:latest", NULL},
		{"a colon without a slash is a tag", "localhost:5000",
			"docker.io/library/localhost:5000", NULL},
		{"a digest needs no tag", "nginx@" DIGEST, "docker.io/library/nginx@" DIGEST, NULL},
		{"a digest makes the tag void", "nginx:1@" DIGEST,
			"docker.io/library/nginx:1@" DIGEST, "docker.io/library/nginx@" DIGEST},
		{"separators inside a name", "a__b/c-d--e/f.g_h",
			"docker.io/a__b/c-d--e/f.g_h:latest", NULL},
		{"a tag may hold capitals and dots", "a:V1.2_x-y", "docker.io/library/a:V1.2_x-y",
			NULL},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct reference reference;
		struct err err;

		if (!CHECK_OK(
			    cases[i].what, reference_parse(cases[i].text, &reference, &err), &err))
			continue;
		CHECK_STR(cases[i].what, reference.text, cases[i].want);
		CHECK_STR(cases[i].what, reference.source,
			cases[i].source ? cases[i].source : cases[i].want);
	}
}

TEST(what_is_no_reference_is_refused_with_the_reason)
{
	static const struct {
		const char *what, *text, *part;
	} cases[] = {
		{"nothing", "", "bad repository name"},
		{"capitals in the name", "Nginx", "repository name must be lowercase"},
		{"capitals below a registry", "quay.io/App", "repository name must be lowercase"},
		{"a blank", "ngi nx", "bad repository name"},
		{"an empty tag", "nginx:", "bad tag"},
		{"a tag that starts with a dash", "nginx:-x", "bad tag"},
		{"two tags", "nginx:a:b", "bad tag"},
		{"a leading slash", "/nginx", "bad repository name"},
		{"a trailing slash", "nginx/", "bad repository name"},
		{"an empty part", "a//b", "bad repository name"},
		{"a part that starts with a dot", "a/.b", "bad repository name"},
		{"dots that would climb", "a/../b", "bad repository name"},
		{"three underscores", "a___b", "bad repository name"},
		{"a port that is none", "box:99999/app", "bad registry"},
		{"port 0", "box:0/app", "bad registry"},
		{"a host that ends with a dash", "box-.io/app", "bad registry"},
		{"an open bracket", "[fd00::1/app", "bad registry"},
		{"a short digest", "nginx@sha256:1234", "bad digest"},
		{"another algorithm", "nginx@sha512:" HEX64, "bad digest"},
		{"a digest in capitals", "nginx@sha256:ABCD", "bad digest"},
		{"an image ID", HEX64, "image ID"},
		{"an option", "--dir", "bad repository name"},
		{"a scheme", "https://quay.io/a", "bad registry"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct reference reference;
		struct err err = {0};

		CHECK_FAILS(cases[i].what, reference_parse(cases[i].text, &reference, &err), EINVAL,
			&err, cases[i].part);
		CHECK_HAS(cases[i].what, err.text, "invalid reference format");
	}
}

TEST(lengths_have_limits)
{
	struct reference reference;
	struct err err = {0};
	char text[1024];

	memset(text, 'a', sizeof(text));
	text[237] = '\0';
	CHECK_OK("255 characters with docker.io/ and library/",
		reference_parse(text, &reference, &err), &err);
	text[237] = 'a';
	text[238] = '\0';
	CHECK_FAILS("256 characters with them", reference_parse(text, &reference, &err), EINVAL,
		&err, "longer than 255");
	text[238] = 'a';
	text[300] = '\0';
	CHECK_FAILS("a name of 300", reference_parse(text, &reference, &err), EINVAL, &err,
		"longer than 255");
	text[300] = 'a';
	text[1023] = '\0';
	CHECK_FAILS("a text of 1023", reference_parse(text, &reference, &err), EINVAL, &err,
		"too long");
	memcpy(text, "a:", 2);
	text[2 + 128] = '\0';
	CHECK_OK("a tag of 128", reference_parse(text, &reference, &err), &err);
	text[2 + 128] = 'a';
	text[2 + 129] = '\0';
	CHECK_FAILS(
		"a tag of 129", reference_parse(text, &reference, &err), EINVAL, &err, "bad tag");
}
