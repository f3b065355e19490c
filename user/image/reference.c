// SPDX-License-Identifier: Apache-2.0
#include "user/image/reference.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/err.h"
#include "user/image/digest.h"

#define REFERENCE_TAG_MAX  128
#define REFERENCE_REGISTRY "docker.io"
#define REFERENCE_LIBRARY  "library/"

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* The pieces of one reference; each is a string of its own inside the parsed copy. */
struct pieces {
	const char *registry, *repository;
	const char *library;	  /* what the Hub puts before a lone name, or "" */
	const char *tag, *digest; /* NULL: not given */
};

static bool tag_is_valid(const char *tag)
{
	size_t len = strlen(tag);

	return len >= 1 && len <= REFERENCE_TAG_MAX && tag[0] != '.' && tag[0] != '-' &&
	       strspn(tag, LOWER UPPER DIGITS "_.-") == len;
}

/* Between two runs of letters and digits: one dot, one or two underscores, or any number of dashes. */
static size_t separator_len(const char *text)
{
	if (text[0] == '.')
		return 1;
	if (text[0] == '_')
		return text[1] == '_' ? 2 : 1;
	return strspn(text, "-");
}

static bool repository_is_valid(const char *text)
{
	for (;;) {
		size_t run = strspn(text, LOWER DIGITS);

		if (run == 0)
			return false;
		text += run;
		if (*text == '\0')
			return true;
		run = *text == '/' ? 1 : separator_len(text);
		if (run == 0)
			return false;
		text += run;
	}
}

static bool port_is_valid(const char *port)
{
	size_t len = strlen(port);
	long number;

	if (len < 1 || len > 5 || strspn(port, DIGITS) != len)
		return false;
	number = strtol(port, NULL, 10);
	return number >= 1 && number <= 65535;
}

/* The length of the host part, 0 when it is none: names, IPv4, or IPv6 in brackets. */
static size_t host_len(const char *text)
{
	size_t at = 0;

	if (text[0] == '[') {
		at = 1 + strspn(text + 1, DIGITS "abcdefABCDEF:");
		return at > 1 && text[at] == ']' ? at + 1 : 0;
	}
	for (;;) {
		size_t label = strspn(text + at, LOWER UPPER DIGITS "-");

		if (label == 0 || text[at] == '-' || text[at + label - 1] == '-')
			return 0;
		at += label;
		if (text[at] != '.')
			return at;
		at++;
	}
}

static bool registry_is_valid(const char *text)
{
	size_t len = host_len(text);

	if (len == 0)
		return false;
	return text[len] == '\0' || (text[len] == ':' && port_is_valid(text + len + 1));
}

/* What stands before the first slash is a registry only if it cannot be a Docker Hub user. */
static bool names_registry(const char *first)
{
	return strpbrk(first, ".:" UPPER) || strcmp(first, "localhost") == 0;
}

/* Cuts @copy into its pieces, in place. */
static struct pieces reference_split(char *copy)
{
	struct pieces pieces = {.registry = REFERENCE_REGISTRY, .repository = copy};
	char *at = strchr(copy, '@'), *slash, *colon;

	if (at) {
		*at = '\0';
		pieces.digest = at + 1;
	}
	slash = strrchr(copy, '/');
	colon = strchr(slash ? slash : copy, ':');
	if (colon) {
		*colon = '\0';
		pieces.tag = colon + 1;
	}
	slash = strchr(copy, '/');
	if (!slash)
		return pieces;
	*slash = '\0';
	if (names_registry(copy)) {
		pieces.registry = copy;
		pieces.repository = slash + 1;
	} else {
		*slash = '/';
	}
	if (strcmp(pieces.registry, "index.docker.io") == 0)
		pieces.registry = REFERENCE_REGISTRY;
	return pieces;
}

static const char *pieces_fault(const struct pieces *pieces)
{
	const char *repository = pieces->repository;

	if (!registry_is_valid(pieces->registry))
		return "bad registry";
	if (!repository_is_valid(repository))
		return strpbrk(repository, UPPER) ? "repository name must be lowercase"
						  : "bad repository name";
	if (strlen(repository) == DIGEST_HEX_LEN &&
		strspn(repository, DIGITS "abcdef") == DIGEST_HEX_LEN)
		return "64 hexadecimal digits would be taken for an image ID";
	if (strlen(pieces->registry) + 1 + strlen(pieces->library) + strlen(repository) >
		REFERENCE_NAME_MAX)
		return "name is longer than 255 characters";
	if (pieces->tag && !tag_is_valid(pieces->tag))
		return "bad tag";
	if (pieces->digest && !digest_is_valid(pieces->digest))
		return "bad digest (sha256 and 64 hexadecimal digits are expected)";
	return NULL;
}

int reference_parse(const char *text, struct reference *ret, struct err *err)
{
	char copy[REFERENCE_MAX], name[REFERENCE_NAME_MAX + 1];
	struct pieces pieces;
	const char *fault;

	if (strlen(text) >= sizeof(copy))
		return err_refuse(err, EINVAL,
			"couldn't parse image name \"%.60s...\": invalid reference format: too "
			"long",
			text);
	memcpy(copy, text, strlen(text) + 1);
	pieces = reference_split(copy);
	pieces.library =
		strcmp(pieces.registry, REFERENCE_REGISTRY) == 0 && !strchr(pieces.repository, '/')
			? REFERENCE_LIBRARY
			: "";
	fault = pieces_fault(&pieces);
	if (fault)
		return err_refuse(err, EINVAL,
			"couldn't parse image name \"%.120s\": invalid reference format: %s", text,
			fault);

	if (!pieces.tag && !pieces.digest)
		pieces.tag = "latest";
	if (snprintf(name, sizeof(name), "%s/%s%s", pieces.registry, pieces.library,
		    pieces.repository) >= (int)sizeof(name))
		return err_refuse(err, EINVAL,
			"couldn't parse image name \"%.60s...\": invalid reference format: too "
			"long",
			text);
	snprintf(ret->text, sizeof(ret->text), "%s%s%s%s%s", name, pieces.tag ? ":" : "",
		pieces.tag ? pieces.tag : "", pieces.digest ? "@" : "",
		pieces.digest ? pieces.digest : "");
	snprintf(ret->source, sizeof(ret->source), "%s%s%s", name, pieces.digest ? "@" : ":",
		pieces.digest ? pieces.digest : pieces.tag);
	return 0;
}
