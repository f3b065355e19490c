// SPDX-License-Identifier: Apache-2.0
/* The life of a plan's edits, and what becomes free after a grace period. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/datapath/plan.h"

int plan_add(struct plan *plan, const struct edit *edit)
{
	if (plan->count == plan->room) {
		size_t room = plan->room ? 2 * plan->room : 64;
		struct edit *more = reallocarray(plan->edits, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		plan->edits = more;
		plan->room = room;
	}
	plan->edits[plan->count++] = *edit;
	return 0;
}

void plan_clear(struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		free(plan->edits[i].lines);
	free(plan->edits);
	*plan = (struct plan){};
}

static void retired_free(struct state *state, const struct retired *retired)
{
	uint32_t id = retired->id;

	switch (retired->kind) {
	case RETIRED_ENDPOINT:
		state->endpoints[id] = (struct state_endpoint){};
		id_put(&state->endpoint_ids, id);
		break;
	case RETIRED_BACKEND:
		state->backends[id] = (struct state_backend){};
		id_put(&state->backend_ids, id);
		break;
	case RETIRED_SERVICE:
		free(state->services[id].members);
		state->services[id] = (struct state_service){};
		id_put(&state->service_ids, id);
		break;
	case RETIRED_ROW: memset(state->lines + id, false, retired->count); break;
	}
}

int plan_reclaim(struct state *state, uint64_t epoch, struct plan *plan)
{
	static const enum edit_kind kinds[] = {
		[RETIRED_ENDPOINT] = EDIT_ENDPOINT_FREE,
		[RETIRED_BACKEND] = EDIT_BACKEND_FREE,
		[RETIRED_SERVICE] = EDIT_SERVICE_FREE,
	};
	size_t count = 0;

	while (count < state->retired_count && state->retired[count].epoch < epoch) {
		const struct retired *retired = &state->retired[count];
		int r = 0;

		if (retired->kind != RETIRED_ROW) /* lines nobody leads to may say anything */
			r = plan_add(plan,
				&(struct edit){.kind = kinds[retired->kind], .id = retired->id});
		if (r < 0)
			return r;
		count++;
	}
	if (count == 0)
		return 0;
	for (size_t i = 0; i < count; i++)
		retired_free(state, &state->retired[i]);
	state->retired_count -= count;
	memmove(state->retired, state->retired + count,
		state->retired_count * sizeof(*state->retired));
	return 0;
}
