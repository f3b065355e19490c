// SPDX-License-Identifier: Apache-2.0
#include "user/control/neighbours.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/control/owned.h"
#include "user/control/snapshot.h"
#include "user/control/terms.h"
#include "user/model/selector.h"

/* What others require of Pods near them, counts a little for them, too. */
#define REQUIRED_WEIGHT 1

enum rule_kind { RULE_NEAR, RULE_APART };

/* One required term of the Pod, and how many Pods it counts in each domain. */
struct rule {
	enum rule_kind kind;
	const json_t *term;
	const struct topology *topology;
	struct label_selector *selector;
	int64_t *counts;
	bool self; /* it means the Pod itself, too */
};

/* Numbers for the domains of one topology. */
struct tally {
	struct tally *next;
	const struct topology *topology;
	int64_t *of_domain;
};

struct neighbours {
	struct snapshot *snapshot;
	const char *namespace;
	const json_t *labels, *affinity; /* of the Pod */
	struct rule *rules;
	size_t count;
	int64_t near;		   /* Pods near which it would be */
	struct tally *keeping_off; /* how many Pods there do not want it */
	struct tally *weights;
};

/* --- tallies --- */

static struct tally *tally_free(struct tally *tally)
{
	while (tally) {
		struct tally *next = tally->next;

		free(tally->of_domain);
		free(tally);
		tally = next;
	}
	return NULL;
}

static int64_t *domains_new(const struct topology *topology)
{
	return calloc(topology->domains + 1, sizeof(int64_t));
}

/* The tally of @key in @list, made if need be. */
static struct tally *tally_get(struct snapshot *snapshot, struct tally **list, const char *key)
{
	const struct topology *topology = snapshot_topology(snapshot, key);
	struct tally *tally = *list;

	while (tally && tally->topology != topology)
		tally = tally->next;
	if (tally || !topology)
		return tally;
	tally = calloc(1, sizeof(*tally));
	if (!tally)
		return NULL;
	*tally = (struct tally){*list, topology, domains_new(topology)};
	if (!tally->of_domain)
		return tally_free(tally);
	*list = tally;
	return tally;
}

static void tally_add(struct tally *tally, const struct snapshot_node *node, int64_t more)
{
	int32_t domain = topology_at(tally->topology, node);

	if (domain >= 0)
		tally->of_domain[domain] += more;
}

/* --- whom a term means --- */

static bool rule_means(const struct neighbours *neighbours, const struct rule *rule,
	const char *namespace, const json_t *labels)
{
	return label_selector_matches(rule->selector, labels) &&
	       term_means_namespace(
		       neighbours->snapshot, rule->term, neighbours->namespace, namespace);
}

/* A term of Pods of @class means ours. */
static bool class_means(
	const struct neighbours *neighbours, const struct pod_class *class, const json_t *term)
{
	AUTO_CLEANUP(term_selector_cleanup) struct label_selector *selector = NULL;

	return term_means_namespace(
		       neighbours->snapshot, term, class->namespace, neighbours->namespace) &&
	       term_selector(term, &selector) == 0 &&
	       label_selector_matches(selector, neighbours->labels);
}

/* A Pod is near only if it is what all terms mean. */
static bool class_is_near(const struct neighbours *neighbours, const struct pod_class *class)
{
	bool any = false;

	for (size_t i = 0; i < neighbours->count; i++) {
		if (neighbours->rules[i].kind != RULE_NEAR)
			continue;
		if (!rule_means(neighbours, &neighbours->rules[i], class->namespace, class->labels))
			return false;
		any = true;
	}
	return any;
}

/* --- counting --- */

static void rules_count(struct neighbours *neighbours, const struct pod_class *class, bool near,
	const struct snapshot_node *node, int64_t change)
{
	for (size_t i = 0; i < neighbours->count; i++) {
		struct rule *rule = &neighbours->rules[i];
		int32_t domain = topology_at(rule->topology, node);

		if (domain < 0 ||
			(rule->kind == RULE_NEAR ? !near
						 : !rule_means(neighbours, rule, class->namespace,
							   class->labels)))
			continue;
		rule->counts[domain] += change;
		if (rule->kind == RULE_NEAR)
			neighbours->near += change;
	}
}

static int class_keep_off(struct neighbours *neighbours, const struct pod_class *class,
	const struct class_place *places, size_t count, int sign)
{
	const json_t *term;
	size_t i;

	json_array_foreach (terms_of(class->affinity, "podAntiAffinity", TERMS_REQUIRED), i, term) {
		struct tally *tally;

		if (!class_means(neighbours, class, term))
			continue;
		tally = tally_get(neighbours->snapshot, &neighbours->keeping_off,
			json_string_at(term, "topologyKey", ""));
		if (!tally)
			return -ENOMEM;
		for (size_t place = 0; place < count; place++)
			tally_add(tally, places[place].node, sign * (int64_t)places[place].count);
	}
	return 0;
}

static int class_count(struct neighbours *neighbours, const struct pod_class *class)
{
	bool near = class_is_near(neighbours, class);

	for (size_t i = 0; neighbours->count && i < class->count; i++)
		rules_count(neighbours, class, near, class->places[i].node, class->places[i].count);
	return class->affinity ? class_keep_off(neighbours, class, class->places, class->count, 1)
			       : 0;
}

void neighbours_move(struct neighbours *neighbours, const struct pod_class *class,
	const struct snapshot_node *node, int change)
{
	struct class_place place = {(struct snapshot_node *)node, 1};

	if (neighbours->count)
		rules_count(neighbours, class, class_is_near(neighbours, class), node, change);
	if (class->affinity) /* its topologies have been tallied when it was counted */
		class_keep_off(neighbours, class, &place, 1, change);
}

/* --- reading what the Pod wants --- */

static int rule_add(struct neighbours *neighbours, enum rule_kind kind, const json_t *term)
{
	struct rule *rule = &neighbours->rules[neighbours->count++];

	*rule = (struct rule){.kind = kind,
		.term = term,
		.topology = snapshot_topology(
			neighbours->snapshot, json_string_at(term, "topologyKey", ""))};
	if (!rule->topology)
		return -ENOMEM;
	rule->counts = domains_new(rule->topology);
	if (!rule->counts || term_selector(term, &rule->selector) < 0)
		return -ENOMEM;
	rule->self = rule_means(neighbours, rule, neighbours->namespace, neighbours->labels);
	return 0;
}

static int rules_read(struct neighbours *neighbours)
{
	json_t *near = terms_of(neighbours->affinity, "podAffinity", TERMS_REQUIRED);
	json_t *apart = terms_of(neighbours->affinity, "podAntiAffinity", TERMS_REQUIRED);
	const json_t *term;
	size_t i;
	int r = 0;

	neighbours->rules = calloc(
		json_array_size(near) + json_array_size(apart) + 1, sizeof(neighbours->rules[0]));
	if (!neighbours->rules)
		return -ENOMEM;
	json_array_foreach (near, i, term)
		if (r == 0)
			r = rule_add(neighbours, RULE_NEAR, term);
	json_array_foreach (apart, i, term)
		if (r == 0)
			r = rule_add(neighbours, RULE_APART, term);
	return r;
}

int neighbours_make(struct snapshot *snapshot, const json_t *pod, struct neighbours **ret)
{
	struct neighbours *neighbours = calloc(1, sizeof(*neighbours));
	int r;

	if (!neighbours)
		return -ENOMEM;
	*neighbours = (struct neighbours){
		.snapshot = snapshot,
		.namespace = meta_text(pod, "namespace"),
		.labels = meta_labels(pod),
		.affinity = json_object_get(json_object_get(pod, "spec"), "affinity"),
	};
	r = rules_read(neighbours);
	for (size_t i = 0; r == 0 && i < snapshot->class_count; i++)
		r = class_count(neighbours, snapshot->classes[i]);
	if (r < 0) {
		neighbours_free(neighbours);
		return r;
	}
	*ret = neighbours;
	return 0;
}

struct neighbours *neighbours_free(struct neighbours *neighbours)
{
	if (!neighbours)
		return NULL;
	for (size_t i = 0; i < neighbours->count; i++) {
		label_selector_free(neighbours->rules[i].selector);
		free(neighbours->rules[i].counts);
	}
	tally_free(neighbours->keeping_off);
	tally_free(neighbours->weights);
	free(neighbours->rules);
	free(neighbours);
	return NULL;
}

/* --- what is wished for --- */

static int weight_add(struct neighbours *neighbours, const struct pod_class *class,
	const json_t *term, int64_t weight)
{
	struct tally *tally = tally_get(neighbours->snapshot, &neighbours->weights,
		json_string_at(term, "topologyKey", ""));

	if (!tally)
		return -ENOMEM;
	for (size_t i = 0; i < class->count; i++)
		tally_add(tally, class->places[i].node, weight * (int64_t) class->places[i].count);
	return 0;
}

/* What Pods that are there wish of ours. */
static int class_wish(
	struct neighbours *neighbours, const struct pod_class *class, const char *which, int sign)
{
	const json_t *wish;
	size_t i;
	int r = 0;

	json_array_foreach (terms_of(class->affinity, which, TERMS_PREFERRED), i, wish) {
		const json_t *term = json_object_get(wish, "podAffinityTerm");

		if (r == 0 && class_means(neighbours, class, term))
			r = weight_add(
				neighbours, class, term, sign * json_integer_at(wish, "weight", 0));
	}
	return r;
}

static int class_require(struct neighbours *neighbours, const struct pod_class *class)
{
	const json_t *term;
	size_t i;
	int r = 0;

	json_array_foreach (terms_of(class->affinity, "podAffinity", TERMS_REQUIRED), i, term)
		if (r == 0 && class_means(neighbours, class, term))
			r = weight_add(neighbours, class, term, REQUIRED_WEIGHT);
	return r;
}

/* What ours wishes of Pods that are there. */
static int own_wish(struct neighbours *neighbours, const json_t *wish, int sign)
{
	const json_t *term = json_object_get(wish, "podAffinityTerm");
	AUTO_CLEANUP(term_selector_cleanup) struct label_selector *selector = NULL;
	struct snapshot *snapshot = neighbours->snapshot;
	int r = term_selector(term, &selector);

	for (size_t i = 0; r == 0 && i < snapshot->class_count; i++) {
		const struct pod_class *class = snapshot->classes[i];

		if (label_selector_matches(selector, class->labels) &&
			term_means_namespace(
				snapshot, term, neighbours->namespace, class->namespace))
			r = weight_add(
				neighbours, class, term, sign * json_integer_at(wish, "weight", 0));
	}
	return r;
}

int neighbours_wish(struct neighbours *neighbours)
{
	static const struct {
		const char *which;
		int sign;
	} sides[] = {{"podAffinity", 1}, {"podAntiAffinity", -1}};
	const struct snapshot *snapshot = neighbours->snapshot;
	const json_t *wish;
	size_t i;
	int r = 0;

	for (size_t side = 0; side < COUNT(sides); side++) {
		json_array_foreach (
			terms_of(neighbours->affinity, sides[side].which, TERMS_PREFERRED), i, wish)
			if (r == 0)
				r = own_wish(neighbours, wish, sides[side].sign);
		for (i = 0; r == 0 && i < snapshot->class_count; i++)
			if (snapshot->classes[i]->affinity)
				r = class_wish(neighbours, snapshot->classes[i], sides[side].which,
					sides[side].sign);
	}
	for (i = 0; r == 0 && i < snapshot->class_count; i++)
		if (snapshot->classes[i]->affinity)
			r = class_require(neighbours, snapshot->classes[i]);
	return r;
}

/* --- asking --- */

static bool is_near(const struct neighbours *neighbours, const struct snapshot_node *node)
{
	bool all = true, self = true;

	for (size_t i = 0; i < neighbours->count; i++) {
		const struct rule *rule = &neighbours->rules[i];
		int32_t domain = topology_at(rule->topology, node);

		if (rule->kind != RULE_NEAR)
			continue;
		if (domain < 0)
			return false;
		all &= rule->counts[domain] > 0;
		self &= rule->self;
	}
	/* The first of a group that wants to be near each other must begin somewhere. */
	return all || (neighbours->near == 0 && self);
}

static bool is_apart(const struct neighbours *neighbours, const struct snapshot_node *node)
{
	for (size_t i = 0; i < neighbours->count; i++) {
		const struct rule *rule = &neighbours->rules[i];
		int32_t domain = topology_at(rule->topology, node);

		if (rule->kind == RULE_APART && domain >= 0 && rule->counts[domain] > 0)
			return false;
	}
	return true;
}

static int64_t tallies_at(const struct tally *list, const struct snapshot_node *node)
{
	int64_t sum = 0;

	for (; list; list = list->next) {
		int32_t domain = topology_at(list->topology, node);

		sum += domain >= 0 ? list->of_domain[domain] : 0;
	}
	return sum;
}

const char *neighbours_refuse(
	const struct neighbours *neighbours, const struct snapshot_node *node, bool *ret_hopeless)
{
	*ret_hopeless = false;
	if (!is_near(neighbours, node)) {
		*ret_hopeless = true;
		return "node(s) didn't match pod affinity rules";
	}
	if (!is_apart(neighbours, node))
		return "node(s) didn't match pod anti-affinity rules";
	return tallies_at(neighbours->keeping_off, node)
		       ? "node(s) didn't satisfy existing pods anti-affinity rules"
		       : NULL;
}

int64_t neighbours_weight(const struct neighbours *neighbours, const struct snapshot_node *node)
{
	return tallies_at(neighbours->weights, node);
}
