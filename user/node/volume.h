/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes of a Pod: made before its containers, shared by them, removed with the Pod. */
#pragma once

#include "user/model/object.h"
#include "user/model/pod.h"

struct err;

/* Where ConfigMaps and Secrets are found: returns a borrowed object or NULL. */
struct object_source {
	const struct object *(*get)(void *userdata, enum object_kind kind, const char *namespace,
		const char *name);
	void *userdata;
};

/* Makes every volume of @pod below @dir (STATE/pods/UID/volumes).  Idempotent; updates the content of
 * configMap and secret volumes atomically (..data link) when it differs. */
int volumes_make(const struct pod *pod, const char *dir, const struct object_source *source,
	struct err *err);
/* Unmounts and removes them all. */
int volumes_remove(const char *dir, struct err *err);
/* The host path of one volume: the caller frees *@ret. */
int volume_path(const struct pod *pod, const char *name, const char *dir, char **ret,
	struct err *err);
