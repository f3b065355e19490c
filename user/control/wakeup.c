// SPDX-License-Identifier: Apache-2.0
#include "user/control/wakeup.h"

#include <string.h>

#include "user/base/cleanup.h"
#include "user/control/filter.h"
#include "user/control/owned.h"
#include "user/control/snapshot.h"

static bool part_differs(const json_t *a, const json_t *b, const char *part, const char *key)
{
	const json_t *in_a = json_object_get(json_object_get(a, part), key);
	const json_t *in_b = json_object_get(json_object_get(b, part), key);

	return in_a != in_b && !json_equal(in_a, in_b);
}

unsigned wakeup_of_node(const json_t *was, const json_t *is)
{
	static const struct {
		const char *part, *key;
		unsigned causes;
	} rows[] = {
		{"status", "allocatable", CAUSE_RESOURCES},
		{"metadata", "labels", CAUSE_PLACEMENT | CAUSE_SPREAD | CAUSE_NEIGHBOURS},
		{"spec", "taints", CAUSE_TAINTS | CAUSE_SPREAD},
		{"spec", "unschedulable", CAUSE_UNSCHEDULABLE},
	};
	unsigned causes = 0;

	if (!is)
		return was ? CAUSE_SPREAD : 0;
	if (!was)
		return CAUSE_ANY & ~(unsigned)CAUSE_WRITING;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (part_differs(was, is, rows[i].part, rows[i].key))
			causes |= rows[i].causes;
	return causes;
}

bool pod_is_placed(const json_t *pod)
{
	const char *phase = json_string_at(json_object_get(pod, "status"), "phase", "");

	return json_string_at(json_object_get(pod, "spec"), "nodeName", "")[0] &&
	       strcmp(phase, "Succeeded") != 0 && strcmp(phase, "Failed") != 0;
}

unsigned wakeup_of_pod(const json_t *was, const json_t *is)
{
	bool there = pod_is_placed(is);
	unsigned causes = 0;

	if (!pod_is_placed(was))
		return there ? CAUSE_NEIGHBOURS | CAUSE_SPREAD : 0;
	if (!there)
		return WAKEUP_ROOM;
	if (part_differs(was, is, "metadata", "labels"))
		causes |= CAUSE_NEIGHBOURS | CAUSE_SPREAD;
	if (meta_is_deleting(was) != meta_is_deleting(is))
		causes |= CAUSE_SPREAD;
	return causes;
}
