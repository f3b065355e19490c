/* SPDX-License-Identifier: Apache-2.0 */
/* What is special about Services: the fields that go with their type, their addresses and node ports. */
#pragma once

#include "user/base/json.h"

struct api_request;
struct causes;
struct failure;
struct write;

/* For the table of strategy.c. */
int service_create(const struct api_request *request, json_t *object, struct failure *failure);
int service_update(const struct api_request *request, json_t *object, const json_t *old,
	struct failure *failure);

/*
 * Gives @object (NULL: it goes) what it needs and has not got, refuses what it asks for and cannot have
 * (@causes), and gives up what @old had.  -1: @failure says why.
 */
int service_claim(struct write *write, json_t *object, const json_t *old, struct causes *causes,
	struct failure *failure);

#define NODE_PORT_FIRST 30000
#define NODE_PORT_LAST	32767
#define NODE_PORT_NAMED \
	86 /* at the start: they are given to those who name none only when all others are taken */
