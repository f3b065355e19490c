/* SPDX-License-Identifier: Apache-2.0 */
/* What this machine is and has, as a Node object tells it. */
#pragma once

#include <stdint.h>

struct machine {
	char os_image[128];		   /* "Debian GNU/Linux 12 (bookworm)" */
	char kernel[65], architecture[32]; /* "6.1.0-18-amd64", "amd64" */
	char machine_id[40], system_uuid[40], boot_id[40];
	unsigned cpus;
	uint64_t memory, memory_available; /* bytes */
	uint64_t disk, disk_available;	   /* bytes, of the file system of durable state */
	uint64_t pids, pids_available;
};

/* Reads it all; @state_dir is a path of the file system in question.  What cannot be read is "" or 0. */
void machine_read(const char *state_dir, struct machine *ret);
