/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the pins of an older ABI to ours.  Until upgrade_finish the older programs and hooks go on
 * working with their own maps; should we die between, the next start begins again.
 */
#pragma once

struct datapath_config;
struct err;
struct state;

/* The newest older ABI that this instance has pins of; 0: there are none. */
unsigned upgrade_from(const struct datapath_config *config);

/*
 * Copies what only others know: the CNI plugin's Pods, and the endpoints with their states.  The
 * pin directory must be locked with PINDIR_CHANGE, and hold our maps.
 */
int upgrade_begin(const struct datapath_config *config, unsigned from, struct err *err);

/*
 * Our maps say all that the older ones did (@state): copies connections, puts our programs in the
 * place of the older ones and removes the older pins, and with them the older hooks.  Takes the lock.
 */
int upgrade_finish(const struct datapath_config *config, unsigned from, const struct state *state,
	struct err *err);
