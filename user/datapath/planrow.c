// SPDX-License-Identifier: Apache-2.0
#include "user/datapath/planrow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include "user/base/cleanup.h"
#include "user/datapath/maglev.h"

#define NAME_LEN sizeof("255.255.255.255:65535")

uint32_t planrow_length(size_t count)
{
	return maglev_length(count);
}

static void backend_name(const struct state *state, uint32_t id, char ret[NAME_LEN])
{
	const struct state_backend *backend = &state->backends[id];
	char address[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &state->endpoints[backend->endpoint].address, address, sizeof(address));
	snprintf(ret, NAME_LEN, "%s:%u", address, ntohs(backend->port));
}

static void row_set(struct row_line *lines, size_t position, uint32_t id)
{
	lines[position / ROW_LINE_IDS].backends[position % ROW_LINE_IDS] = id;
}

int planrow_build(
	const struct state *state, const uint32_t *members, size_t count, struct row_line **ret)
{
	uint32_t length = maglev_length(count);
	AUTO_FREE char(*texts)[NAME_LEN] = calloc(count, sizeof(*texts));
	AUTO_FREE const char **names = calloc(count, sizeof(*names));
	AUTO_FREE uint32_t *row = calloc(length, sizeof(*row));
	AUTO_FREE struct row_line *lines =
		calloc(row_lines(ROW_WORD(0, length, 0)), sizeof(*lines));

	if (!texts || !names || !row || !lines)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		backend_name(state, members[i], texts[i]);
		names[i] = texts[i];
	}
	if (maglev_build(names, count, row, length) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < count && i < ROW_LIST; i++)
		row_set(lines, i, members[i]);
	for (uint32_t i = 0; i < length; i++)
		row_set(lines + ROW_LIST_LINES, i, members[row[i]]);
	*ret = take_ptr(lines);
	return 0;
}
