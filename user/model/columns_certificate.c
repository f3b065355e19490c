// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "user/model/age.h"
#include "user/model/columns_part.h"

static json_t *cell_signer(const json_t *object, int64_t now)
{
	(void)now;
	return json_any_text(cell_text_at(object, "spec", "signerName", COLUMN_NONE));
}

static json_t *cell_requestor(const json_t *object, int64_t now)
{
	(void)now;
	return json_any_text(cell_text_at(object, "spec", "username", ""));
}

static json_t *cell_duration(const json_t *object, int64_t now)
{
	const json_t *seconds = cell_at(object, "spec", "expirationSeconds");
	char text[32] = COLUMN_NONE;

	(void)now;
	if (seconds)
		age_text(json_integer_value(seconds), text, sizeof(text));
	return json_string(text);
}

/* "Approved,Issued" */
static json_t *cell_condition(const json_t *object, int64_t now)
{
	static const char *const types[] = {"Approved", "Denied", "Failed"};
	char list[CELL_MAX] = "";
	const json_t *condition;
	size_t i;

	(void)now;
	for (size_t type = 0; type < sizeof(types) / sizeof(types[0]); type++)
		json_array_foreach (cell_at(object, "status", "conditions"), i, condition)
			if (strcmp(json_string_at(condition, "type", ""), types[type]) == 0)
				cell_list_add(list, sizeof(list), types[type]);
	if (!list[0])
		cell_list_add(list, sizeof(list), "Pending");
	if (cell_text_at(object, "status", "certificate", "")[0])
		cell_list_add(list, sizeof(list), "Issued");
	return json_any_text(list);
}

const struct column columns_certificate_request[] = {COLUMN_NAME, COLUMN_AGE,
	{"SignerName", "string", "", 0, cell_signer},
	{"Requestor", "string", "", 0, cell_requestor},
	{"RequestedDuration", "string", "", 0, cell_duration},
	{"Condition", "string", "", 0, cell_condition}, COLUMN_END};
