// SPDX-License-Identifier: Apache-2.0
#include "user/agent/manifests_source.h"

#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"

/* The place of @file, or where it would go. */
static size_t sources_place(
	const struct manifest_sources *sources, const char *file, bool *ret_there)
{
	size_t low = 0, high = sources->count;

	*ret_there = false;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(file, sources->items[middle]->file);

		if (order == 0) {
			*ret_there = true;
			return middle;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

struct manifest_source *sources_find(const struct manifest_sources *sources, const char *file)
{
	bool there;
	size_t place = sources_place(sources, file, &there);

	return there ? sources->items[place] : NULL;
}

struct manifest_source *sources_get(struct manifest_sources *sources, const char *file)
{
	bool there;
	size_t place = sources_place(sources, file, &there);
	struct manifest_source *source, **grown;

	if (there)
		return sources->items[place];
	grown = reallocarray(sources->items, sources->count + 1, sizeof(*sources->items));
	if (!grown)
		return NULL;
	sources->items = grown;
	source = calloc(1, sizeof(*source));
	if (!source || !(source->file = strdup(file))) {
		free(source);
		return NULL;
	}
	memmove(grown + place + 1, grown + place, (sources->count - place) * sizeof(*grown));
	grown[place] = source;
	sources->count++;
	return source;
}

void source_drop(struct manifest_source *source)
{
	if (!source)
		return;
	manifest_free(source->manifest);
	holdings_free(&source->holdings);
	holdings_free(&source->next);
	free(source->records);
	free(source->file);
	free(source);
}

void sources_free(struct manifest_sources *sources)
{
	for (size_t i = 0; i < sources->count; i++)
		source_drop(sources->items[i]);
	free(sources->items);
	*sources = (struct manifest_sources){0};
}

int holdings_add(struct holdings *holdings, struct object *object, unsigned index, unsigned line)
{
	size_t count = holdings->count;

	/* Grows at powers of two. */
	if (object && (count & (count - 1)) == 0) {
		struct holding *grown = reallocarray(
			holdings->items, count ? count * 2 : 1, sizeof(*holdings->items));

		if (!grown)
			object = object_free(object);
		else
			holdings->items = grown;
	}
	if (!object)
		return -ENOMEM;
	holdings->items[holdings->count++] =
		(struct holding){.object = object, .index = index, .line = line};
	return 0;
}

void holdings_free(struct holdings *holdings)
{
	for (size_t i = 0; i < holdings->count; i++)
		object_free(holdings->items[i].object);
	free(holdings->items);
	*holdings = (struct holdings){0};
}

struct object *object_share(const struct object *object)
{
	struct object *other = malloc(sizeof(*other));

	if (!other)
		return NULL;
	*other = *object;
	json_incref(other->json);
	return other;
}
