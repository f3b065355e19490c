// SPDX-License-Identifier: Apache-2.0
#include "user/api/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/api/failure.h"
#include "user/api/request.h"
#include "user/base/err.h"
#include "user/http/server.h"
#include "user/model/selector.h"
#include "user/store/blob.h"

struct filter {
	struct label_selector *labels; /* NULL: any */
	struct field_selector *fields; /* NULL: any */
	char name[REQUEST_NAME_MAX];   /* "": any */
};

static int filter_refuse(int r, const struct err *err, struct failure *failure)
{
	if (r == -ENOMEM)
		return failure_internal(failure, "out of memory");
	return failure_set(failure, 400, "BadRequest", "%s", err->text);
}

static int filter_read(
	const struct api_request *request, struct filter *filter, struct failure *failure)
{
	const char *labels = http_exchange_query(request->exchange, "labelSelector", 0);
	const char *fields = http_exchange_query(request->exchange, "fieldSelector", 0);
	struct err err;
	int r = 0;

	if (labels && labels[0])
		r = label_selector_parse(labels, &filter->labels, &err);
	if (r == 0 && fields && fields[0])
		r = field_selector_parse(fields, request->kind, &filter->fields, &err);
	return r < 0 ? filter_refuse(r, &err, failure) : 0;
}

int filter_new(const struct api_request *request, struct filter **ret, struct failure *failure)
{
	struct filter *filter = calloc(1, sizeof(*filter));

	if (!filter)
		return failure_internal(failure, "out of memory");
	memcpy(filter->name, request->name, sizeof(filter->name));
	if (filter_read(request, filter, failure) < 0) {
		filter_free(filter);
		return -1;
	}
	*ret = filter;
	return 0;
}

struct filter *filter_free(struct filter *filter)
{
	if (filter) {
		label_selector_free(filter->labels);
		field_selector_free(filter->fields);
		free(filter);
	}
	return NULL;
}

bool filter_is_empty(const struct filter *filter)
{
	return !filter->labels && !filter->fields && !filter->name[0];
}

bool filter_may_match(const struct filter *filter, const struct blob *blob)
{
	if (filter->labels && !label_selector_may_match(filter->labels, blob->data, blob->size))
		return false;
	return !filter->fields || field_selector_may_match(filter->fields, blob->data, blob->size);
}

bool filter_matches(const struct filter *filter, const json_t *object)
{
	const json_t *meta = json_object_get(object, "metadata");

	if (filter->name[0] && strcmp(json_string_at(meta, "name", ""), filter->name) != 0)
		return false;
	if (filter->labels &&
		!label_selector_matches(filter->labels, json_object_get(meta, "labels")))
		return false;
	return !filter->fields || field_selector_matches(filter->fields, object);
}
