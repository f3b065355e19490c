/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects as rows for people: the columns that upstream's server prints, kind by kind.  The API's Tables and
 * podnetctl print the same cells.  Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "user/base/json.h"

struct column {
	const char *name;   /* "Cluster-IP" */
	const char *type;   /* "string", "integer" */
	const char *format; /* "name" or "" */
	int priority;	    /* 1: only where there is room (-o wide) */
	/*
	 * The cell of @object, at @now seconds since 1970: a string or an integer, the caller's; NULL
	 * when memory is out.
	 */
	json_t *(*cell)(const json_t *object, int64_t now);
};

#define COLUMN_NONE "<none>"

/* The columns of a kind, by its plural: ended by one without a name.  Name and age for those not known. */
const struct column *columns_of(const char *plural);

/* What else a row says of @object ("conditions"), for who greys out what is over; NULL: nothing.  The caller owns it. */
json_t *columns_conditions(const char *plural, const json_t *object);

/* STATUS of a Pod: "Running", "CrashLoopBackOff", "Init:0/1" ... */
void pod_status_text(const json_t *pod, char *ret, size_t size);
/* RESTARTS of a Pod: "0", "3 (5m ago)". */
void pod_restarts_text(const json_t *pod, int64_t now, char *ret, size_t size);
