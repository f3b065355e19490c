/* SPDX-License-Identifier: Apache-2.0 */
/* The maps of the data plane in plain memory, for tests of plans: small ones, so that they fill and ids are reused. */
#pragma once

#include <arpa/inet.h>

#include "tests/check.h"
#include "user/datapath/plan.h"

#define ENDPOINTS 24
#define BACKENDS  240
#define SERVICES  12
#define LINES	  1200
#define KEYS	  SERVICES

/* What the kernel would hold. */
struct kernel {
	struct endpoint endpoints[ENDPOINTS];
	struct backend backends[BACKENDS];
	struct service services[SERVICES];
	struct row_line rows[LINES];
	struct image_key keys[KEYS];
	size_t key_count;
};

static inline struct image image_of(struct kernel *kernel)
{
	return (struct image){
		.endpoints = kernel->endpoints,
		.backends = kernel->backends,
		.services = kernel->services,
		.rows = kernel->rows,
		.endpoint_max = ENDPOINTS,
		.backend_max = BACKENDS,
		.service_max = SERVICES,
		.line_max = LINES,
	};
}

static inline struct state *load(struct kernel *kernel)
{
	struct image image = image_of(kernel);
	struct state *state = NULL;

	if (state_load(&image, kernel->keys, kernel->key_count, &state, NULL) < 0)
		BAIL("cannot load the state");
	return state;
}

static inline void key_edit(struct kernel *kernel, const struct edit *edit)
{
	if (edit->kind == EDIT_KEY_ADD) {
		kernel->keys[kernel->key_count++] = (struct image_key){edit->key, edit->id};
		return;
	}
	for (size_t i = 0; i < kernel->key_count; i++) {
		if (memcmp(&kernel->keys[i].key, &edit->key, sizeof(edit->key)) == 0)
			kernel->keys[i--] = kernel->keys[--kernel->key_count];
	}
}

static inline void apply(struct kernel *kernel, const struct edit *edit)
{
	struct image image = image_of(kernel);

	if (edit->kind == EDIT_KEY_ADD || edit->kind == EDIT_KEY_DELETE)
		key_edit(kernel, edit);
	else
		edit_store(&image, edit);
}

static inline struct in_addr address_number(unsigned number)
{
	return (struct in_addr){htonl(0x0af40002 + number)};
}
