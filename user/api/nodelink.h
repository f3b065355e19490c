/* SPDX-License-Identifier: Apache-2.0 */
/* The way to a node's own API: where it listens, as its Node object says. */
#pragma once

struct api_request;
struct failure;

/*
 * Answers @request with what node @node answers at @target, over TLS and with our own certificate, now or later;
 * gives -1 when it is not known where that node is reached.
 */
int nodelink_forward(const struct api_request *request, const char *node, const char *target,
	struct failure *failure);
