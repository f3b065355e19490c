/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of cluster.c and clusterpods.c. */
#pragma once

#include "user/agent/cluster.h"
#include "user/client/informer.h"
#include "user/cluster/events.h"
#include "user/cluster/membership.h"
#include "user/cluster/podwrites.h"
#include "user/cluster/references.h"
#include "user/cluster/renewal.h"

struct timer;

enum followed { FOLLOWED_PODS, FOLLOWED_SERVICES, FOLLOWED_SLICES, FOLLOWED_COUNT };

struct follower {
	struct cluster *cluster;
	enum followed kind;
	struct informer *informer; /* NULL: not yet begun */
	json_t *kept;		   /* as an earlier podnetd knew them, until they are listed */
};

struct cluster {
	struct agent *agent;
	struct client *client;
	struct membership *membership;
	struct renewal *renewal; /* NULL: nothing to renew */
	struct events *events;
	struct podwrites *writes;
	struct references *references;
	struct follower followers[FOLLOWED_COUNT];
	json_t *slices;	  /* slices_index; NULL: to be made */
	json_t *sources;  /* kept ones, for references_new */
	json_t *over;	  /* uid -> true: Pods that have ended here and are still listed */
	json_t *refusals; /* uid -> why it cannot run here */
	json_t *refused;  /* "namespace/name" of a Service -> why it is not served */
	struct timer *pods_timer, *services_timer, *save_timer;
	json_t *images;	    /* that this machine has; NULL: not looked yet */
	uint64_t images_at; /* of the store as it was then; 0: look again */
	uint64_t begun;	    /* clock_now() of cluster_begin */
	uint64_t saved;	    /* clock_now() of the last record */
	char namespace[64]; /* of the Pod that is looked at */
};

/* The server has listed its Pods. */
bool cluster_has_pods(const struct cluster *cluster);

/* clusterpods.c */
extern const struct podwrites_events clusterpods_writes;
/* The server has told of all Pods. */
void clusterpods_listed(struct cluster *cluster);
/* Without a server: warns of Pods that an earlier podnetd had from one. */
void clusterpods_left(const struct agent *agent);
/* The server told of a Pod. */
void clusterpods_told(struct cluster *cluster, const json_t *object, const json_t *old);

/* nodeimages.c */
/* The images of the cluster @userdata's machine.  Borrowed until the next call; NULL: there is no store. */
json_t *nodeimages_look(void *userdata);
