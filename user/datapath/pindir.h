/* SPDX-License-Identifier: Apache-2.0 */
/* The directory in bpffs that holds one instance's programs and maps. */
#pragma once

#include <stdbool.h>

#define PIN_PATH_MAX 256 /* bytes of a pin's path, NUL included */

struct datapath_config;
struct err;

enum pindir_lock {
	PINDIR_USE,    /* beside other users: the pinned programs stay the same meanwhile */
	PINDIR_CHANGE, /* alone */
};

/*
 * Mounts bpffs at @config->bpf_dir if it is none yet, makes the directory and locks it.  The lock
 * is held until the caller closes *@ret_fd.
 */
int pindir_open(
	const struct datapath_config *config, enum pindir_lock lock, int *ret_fd, struct err *err);

/* The path that @name is pinned at.  -ENAMETOOLONG when it does not fit. */
int pindir_path(const struct datapath_config *config, const char *name, char ret[PIN_PATH_MAX],
	struct err *err);

/* Opens the pinned object.  -ENOENT: nothing is pinned there. */
int pindir_get(
	const struct datapath_config *config, const char *name, int *ret_fd, struct err *err);

/* As these, in the directory of an older @abi. */
int pindir_path_older(const struct datapath_config *config, unsigned abi, const char *name,
	char ret[PIN_PATH_MAX], struct err *err);
int pindir_get_older(const struct datapath_config *config, unsigned abi, const char *name,
	int *ret_fd, struct err *err);

/* Pins @fd as @name in one step, over what was there. */
int pindir_put(const struct datapath_config *config, const char *name, int fd, struct err *err);

/* Removes all pins of this instance, older ABIs' too, and the directories that became empty. */
int pindir_remove(const struct datapath_config *config, struct err *err);

/* Removes those of an older @abi. */
int pindir_remove_older(const struct datapath_config *config, unsigned abi, struct err *err);
