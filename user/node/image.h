/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images for the agent: podnet-pull children fill the store and clean it (one child per reference and policy,
 * shared by all who wait); nobody else knows its layout.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "user/base/json.h"
#include "user/model/pod.h"

struct err;
struct images;
struct image_wait;

/* What a container needs of its image.  Strings and arrays belong to the struct. */
struct image {
	char *reference; /* normalised: docker.io/library/nginx:latest */
	char *digest;	 /* sha256:... of the manifest */
	char **layers;	 /* absolute paths of unpacked layers, lowest first; NULL-terminated */
	char **entrypoint, **cmd, **env;	/* NULL-terminated, never NULL */
	char *user, *working_dir, *stop_signal; /* "" when the image says nothing */
};

/* A deep copy that the caller frees with image_free.  Returns 0 or -ENOMEM. */
int image_copy(const struct image *image, struct image **ret);
/* Accepts NULL; returns NULL. */
struct image *image_free(struct image *image);

struct images_config {
	const char *program; /* path of podnet-pull */
	const char *dir;     /* STATE/images */
	/* Told of what went wrong without failing a request: a damaged record, a collection.  May be NULL. */
	void (*report)(void *userdata, const char *text);
	void *userdata;
	const char *registries_conf;   /* NULL: the system's */
	uint64_t max_bytes, max_files; /* per image, unpacked; 0: the default */
};

/* Copies @config; starts nothing.  The caller owns *@ret and frees it before the loop. */
int images_new(
	sd_event *loop, const struct images_config *config, struct images **ret, struct err *err);
/* Ends pulls and collections; no callback follows.  Not from a callback.  Accepts NULL; returns NULL. */
struct images *images_free(struct images *images);

/*
 * Makes @reference present by @policy and calls @done once, from the loop.  @result: 0 and @image
 * (borrowed during the call), or a negative errno with Kubernetes' reason ("ErrImagePull",
 * "ErrImageNeverPull", "InvalidImageName") and a message.
 */
typedef void (*image_done_fn)(void *userdata, int result, const struct image *image,
	const char *reason, const char *message);
int images_ensure(struct images *images, const char *reference, enum pull_policy policy,
	image_done_fn done, void *userdata, struct image_wait **ret, struct err *err);
/* No callback follows; the last one to go ends the pull.  Accepts NULL; returns NULL. */
struct image_wait *image_wait_cancel(struct image_wait *wait);

/*
 * Starts to remove the images that are not in @keep, then the layers that no image names.  @keep
 * (NULL-terminated, copied) holds references, written as in manifests or normalised, and the digest of every
 * existing container's image: its tag may mean another image by now.  Layers used in the last two minutes stay.
 * -EBUSY: pulls or another collection are running, nothing was started.
 */
int images_collect(struct images *images, const char *const *keep, struct err *err);
