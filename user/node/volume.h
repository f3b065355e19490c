/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes of a Pod: made before its containers, shared by them, removed with the Pod. */
#pragma once

#include "user/model/object.h"
#include "user/model/pod.h"
#include "user/node/downward.h"

struct err;

/* Where ConfigMaps and Secrets are found: returns a borrowed object or NULL. */
struct object_source {
	const struct object *(*get)(
		void *userdata, enum object_kind kind, const char *namespace, const char *name);
	/* A token for @pod, borrowed; NULL: there is none, and @err says why. */
	const char *(*token)(void *userdata, const struct pod *pod,
		const struct projection *projection, struct err *err);
	void *userdata;
};

/* Below the directory of volumes, beside them: the Pod's /dev/shm (no volume can have this name). */
#define VOLUME_SHM ".shm"

/* What the projected volumes of a Pod show: volume_count entries, those of others empty. */
struct payload;

/* Reads them where @source may be read.  -ENOENT names the missing ConfigMap, Secret, key or token.  The
 * caller owns *@ret. */
int volumes_gather(const struct downward *about, const struct object_source *source,
	struct payload **ret, struct err *err);
/* Accepts NULL; returns NULL. */
struct payload *volumes_forget(const struct pod *pod, struct payload *payloads);

/* Makes every volume of @pod below @dir (STATE/pods/UID/volumes).  Idempotent; updates the content of
 * projected volumes atomically (..data link) when it differs.  May block.  The sizeLimit
 * of an emptyDir on disk is not enforced. */
int volumes_make(
	const struct pod *pod, const char *dir, const struct payload *payloads, struct err *err);
/* Unmounts and removes them all; a hostPath stays.  A missing @dir is success. */
int volumes_remove(const char *dir, struct err *err);
/* The host path of one volume: the caller frees *@ret. */
int volume_path(
	const struct pod *pod, const char *name, const char *dir, char **ret, struct err *err);
