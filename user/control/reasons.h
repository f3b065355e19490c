/* SPDX-License-Identifier: Apache-2.0 */
/* Why nodes were refused, and how many for each reason, in upstream's words.  Pure. */
#pragma once

#include <stddef.h>

#define SCHEDULE_MESSAGE 1024 /* bytes of what people are told; what is longer is cut */

#define REASONS_MOST 32 /* different ones; more are not counted */
#define REASON_MAX   400
struct reasons {
	struct reason {
		char text[REASON_MAX];
		unsigned count;
	} list[REASONS_MOST];
	size_t count;
};

/* One node more for that reason. */
void reasons_add(struct reasons *reasons, const char *text);
void reasons_add_many(struct reasons *reasons, const char *text, unsigned count);

/* "0/3 nodes are available: 1 Insufficient cpu, 2 Too many pods." behind what stands in @message. */
void reasons_write(const struct reasons *reasons, size_t nodes, char message[SCHEDULE_MESSAGE]);
