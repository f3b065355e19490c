// SPDX-License-Identifier: Apache-2.0
#include "user/control/neighbours.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/control/owned.h"
#include "user/control/placement.h"
#include "user/control/schedule.h"
#include "user/model/selector.h"

#define REQUIRED  "requiredDuringSchedulingIgnoredDuringExecution"
#define PREFERRED "preferredDuringSchedulingIgnoredDuringExecution"

enum rule_kind { RULE_NEAR, RULE_APART, RULE_SPREAD, RULE_SPREAD_WISH, RULE_WEIGHT };

/* One term or constraint, and how many Pods it counts in each topology. */
struct rule {
	enum rule_kind kind;
	const json_t *term;
	const char *key;
	struct label_selector *selector;
	double weight;
	bool self; /* it counts the Pod itself, too */
	json_t *counts;
};

struct neighbours {
	const struct snapshot *snapshot;
	const json_t *pod;
	struct rule *rules;
	size_t count;
	bool lonely;	     /* no Pod is near which it must be */
	json_t *keeping_off; /* "key=value": topologies in which others do not want it */
};

static const json_t *labels_of(const json_t *object)
{
	return json_object_get(json_object_get(object, "metadata"), "labels");
}

static const char *topology_of(const struct snapshot *snapshot, size_t node, const char *key)
{
	return json_string_at(labels_of(snapshot->nodes[node].node), key, NULL);
}

/* --- which Pods a term means --- */

static void cleanup_selector(struct label_selector **selector)
{
	label_selector_free(*selector);
}

static bool namespace_is_selected(
	const struct snapshot *snapshot, const json_t *selector_json, const char *namespace)
{
	AUTO_CLEANUP(cleanup_selector) struct label_selector *selector = NULL;
	char key[300];

	snprintf(key, sizeof(key), "/%s", namespace);
	return label_selector_read(selector_json, &selector, NULL) == 0 &&
	       label_selector_matches(
		       selector, labels_of(json_object_get(snapshot->namespaces, key)));
}

/* Without any word on namespaces, that of the Pod whose term it is. */
static bool term_means_namespace(const struct snapshot *snapshot, const json_t *term,
	const json_t *owner, const char *namespace)
{
	const json_t *list = json_object_get(term, "namespaces");
	const json_t *selector = json_object_get(term, "namespaceSelector");

	if (json_array_size(list) == 0 && !selector)
		return strcmp(meta_text(owner, "namespace"), namespace) == 0;
	return json_array_has(list, namespace) ||
	       (selector && namespace_is_selected(snapshot, selector, namespace));
}

static bool term_means(const struct snapshot *snapshot, const json_t *term,
	const struct label_selector *selector, const json_t *owner, const json_t *pod)
{
	return term_means_namespace(snapshot, term, owner, meta_text(pod, "namespace")) &&
	       label_selector_matches(selector, labels_of(pod));
}

static bool rule_means(
	const struct neighbours *neighbours, const struct rule *rule, const json_t *pod)
{
	return term_means(neighbours->snapshot, rule->term, rule->selector, neighbours->pod, pod);
}

/* --- reading what the Pod wants --- */

static int rule_add(
	struct neighbours *neighbours, enum rule_kind kind, const json_t *term, double weight)
{
	struct rule *rule = &neighbours->rules[neighbours->count++];

	*rule = (struct rule){.kind = kind,
		.term = term,
		.key = json_string_at(term, "topologyKey", ""),
		.weight = weight,
		.counts = json_object()};
	if (!rule->counts || label_selector_read(json_object_get(term, "labelSelector"),
				     &rule->selector, NULL) < 0)
		return -ENOMEM;
	rule->self = rule_means(neighbours, rule, neighbours->pod);
	return 0;
}

static const json_t *affinity_of(const json_t *pod, const char *which, const char *how)
{
	const json_t *affinity = json_object_get(json_object_get(pod, "spec"), "affinity");

	return json_object_get(json_object_get(affinity, which), how);
}

static int terms_read(struct neighbours *neighbours, const char *which, enum rule_kind kind)
{
	const json_t *term;
	double sign = kind == RULE_APART ? -1 : 1;
	size_t i;
	int r = 0;

	json_array_foreach (affinity_of(neighbours->pod, which, REQUIRED), i, term)
		if (r == 0)
			r = rule_add(neighbours, kind, term, 0);
	json_array_foreach (affinity_of(neighbours->pod, which, PREFERRED), i, term)
		if (r == 0)
			r = rule_add(neighbours, RULE_WEIGHT,
				json_object_get(term, "podAffinityTerm"),
				sign * (double)json_integer_at(term, "weight", 0));
	return r;
}

static const json_t *spreads_of(const json_t *pod)
{
	return json_object_get(json_object_get(pod, "spec"), "topologySpreadConstraints");
}

static int rules_read(struct neighbours *neighbours)
{
	const json_t *constraint;
	size_t i;
	int r = terms_read(neighbours, "podAffinity", RULE_NEAR);

	if (r == 0)
		r = terms_read(neighbours, "podAntiAffinity", RULE_APART);
	json_array_foreach (spreads_of(neighbours->pod), i, constraint) {
		bool wish = strcmp(json_string_at(constraint, "whenUnsatisfiable", ""),
				    "ScheduleAnyway") == 0;

		if (r == 0)
			r = rule_add(
				neighbours, wish ? RULE_SPREAD_WISH : RULE_SPREAD, constraint, 0);
	}
	return r;
}

static size_t rules_most(const json_t *pod)
{
	return json_array_size(affinity_of(pod, "podAffinity", REQUIRED)) +
	       json_array_size(affinity_of(pod, "podAffinity", PREFERRED)) +
	       json_array_size(affinity_of(pod, "podAntiAffinity", REQUIRED)) +
	       json_array_size(affinity_of(pod, "podAntiAffinity", PREFERRED)) +
	       json_array_size(spreads_of(pod));
}

/* --- counting --- */

static bool is_spread(const struct rule *rule)
{
	return rule->kind == RULE_SPREAD || rule->kind == RULE_SPREAD_WISH;
}

static void count_add(struct rule *rule, const char *topology, long long more)
{
	if (topology)
		json_object_set_new(rule->counts, topology,
			json_integer(json_integer_at(rule->counts, topology, 0) + more));
}

/* Topologies without Pods count, too: where the Pod may be at all. */
static void domains_find(struct neighbours *neighbours)
{
	const struct snapshot *snapshot = neighbours->snapshot;

	for (size_t i = 0; i < neighbours->count; i++)
		for (size_t node = 0; is_spread(&neighbours->rules[i]) && node < snapshot->count;
			node++)
			if (placement_selects(neighbours->pod, snapshot->nodes[node].node))
				count_add(&neighbours->rules[i],
					topology_of(snapshot, node, neighbours->rules[i].key), 0);
}

/* A Pod is near only if it is what all terms mean. */
static bool is_near(const struct neighbours *neighbours, const json_t *pod)
{
	for (size_t i = 0; i < neighbours->count; i++)
		if (neighbours->rules[i].kind == RULE_NEAR &&
			!rule_means(neighbours, &neighbours->rules[i], pod))
			return false;
	return true;
}

static void pod_count(struct neighbours *neighbours, const struct snapshot_pod *other)
{
	const struct snapshot *snapshot = neighbours->snapshot;
	bool near = is_near(neighbours, other->pod);

	for (size_t i = 0; i < neighbours->count; i++) {
		struct rule *rule = &neighbours->rules[i];
		const char *topology = topology_of(snapshot, other->node, rule->key);

		if (rule->kind == RULE_NEAR ? !near : !rule_means(neighbours, rule, other->pod))
			continue;
		if (is_spread(rule) &&
			(meta_is_deleting(other->pod) ||
				(topology && !json_object_get(rule->counts, topology))))
			continue;
		if (rule->kind == RULE_NEAR && topology)
			neighbours->lonely = false;
		count_add(rule, topology, 1);
	}
}

static void keep_off(struct neighbours *neighbours, const struct snapshot_pod *other)
{
	const struct snapshot *snapshot = neighbours->snapshot;
	const json_t *term;
	size_t i;

	json_array_foreach (affinity_of(other->pod, "podAntiAffinity", REQUIRED), i, term) {
		AUTO_CLEANUP(cleanup_selector) struct label_selector *selector = NULL;
		const char *key = json_string_at(term, "topologyKey", "");
		const char *topology = topology_of(snapshot, other->node, key);
		char text[512];

		if (!topology ||
			label_selector_read(
				json_object_get(term, "labelSelector"), &selector, NULL) < 0 ||
			!term_means(snapshot, term, selector, other->pod, neighbours->pod))
			continue;
		snprintf(text, sizeof(text), "%s=%s", key, topology);
		json_object_set_new(neighbours->keeping_off, text, json_true());
	}
}

int neighbours_make(const struct snapshot *snapshot, const json_t *pod, struct neighbours **ret)
{
	struct neighbours *neighbours = calloc(1, sizeof(*neighbours));
	int r = -ENOMEM;

	if (!neighbours)
		return r;
	neighbours->snapshot = snapshot;
	neighbours->pod = pod;
	neighbours->lonely = true;
	neighbours->rules = calloc(rules_most(pod) + 1, sizeof(neighbours->rules[0]));
	neighbours->keeping_off = json_object();
	if (neighbours->rules && neighbours->keeping_off)
		r = rules_read(neighbours);
	if (r < 0) {
		neighbours_free(neighbours);
		return r;
	}
	domains_find(neighbours);
	for (size_t i = 0; i < snapshot->pod_count; i++) {
		if (neighbours->count)
			pod_count(neighbours, &snapshot->pods[i]);
		keep_off(neighbours, &snapshot->pods[i]);
	}
	*ret = neighbours;
	return 0;
}

struct neighbours *neighbours_free(struct neighbours *neighbours)
{
	if (!neighbours)
		return NULL;
	for (size_t i = 0; neighbours->rules && i < neighbours->count; i++) {
		label_selector_free(neighbours->rules[i].selector);
		json_decref(neighbours->rules[i].counts);
	}
	json_decref(neighbours->keeping_off);
	free(neighbours->rules);
	free(neighbours);
	return NULL;
}

/* --- asking --- */

static long long count_least(const struct rule *rule)
{
	long long least = -1, domains = json_integer_at(rule->term, "minDomains", 1);
	const char *topology;
	json_t *count;

	json_object_foreach (rule->counts, topology, count)
		if (least < 0 || json_integer_value(count) < least)
			least = json_integer_value(count);
	return least < 0 || (long long)json_object_size(rule->counts) < domains ? 0 : least;
}

static const char *rule_refuse(
	const struct neighbours *neighbours, const struct rule *rule, size_t node)
{
	const char *topology = topology_of(neighbours->snapshot, node, rule->key);
	long long count = topology ? json_integer_at(rule->counts, topology, 0) : 0;

	switch (rule->kind) {
	case RULE_NEAR:
		/* The first of a group that wants to be near each other must begin somewhere. */
		if (topology && (count || (neighbours->lonely && rule->self)))
			return NULL;
		return "node(s) didn't match pod affinity rules";
	case RULE_APART: return count ? "node(s) didn't match pod anti-affinity rules" : NULL;
	case RULE_SPREAD:
		if (!topology)
			return "node(s) didn't match pod topology spread constraints (missing "
			       "required label)";
		if (count + rule->self - count_least(rule) >
			json_integer_at(rule->term, "maxSkew", 1))
			return "node(s) didn't match pod topology spread constraints";
		return NULL;
	default: return NULL;
	}
}

static bool is_kept_off(const struct neighbours *neighbours, size_t node)
{
	const char *key, *value;
	char text[512];
	json_t *label;

	if (json_object_size(neighbours->keeping_off) == 0)
		return false;
	json_object_foreach (
		(json_t *)labels_of(neighbours->snapshot->nodes[node].node), key, label) {
		value = json_string_value(label);
		snprintf(text, sizeof(text), "%s=%s", key, value ? value : "");
		if (json_object_get(neighbours->keeping_off, text))
			return true;
	}
	return false;
}

/* In upstream's order: spreading is looked at first. */
const char *neighbours_refuse(const struct neighbours *neighbours, size_t node)
{
	static const enum rule_kind order[] = {RULE_SPREAD, RULE_NEAR, RULE_APART};

	for (size_t kind = 0; kind < COUNT(order); kind++)
		for (size_t i = 0; i < neighbours->count; i++) {
			const char *why =
				neighbours->rules[i].kind == order[kind]
					? rule_refuse(neighbours, &neighbours->rules[i], node)
					: NULL;

			if (why)
				return why;
		}
	return is_kept_off(neighbours, node)
		       ? "node(s) didn't satisfy existing pods anti-affinity rules"
		       : NULL;
}

double neighbours_weight(const struct neighbours *neighbours, size_t node)
{
	double weight = 0;

	for (size_t i = 0; i < neighbours->count; i++) {
		const struct rule *rule = &neighbours->rules[i];
		const char *topology = topology_of(neighbours->snapshot, node, rule->key);

		if (rule->kind == RULE_WEIGHT && topology)
			weight += rule->weight * (double)json_integer_at(rule->counts, topology, 0);
	}
	return weight;
}

double neighbours_crowd(const struct neighbours *neighbours, size_t node)
{
	double crowd = 0;

	for (size_t i = 0; i < neighbours->count; i++) {
		const struct rule *rule = &neighbours->rules[i];
		const char *topology = topology_of(neighbours->snapshot, node, rule->key);

		if (rule->kind == RULE_SPREAD_WISH && topology)
			crowd += (double)json_integer_at(rule->counts, topology, 0) *
					 log((double)json_object_size(rule->counts) + 2) +
				 (double)json_integer_at(rule->term, "maxSkew", 1) - 1;
	}
	return crowd;
}
