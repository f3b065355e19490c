/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cluster as the scheduler sees it: nodes, and the Pods on them, kept up to date with one change after the
 * other.  Pods that their neighbours cannot tell apart are counted together, as a class.  Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/control/resources.h"

struct snapshot_node;

/* How many Pods of a class are on a node. */
struct class_place {
	struct snapshot_node *node;
	unsigned count;
};

/* Pods of one namespace with the same labels and the same wishes for other Pods. */
struct pod_class {
	const char *namespace;
	json_t *labels;	  /* owned */
	json_t *affinity; /* owned: spec.affinity, or NULL when it says nothing of other Pods */
	bool deleting;
	struct class_place *places;
	size_t count, room;
	size_t users; /* Pods that point here */
	size_t at;    /* in the snapshot's list */
	char *key;
};

struct snapshot_pod {
	json_t *pod; /* owned */
	char *key;   /* "namespace/name" */
	struct snapshot_node *node;
	struct pod_class *class;
	struct resources requested, shown;
	long long priority;
	size_t at;	      /* in its node's list */
	bool assumed;	      /* we say so; the API server does not yet */
	bool ports, extended; /* it asks for ports of the node; for resources beyond the usual */
};

struct snapshot_node {
	json_t *node; /* owned; NULL: Pods name it, but there is none of that name */
	char *name;
	size_t at; /* in the snapshot's list */
	struct resources allocatable, requested, shown;
	const json_t *taints; /* of @node; NULL: none */
	bool unschedulable;
	json_t *images; /* owned: name -> bytes; NULL: none */
	struct snapshot_pod **pods;
	size_t pod_count, pod_room;
	size_t nominated; /* Pods that wait for room there */
};

/* The values of one label of nodes, numbered. */
struct topology {
	struct topology *next;
	char *key;
	int32_t *of_node; /* by snapshot_node.at; -1: it has no such label */
	size_t domains;
	bool is_hostname;
};

struct snapshot {
	struct snapshot_node **nodes; /* those that there are */
	size_t count, room;
	struct pod_class **classes;
	size_t class_count, class_room;
	struct snapshot_pod **nominated; /* on no node's list */
	size_t nominated_count, nominated_room;
	struct topology *topologies;
	size_t topology_count;
	void *by_name, *by_key, *by_class; /* trees */
	json_t *images;			   /* owned: name -> how many nodes have it */
	size_t start;			   /* the node at which the next search begins */
	/* "namespace/name" -> object; borrowed, may be NULL */
	const json_t *namespaces, *services, *replica_sets, *budgets;
};

/* The caller owns it; NULL when memory is out. */
struct snapshot *snapshot_new(void);
/* Accepts NULL; returns NULL. */
struct snapshot *snapshot_free(struct snapshot *snapshot);

/* A node is there, or has changed.  -ENOMEM. */
int snapshot_put_node(struct snapshot *snapshot, const json_t *node);
void snapshot_remove_node(struct snapshot *snapshot, const char *name);
/* NULL: there is none. */
struct snapshot_node *snapshot_node_find(const struct snapshot *snapshot, const char *name);

/*
 * What a Pod is now: on a node, waiting for room on one, or neither.  One that is assumed to be on a node, or
 * to wait for one, stays that until the API server says the same.  -ENOMEM.
 */
int snapshot_put_pod(struct snapshot *snapshot, const json_t *pod);
void snapshot_remove_pod(struct snapshot *snapshot, const char *key);
/* The Pod that is on a node, or assumed to be; NULL: none is. */
struct snapshot_pod *snapshot_pod_find(const struct snapshot *snapshot, const char *key);

/* It will be there: it counts from now on.  -ENOMEM. */
int snapshot_assume(struct snapshot *snapshot, const json_t *pod, struct snapshot_node *node);
/* It will wait for room there.  -ENOMEM. */
int snapshot_nominate(struct snapshot *snapshot, const json_t *pod, struct snapshot_node *node);
/* Where @pod waits for room, if that node is there; NULL: nowhere. */
struct snapshot_node *snapshot_promised(const struct snapshot *snapshot, const json_t *pod);
/* What was only assumed of a Pod is not so. */
void snapshot_forget(struct snapshot *snapshot, const char *key);

/* For a look at what would be: the Pod goes, and comes back.  The places of others in lists may change. */
void snapshot_pod_leave(struct snapshot_pod *pod);
/* A Pod that has been on its node before comes back without fail; another may fail with -ENOMEM. */
int snapshot_pod_enter(struct snapshot_pod *pod);

/* The label @key of nodes.  Borrowed until a node changes, or snapshot_topologies_trim.  NULL: no memory. */
const struct topology *snapshot_topology(struct snapshot *snapshot, const char *key);
/* Forgets them when there are too many. */
void snapshot_topologies_trim(struct snapshot *snapshot);
/* The number of @node's value; -1: it has none. */
static inline int32_t topology_at(const struct topology *topology, const struct snapshot_node *node)
{
	return node->node ? topology->of_node[node->at] : -1;
}

/* spec.priority; 0 when there is none. */
long long pod_priority(const json_t *pod);
/* The labels of any object; NULL: none. */
json_t *meta_labels(const json_t *object);
