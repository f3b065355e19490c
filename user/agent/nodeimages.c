// SPDX-License-Identifier: Apache-2.0
/* The images that this machine has, for its Node object: read again when the store has changed. */
#include <sys/stat.h>

#include "user/agent/clusterstate.h"
#include "user/agent/state.h"
#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/base/log.h"
#include "user/cluster/nodeobject.h"
#include "user/image/list.h"

/* A directory that has changed a moment ago may change again within the same tick of its clock. */
#define SETTLED USEC_PER_SEC

/* When the store last changed, microseconds since 1970; 0: it is not there. */
static uint64_t store_changed(const char *dir)
{
	AUTO_FREE char *images = fs_format("%s/images", dir);
	struct stat st;

	if (!images || stat(images, &st) < 0)
		return 0;
	return (uint64_t)st.st_mtim.tv_sec * USEC_PER_SEC + (uint64_t)st.st_mtim.tv_nsec / 1000;
}

json_t *nodeimages_look(void *userdata)
{
	struct cluster *cluster = userdata;
	AUTO_FREE char *dir = fs_format("%s/images", cluster->agent->options->state_dir);
	uint64_t changed = dir ? store_changed(dir) : 0;
	json_t *images = NULL;
	struct err err;

	if (!changed || (cluster->images && cluster->images_at == changed))
		return cluster->images;
	if (imagestore_list(dir, NODE_IMAGES_MOST, &images, &err) < 0) {
		log_warning("%s, ignoring what has changed there", err.text);
		return cluster->images;
	}
	json_decref(cluster->images);
	cluster->images = images;
	cluster->images_at = clock_wall() > changed + SETTLED ? changed : 0;
	return images;
}
