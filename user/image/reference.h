/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image references as people write them ("nginx") and as the store and the registries know them
 * ("docker.io/library/nginx:latest").  Pure.
 */
#pragma once

#define REFERENCE_NAME_MAX \
	255		  /* registry and repository, as the distribution specification has it */
#define REFERENCE_MAX 512 /* with tag, digest and NUL */

struct err;

struct reference {
	char text[REFERENCE_MAX];   /* normalised, tag and digest included */
	char source[REFERENCE_MAX]; /* what a registry is asked for: a digest makes the tag void */
};

/* Parses and normalises @text.  -EINVAL with Kubernetes' words for InvalidImageName. */
int reference_parse(const char *text, struct reference *ret, struct err *err);
