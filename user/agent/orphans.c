// SPDX-License-Identifier: Apache-2.0
/* When what is left of Pods without record and manifest may go: once, after the first complete sync. */
#include "user/agent/state.h"
#include "user/base/log.h"

static void orphans_sweep(void *cookie)
{
	struct agent *agent = cookie;

	node_sweep(agent->node);
}

/* The data plane has let go of the Pods that are not known before they die. */
void orphans_look(struct agent *agent)
{
	if (agent->orphans == ORPHANS_SWEPT)
		return;
	if (!pods_may_be_hidden(agent) && !cluster_is_unsure(agent)) {
		agent->orphans = ORPHANS_SWEPT;
		eject_start(agent, NULL, orphans_sweep, agent);
	} else if (agent->orphans == ORPHANS_UNSEEN) {
		agent->orphans = ORPHANS_WAIT;
		log_info("what is left of unknown Pods stays until %s",
			pods_may_be_hidden(agent) ? "every manifest can be read"
						  : "the API server has listed its Pods");
	}
}

bool orphans_wanted(void *userdata, const char *uid)
{
	const struct agent *agent = userdata;
	const struct manifests_entry *entries;
	size_t count;

	if (agent->options->remove)
		return false;
	entries = manifests_entries(agent->manifests, &count);
	for (size_t i = 0; i < count; i++)
		if (entries[i].object->kind == KIND_POD && pods_is_uid(agent, &entries[i], uid))
			return true;
	return clusterpods_want(agent, uid);
}

void orphans_swept(void *userdata)
{
	struct agent *agent = userdata;

	if (agent->options->remove)
		removal_swept(agent);
	else
		pods_sync(agent);
}
