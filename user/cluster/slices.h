/* SPDX-License-Identifier: Apache-2.0 */
/* EndpointSlices: where Pods of a Service are, here and elsewhere.  Pure. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

#include "user/model/service.h"

enum slice_state { SLICE_READY, SLICE_UNREADY, SLICE_TERMINATING };

struct slice_endpoint {
	struct in_addr address;
	uint16_t port; /* host byte order */
	enum slice_state state;
	bool here;	 /* on the node that was asked for */
	const char *pod; /* its name; "": it is none */
};

/*
 * @slices: key -> EndpointSlice.  The result is "namespace/service" -> [slice], with IPv4 ones
 * only.  The caller owns it; NULL when memory is out.
 */
json_t *slices_index(const json_t *slices);

/*
 * Calls @fn for each endpoint behind @port in @list (an entry of the index; may be NULL).  The
 * endpoint is borrowed during the call.
 */
void slices_each(const json_t *list, const struct service_port *port, const char *node,
	void (*fn)(void *userdata, const struct slice_endpoint *endpoint), void *userdata);

/*
 * What of a Service or EndpointSlice has to be known to serve it: @object without the rest.  NULL:
 * no memory.
 */
json_t *slices_slim(const json_t *object);
