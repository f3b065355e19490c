/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the node's own API shows, and who signs what its clients show: files that flags name, a certificate that the API
 * server signs, or one that signs itself; the latter two are renewed before they are over.
 */
#pragma once

struct agent;
struct err;
struct nodekeys;
struct tls;

/* @agent is a node of an API server.  The caller owns *@ret, and frees it before the cluster, after all connections. */
int nodekeys_new(struct agent *agent, struct nodekeys **ret, struct err *err);

/* Borrowed. */
const struct tls *nodekeys_tls(const struct nodekeys *keys);

/* Accepts NULL; returns NULL. */
struct nodekeys *nodekeys_free(struct nodekeys *keys);
