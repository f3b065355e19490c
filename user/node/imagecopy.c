// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/node/image.h"

static void strings_free(char **strings)
{
	for (char **at = strings; at && *at; at++)
		free(*at);
	free(strings);
}

static char **strings_copy(char *const *from)
{
	size_t count = 0;
	char **copy;

	while (from[count])
		count++;
	copy = calloc(count + 1, sizeof(*copy));
	for (size_t i = 0; copy && i < count; i++) {
		copy[i] = strdup(from[i]);
		if (!copy[i]) {
			strings_free(copy);
			return NULL;
		}
	}
	return copy;
}

int image_copy(const struct image *image, struct image **ret)
{
	struct image *copy = calloc(1, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	copy->reference = strdup(image->reference);
	copy->digest = strdup(image->digest);
	copy->user = strdup(image->user);
	copy->working_dir = strdup(image->working_dir);
	copy->stop_signal = strdup(image->stop_signal);
	copy->layers = strings_copy(image->layers);
	copy->entrypoint = strings_copy(image->entrypoint);
	copy->cmd = strings_copy(image->cmd);
	copy->env = strings_copy(image->env);
	if (!copy->reference || !copy->digest || !copy->user || !copy->working_dir ||
		!copy->stop_signal || !copy->layers || !copy->entrypoint || !copy->cmd ||
		!copy->env) {
		image_free(copy);
		return -ENOMEM;
	}
	*ret = copy;
	return 0;
}

struct image *image_free(struct image *image)
{
	if (!image)
		return NULL;
	free(image->reference);
	free(image->digest);
	free(image->user);
	free(image->working_dir);
	free(image->stop_signal);
	strings_free(image->layers);
	strings_free(image->entrypoint);
	strings_free(image->cmd);
	strings_free(image->env);
	free(image);
	return NULL;
}
