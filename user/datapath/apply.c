// SPDX-License-Identifier: Apache-2.0
/*
 * Edits on memory that BPF programs read meanwhile: what a reader follows is stored last, and
 * whole.
 */
#include <string.h>

#include "user/datapath/plan.h"

static void endpoint_store(struct endpoint *endpoint, const struct edit *edit)
{
	endpoint->address4 = edit->address.s_addr;
	__atomic_store_n(&endpoint->state, edit->state, __ATOMIC_RELEASE);
}

static void endpoint_free(struct endpoint *endpoint)
{
	__atomic_store_n(&endpoint->state, ENDPOINT_DOWN, __ATOMIC_RELEASE);
	__atomic_store_n(&endpoint->generation, endpoint->generation + 1, __ATOMIC_RELEASE);
	endpoint->address4 = 0;
}

static void backend_store(struct backend *backend, const struct edit *edit)
{
	backend->port = edit->port;
	backend->service = edit->service;
	__atomic_store_n(&backend->endpoint, edit->endpoint, __ATOMIC_RELEASE);
}

/* From now on, flows leave it. */
static void backend_age(struct backend *backend)
{
	__atomic_store_n(
		&backend->generation, (uint16_t)(backend->generation + 1), __ATOMIC_RELEASE);
}

/* Once more: a program on its way may have entered a flow when the backend had just left. */
static void backend_free(struct backend *backend)
{
	__atomic_store_n(&backend->endpoint, 0, __ATOMIC_RELEASE);
	backend_age(backend);
	backend->service = 0;
}

static void service_store(struct service *service, const struct edit *edit)
{
	uint64_t tag;

	memcpy(&tag, &edit->key, sizeof(tag));
	service->accepts = edit->accepts;
	__atomic_store_n(&service->row, edit->row, __ATOMIC_RELEASE);
	__atomic_store_n(&service->tag, tag, __ATOMIC_RELEASE);
}

static void service_free(struct service *service)
{
	__atomic_store_n(&service->tag, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&service->row, 0, __ATOMIC_RELEASE);
	service->accepts = 0;
}

void edit_store(const struct image *image, const struct edit *edit)
{
	uint32_t id = edit->id;

	switch (edit->kind) {
	case EDIT_STATE:
		__atomic_store_n(&image->endpoints[id].state, edit->state, __ATOMIC_RELEASE);
		break;
	case EDIT_ENDPOINT: endpoint_store(&image->endpoints[id], edit); break;
	case EDIT_BACKEND: backend_store(&image->backends[id], edit); break;
	case EDIT_ROW:
		memcpy(&image->rows[id], edit->lines, edit->line_count * sizeof(*edit->lines));
		break;
	case EDIT_SERVICE: service_store(&image->services[id], edit); break;
	case EDIT_SERVICE_ROW:
		__atomic_store_n(&image->services[id].row, edit->row, __ATOMIC_RELEASE);
		break;
	case EDIT_SERVICE_ACCEPTS:
		__atomic_store_n(&image->services[id].accepts, edit->accepts, __ATOMIC_RELEASE);
		break;
	case EDIT_ENDPOINT_FREE: endpoint_free(&image->endpoints[id]); break;
	case EDIT_BACKEND_LEAVE: backend_age(&image->backends[id]); break;
	case EDIT_BACKEND_FREE: backend_free(&image->backends[id]); break;
	case EDIT_SERVICE_FREE: service_free(&image->services[id]); break;
	case EDIT_KEY_ADD:
	case EDIT_KEY_DELETE: break;
	}
}
