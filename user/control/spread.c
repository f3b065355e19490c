// SPDX-License-Identifier: Apache-2.0
#include "user/control/spread.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/control/owned.h"
#include "user/control/placement.h"
#include "user/control/snapshot.h"
#include "user/control/spreaddefault.h"
#include "user/model/affinity.h"
#include "user/model/selector.h"

struct constraint {
	const struct topology *topology;
	struct label_selector *selector;
	int64_t skew, domains_least;
	bool hard, self, by_affinity, by_taints;
	int64_t *counts;      /* of each domain; of each node for wishes about hosts */
	bool *present;	      /* hard: a node of that domain counts */
	unsigned char *takes; /* hard: by node, it counts */
	int64_t least;	      /* -1: not known now */
	double weight;
};

struct spread {
	struct snapshot *snapshot;
	const json_t *pod;
	const char *namespace;
	struct constraint *list;
	size_t count;
	bool defaulted; /* nodes without the labels are not ignored */
};

/* --- reading --- */

static bool policy_is_honor(const json_t *constraint, const char *which, const char *fallback)
{
	return strcmp(json_string_at(constraint, which, fallback), "Honor") == 0;
}

/* labelSelector, and the Pod's own values of matchLabelKeys. */
static int constraint_selector(
	const json_t *constraint, const json_t *labels, struct label_selector **ret)
{
	const json_t *selector = json_object_get(constraint, "labelSelector");
	const json_t *keys = json_object_get(constraint, "matchLabelKeys");
	AUTO_JSON whole = NULL;

	if (!selector || json_array_size(keys) == 0)
		return label_selector_read(selector, ret, NULL);
	whole = json_deep_copy(selector);
	if (!whole || selector_add_keys(whole, keys, "In", labels) < 0)
		return -ENOMEM;
	return label_selector_read(whole, ret, NULL);
}

static int constraint_add(struct spread *spread, const json_t *from)
{
	struct constraint *ret = &spread->list[spread->count++];
	const json_t *labels = meta_labels(spread->pod);
	size_t room;

	*ret = (struct constraint){
		.topology = snapshot_topology(
			spread->snapshot, json_string_at(from, "topologyKey", "")),
		.skew = json_integer_at(from, "maxSkew", 1),
		.domains_least = json_integer_at(from, "minDomains", 1),
		.hard = strcmp(json_string_at(from, "whenUnsatisfiable", ""), "ScheduleAnyway") !=
			0,
		.by_affinity = policy_is_honor(from, "nodeAffinityPolicy", "Honor"),
		.by_taints = policy_is_honor(from, "nodeTaintsPolicy", "Ignore"),
		.least = -1,
	};
	if (!ret->topology)
		return -ENOMEM;
	room = ret->topology->domains + spread->snapshot->count + 1;
	ret->counts = calloc(room, sizeof(ret->counts[0]));
	if (ret->hard) {
		ret->present = calloc(room, sizeof(ret->present[0]));
		ret->takes = calloc(room, sizeof(ret->takes[0]));
	}
	if (!ret->counts || (ret->hard && (!ret->present || !ret->takes)) ||
		constraint_selector(from, labels, &ret->selector) < 0)
		return -ENOMEM;
	ret->self = label_selector_matches(ret->selector, labels);
	return 0;
}

static int constraints_read(struct spread *spread, const json_t *from)
{
	const json_t *constraint;
	size_t i;
	int r = 0;

	spread->list = calloc(json_array_size(from) + 1, sizeof(spread->list[0]));
	if (!spread->list)
		return -ENOMEM;
	json_array_foreach (from, i, constraint)
		if (r == 0)
			r = constraint_add(spread, constraint);
	return r;
}

/* --- which nodes count --- */

static bool has_all_labels(const struct spread *spread, const struct snapshot_node *node, bool hard)
{
	for (size_t i = 0; i < spread->count; i++)
		if (spread->list[i].hard == hard && topology_at(spread->list[i].topology, node) < 0)
			return false;
	return true;
}

static bool policies_take(const struct spread *spread, const struct constraint *constraint,
	const struct snapshot_node *node)
{
	static const char *const effects[] = {"NoSchedule", "NoExecute", NULL};

	return (!constraint->by_affinity || placement_selects(spread->pod, node->node)) &&
	       (!constraint->by_taints || !taint_untolerated(node->node, spread->pod, effects));
}

/* Domains without Pods count, too: where the Pod may be at all. */
static void domains_find(struct spread *spread, struct constraint *constraint)
{
	const struct snapshot *snapshot = spread->snapshot;

	for (size_t i = 0; i < snapshot->count; i++) {
		const struct snapshot_node *node = snapshot->nodes[i];

		if (!has_all_labels(spread, node, true) || !policies_take(spread, constraint, node))
			continue;
		constraint->takes[i] = 1;
		constraint->present[constraint->topology->of_node[i]] = true;
	}
}

/* --- counting --- */

static bool class_counts(const struct spread *spread, const struct constraint *constraint,
	const struct pod_class *class)
{
	return !class->deleting && strcmp(class->namespace, spread->namespace) == 0 &&
	       label_selector_matches(constraint->selector, class->labels);
}

static void hard_count(
	struct constraint *constraint, const struct snapshot_node *node, int64_t change)
{
	if (!node->node || !constraint->takes[node->at])
		return;
	constraint->counts[constraint->topology->of_node[node->at]] += change;
	constraint->least = -1;
}

static void class_count(struct constraint *constraint, const struct pod_class *class)
{
	for (size_t i = 0; i < class->count; i++)
		hard_count(constraint, class->places[i].node, class->places[i].count);
}

void spread_move(struct spread *spread, const struct pod_class *class,
	const struct snapshot_node *node, int change)
{
	for (size_t i = 0; i < spread->count; i++)
		if (spread->list[i].hard && class_counts(spread, &spread->list[i], class))
			hard_count(&spread->list[i], node, change);
}

static void constraint_count(struct spread *spread, struct constraint *constraint)
{
	const struct snapshot *snapshot = spread->snapshot;

	domains_find(spread, constraint);
	for (size_t i = 0; i < snapshot->class_count; i++)
		if (class_counts(spread, constraint, snapshot->classes[i]))
			class_count(constraint, snapshot->classes[i]);
}

int spread_make(struct snapshot *snapshot, const json_t *pod, struct spread **ret)
{
	json_t *own = json_object_get(json_object_get(pod, "spec"), "topologySpreadConstraints");
	AUTO_JSON defaults = json_array_size(own) ? NULL : spread_defaults(snapshot, pod);
	struct spread *spread = calloc(1, sizeof(*spread));
	int r;

	if (!spread)
		return -ENOMEM;
	*spread = (struct spread){.snapshot = snapshot,
		.pod = pod,
		.namespace = meta_text(pod, "namespace"),
		.defaulted = defaults != NULL};
	r = constraints_read(spread, defaults ? defaults : own);
	for (size_t i = 0; r == 0 && i < spread->count; i++)
		if (spread->list[i].hard)
			constraint_count(spread, &spread->list[i]);
	if (r < 0) {
		spread_free(spread);
		return r;
	}
	*ret = spread;
	return 0;
}

struct spread *spread_free(struct spread *spread)
{
	if (!spread)
		return NULL;
	for (size_t i = 0; i < spread->count; i++) {
		label_selector_free(spread->list[i].selector);
		free(spread->list[i].counts);
		free(spread->list[i].present);
		free(spread->list[i].takes);
	}
	free(spread->list);
	free(spread);
	return NULL;
}

/* --- refusals --- */

/* With fewer domains than there must be, none of the others has any. */
static int64_t constraint_least(struct constraint *constraint)
{
	int64_t least = -1, domains = 0;

	if (constraint->least >= 0)
		return constraint->least;
	for (size_t i = 0; i < constraint->topology->domains; i++) {
		if (!constraint->present[i])
			continue;
		domains++;
		if (least < 0 || constraint->counts[i] < least)
			least = constraint->counts[i];
	}
	constraint->least = least < 0 || domains < constraint->domains_least ? 0 : least;
	return constraint->least;
}

const char *spread_refuse(
	struct spread *spread, const struct snapshot_node *node, bool *ret_hopeless)
{
	*ret_hopeless = false;
	for (size_t i = 0; i < spread->count; i++) {
		struct constraint *constraint = &spread->list[i];
		int32_t domain;

		if (!constraint->hard)
			continue;
		domain = topology_at(constraint->topology, node);
		if (domain < 0) {
			*ret_hopeless = true;
			return "node(s) didn't match pod topology spread constraints (missing "
			       "required label)";
		}
		if (constraint->counts[domain] + constraint->self - constraint_least(constraint) >
			constraint->skew)
			return "node(s) didn't match pod topology spread constraints";
	}
	return NULL;
}

/* --- wishes --- */

static bool is_ignored(const struct spread *spread, const struct snapshot_node *node)
{
	return !spread->defaulted && !has_all_labels(spread, node, false);
}

/* The more domains, the more a Pod in one of them weighs. */
static int constraint_weigh(const struct spread *spread, struct constraint *constraint,
	struct snapshot_node *const *nodes, size_t count)
{
	AUTO_FREE bool *seen = calloc(constraint->topology->domains + 1, sizeof(seen[0]));
	size_t domains = 0;

	if (!seen)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		int32_t domain = topology_at(constraint->topology, nodes[i]);

		if (is_ignored(spread, nodes[i]))
			continue;
		domain = domain < 0 ? (int32_t)constraint->topology->domains : domain;
		domains += constraint->topology->is_hostname || !seen[domain];
		seen[domain] = true;
	}
	constraint->weight = log((double)domains + 2);
	return 0;
}

static void wish_count_at(
	const struct spread *spread, struct constraint *constraint, const struct class_place *place)
{
	const struct snapshot_node *node = place->node;
	int32_t domain = topology_at(constraint->topology, node);

	if (!node->node)
		return;
	if (constraint->topology->is_hostname)
		constraint->counts[node->at] += place->count;
	else if (domain >= 0 && !is_ignored(spread, node) &&
		 policies_take(spread, constraint, node))
		constraint->counts[domain] += place->count;
}

static void wish_count(
	const struct spread *spread, struct constraint *constraint, const struct pod_class *class)
{
	for (size_t i = 0; i < class->count; i++)
		wish_count_at(spread, constraint, &class->places[i]);
}

bool spread_wish(struct spread *spread, struct snapshot_node *const *nodes, size_t count)
{
	const struct snapshot *snapshot = spread->snapshot;
	bool any = false;

	for (size_t i = 0; i < spread->count; i++) {
		struct constraint *constraint = &spread->list[i];

		if (constraint->hard)
			continue;
		any = true;
		if (constraint_weigh(spread, constraint, nodes, count) < 0)
			return false;
		for (size_t class = 0; class < snapshot->class_count; class ++)
			if (class_counts(spread, constraint, snapshot->classes[class]))
				wish_count(spread, constraint, snapshot->classes[class]);
	}
	return any;
}

int64_t spread_crowd(const struct spread *spread, const struct snapshot_node *node)
{
	double crowd = 0;

	if (is_ignored(spread, node))
		return -1;
	for (size_t i = 0; i < spread->count; i++) {
		const struct constraint *constraint = &spread->list[i];
		int32_t domain = topology_at(constraint->topology, node);

		if (constraint->hard || domain < 0)
			continue;
		crowd += (double)constraint->counts[constraint->topology->is_hostname
							    ? (int32_t)node->at
							    : domain] *
				 constraint->weight +
			 (double)constraint->skew - 1;
	}
	return llround(crowd);
}
