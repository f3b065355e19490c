/* SPDX-License-Identifier: Apache-2.0 */
/* Selectors of labels and of fields, as a list or watch asks for and as objects carry them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "user/base/json.h"

struct err;
struct kind;
struct label_selector;
struct field_selector;

#define SELECTOR_MAX_TERMS 1000

/*
 * Reads "a=b,c!=d,e in (x,y),f notin (z),g,!h,i>1".  An empty text selects everything.
 * -EINVAL with a text for HTTP 400, -ENOMEM.
 */
int label_selector_parse(const char *text, struct label_selector **ret, struct err *err);

/* Reads a LabelSelector; NULL selects nothing, {} everything.  -EINVAL, -ENOMEM. */
int label_selector_read(const json_t *object, struct label_selector **ret, struct err *err);

/* @labels: an object of strings, or NULL. */
bool label_selector_matches(const struct label_selector *selector, const json_t *labels);

/*
 * False: the object whose compact JSON is @text is not selected, for a key or value that must be in it is not.
 * True: it has to be read.
 */
bool label_selector_may_match(const struct label_selector *selector, const char *text, size_t size);

/* "a=b,c in (d,e)" as Kubernetes writes it into a Scale's status.  The caller frees it; NULL: no memory. */
char *label_selector_text(const struct label_selector *selector);

/* Accepts NULL; returns NULL. */
struct label_selector *label_selector_free(struct label_selector *selector);

/*
 * Reads "metadata.name=a,status.phase!=Running" (also "=="; "\," "\=" and "\\" in values) for objects of
 * @kind, which is borrowed.  -EINVAL with a text for HTTP 400, -ENOMEM.
 */
int field_selector_parse(
	const char *text, const struct kind *kind, struct field_selector **ret, struct err *err);

/* @object: JSON of the selector's kind. */
bool field_selector_matches(const struct field_selector *selector, const json_t *object);

/* As label_selector_may_match. */
bool field_selector_may_match(const struct field_selector *selector, const char *text, size_t size);

/* The value that @path must have ("metadata.name=a": "a"), for look-ups by index; NULL: any.  Borrowed. */
const char *field_selector_value(const struct field_selector *selector, const char *path);

/* Accepts NULL; returns NULL. */
struct field_selector *field_selector_free(struct field_selector *selector);
