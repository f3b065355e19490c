// SPDX-License-Identifier: Apache-2.0
#include "user/store/blob.h"

#include <stdlib.h>
#include <string.h>

struct blob *blob_new(const void *data, size_t size)
{
	struct blob *value = malloc(sizeof(*value) + size + 1);

	if (!value)
		return NULL;
	value->references = 1;
	value->size = size;
	memcpy(value->data, data, size);
	value->data[size] = '\0';
	return value;
}

struct blob *blob_ref(struct blob *value)
{
	if (value)
		value->references++;
	return value;
}

struct blob *blob_unref(struct blob *value)
{
	if (value && --value->references == 0)
		free(value);
	return NULL;
}
