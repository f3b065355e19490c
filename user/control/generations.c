// SPDX-License-Identifier: Apache-2.0
#include "user/control/generations.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/control/deployment.h"

long long annotation_number(const json_t *object, const char *name)
{
	const json_t *annotations =
		json_object_get(json_object_get(object, "metadata"), "annotations");

	long long number = strtoll(json_string_at(annotations, name, "0"), NULL, 10);

	/* Anybody may write one. */
	return number < 0 ? 0 : number < INT32_MAX ? number : INT32_MAX;
}

long long generation_revision(const json_t *object)
{
	return annotation_number(object, REVISION);
}

static int set_order(const void *first, const void *second)
{
	const json_t *a = *(const json_t *const *)first, *b = *(const json_t *const *)second;
	int order = strcmp(meta_text(a, "creationTimestamp"), meta_text(b, "creationTimestamp"));

	return order ? order : strcmp(meta_text(a, "name"), meta_text(b, "name"));
}

/* The label that the controller adds says nothing about the template. */
static bool template_same(const json_t *a, const json_t *b)
{
	AUTO_JSON copy_a = json_deep_copy(a);
	AUTO_JSON copy_b = json_deep_copy(b);

	json_object_del(
		json_object_get(json_object_get(copy_a, "metadata"), "labels"), DEPLOYMENT_HASH);
	json_object_del(
		json_object_get(json_object_get(copy_b, "metadata"), "labels"), DEPLOYMENT_HASH);
	return copy_a && copy_b && json_equal(copy_a, copy_b);
}

static const json_t *template_of(const json_t *object)
{
	return json_object_get(json_object_get(object, "spec"), "template");
}

static void numbers_read(const json_t *set, const json_t *pods, struct rollout_set *ret)
{
	const json_t *status = json_object_get(set, "status");
	struct owned owned;

	*ret = (struct rollout_set){
		.wanted = json_integer_at(json_object_get(set, "spec"), "replicas", 1),
		.available = json_integer_at(status, "availableReplicas", 0),
		.running = json_integer_at(status, "replicas", 0),
		.was_of = annotation_number(set, DESIRED),
		.was_most = annotation_number(set, MOST),
	};
	/* A status may lag: what Recreate waits for are the Pods themselves. */
	if (owned_find(pods, set, &owned) == 0) {
		ret->running = (long long)owned.count;
		owned_clear(&owned);
	}
}

int generations_read(
	const json_t *deployment, const json_t *sets, const json_t *pods, struct generations *ret)
{
	*ret = (struct generations){0};
	if (owned_find(sets, deployment, &ret->sets) < 0)
		return -ENOMEM;
	ret->old = calloc(ret->sets.count + 1, sizeof(ret->old[0]));
	ret->old_numbers = calloc(ret->sets.count + 1, sizeof(ret->old_numbers[0]));
	if (!ret->old || !ret->old_numbers)
		return -ENOMEM;
	qsort(ret->sets.list, ret->sets.count, sizeof(ret->sets.list[0]), set_order);
	rollout_limits(deployment, &ret->rollout);
	ret->rollout.old = ret->old_numbers;
	for (size_t i = 0; i < ret->sets.count; i++) {
		const json_t *set = ret->sets.list[i];

		if (!ret->current && template_same(template_of(set), template_of(deployment))) {
			ret->current = set;
			numbers_read(set, pods, &ret->numbers);
			ret->rollout.current = &ret->numbers;
			continue;
		}
		ret->old[ret->rollout.old_count] = set;
		numbers_read(set, pods, &ret->old_numbers[ret->rollout.old_count++]);
	}
	return 0;
}

void generations_clear(struct generations *generations)
{
	owned_clear(&generations->sets);
	free(generations->old);
	free(generations->old_numbers);
	*generations = (struct generations){0};
}
