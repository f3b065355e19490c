/* SPDX-License-Identifier: Apache-2.0 */
/* Scalars as Kubernetes reads them (sigs.k8s.io/yaml on go-yaml v2: YAML 1.1 with a few of 1.2's forms). */
#pragma once

#include "user/base/json.h"

/*
 * The value of a plain (unquoted) scalar: null, a boolean, a number or the string itself.
 * Returns 0 and a new reference in *@ret; -EDOM for .inf and .nan, which JSON cannot hold;
 * -EILSEQ when the text is not UTF-8; -ENOMEM.
 */
int scalar_resolve(const char *text, size_t len, json_t **ret);

/* A number as JSON: an integer when it is one and fits, as Go prints 1e3 as 1000. */
json_t *scalar_number(double value);

#define SCALAR_NUMBER_LEN 32

/* The shortest decimal text that reads back as the same number.  @number is an integer or a real. */
void scalar_number_text(const json_t *number, char ret[SCALAR_NUMBER_LEN]);
