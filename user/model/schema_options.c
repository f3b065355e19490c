// SPDX-License-Identifier: Apache-2.0
/* What comes along with requests and answers. */
#include "user/model/schema_rows.h"

static const struct schema_field list_meta_fields[] = {
	STRING("selfLink", 1),
	STRING("resourceVersion", 2),
	STRING("continue", 3),
	INT64("remainingItemCount", 4, KEEPS_ZERO),
	END_OF_FIELDS,
};

const struct schema_message schema_list_meta = {.name = "ListMeta", .fields = list_meta_fields};

static const struct schema_field condition_fields[] = {
	STRING("type", 1, REQUIRED),
	STRING("status", 2, REQUIRED, VALUES("True", "False", "Unknown")),
	INT64("observedGeneration", 3),
	TIME("lastTransitionTime", 4, REQUIRED),
	STRING("reason", 5, REQUIRED),
	STRING("message", 6, ALWAYS("\"\"")),
	END_OF_FIELDS,
};

const struct schema_message schema_condition = {.name = "Condition", .fields = condition_fields};

static const struct schema_field preconditions_fields[] = {
	STRING("uid", 1),
	STRING("resourceVersion", 2),
	END_OF_FIELDS,
};

static const struct schema_message preconditions = {
	.name = "Preconditions", .fields = preconditions_fields};

static const struct schema_field delete_options_fields[] = {
	STRING("apiVersion", 0),
	STRING("kind", 0),
	INT64("gracePeriodSeconds", 1, KEEPS_ZERO),
	MESSAGE("preconditions", 2, preconditions),
	BOOL("orphanDependents", 3, KEEPS_ZERO),
	STRING("propagationPolicy", 4, VALUES("Orphan", "Background", "Foreground")),
	STRINGS("dryRun", 5),
	BOOL("ignoreStoreReadErrorWithClusterBreakingPotential", 6, KEEPS_ZERO),
	END_OF_FIELDS,
};

const struct schema_message schema_delete_options = {
	.name = "DeleteOptions", .fields = delete_options_fields};

static const struct schema_field create_options_fields[] = {
	STRING("apiVersion", 0),
	STRING("kind", 0),
	STRINGS("dryRun", 1),
	STRING("fieldManager", 3),
	STRING("fieldValidation", 4),
	END_OF_FIELDS,
};

const struct schema_message schema_create_options = {
	.name = "CreateOptions", .fields = create_options_fields};

static const struct schema_field update_options_fields[] = {
	STRING("apiVersion", 0),
	STRING("kind", 0),
	STRINGS("dryRun", 1),
	STRING("fieldManager", 2),
	STRING("fieldValidation", 3),
	END_OF_FIELDS,
};

const struct schema_message schema_update_options = {
	.name = "UpdateOptions", .fields = update_options_fields};

static const struct schema_field patch_options_fields[] = {
	STRING("apiVersion", 0),
	STRING("kind", 0),
	STRINGS("dryRun", 1),
	BOOL("force", 2),
	STRING("fieldManager", 3),
	STRING("fieldValidation", 4),
	END_OF_FIELDS,
};

const struct schema_message schema_patch_options = {
	.name = "PatchOptions", .fields = patch_options_fields};

static const struct schema_field status_cause_fields[] = {
	STRING("reason", 1),
	STRING("message", 2),
	STRING("field", 3),
	END_OF_FIELDS,
};

static const struct schema_message status_cause = {
	.name = "StatusCause", .fields = status_cause_fields};

static const struct schema_field status_details_fields[] = {
	STRING("name", 1),
	STRING("group", 2),
	STRING("kind", 3),
	STRING("uid", 6),
	LIST("causes", 4, status_cause),
	INT32("retryAfterSeconds", 5),
	END_OF_FIELDS,
};

static const struct schema_message status_details = {
	.name = "StatusDetails", .fields = status_details_fields};

static const struct schema_field status_fields[] = {
	STRING("apiVersion", 0),
	STRING("kind", 0),
	MESSAGE("metadata", 1, schema_list_meta),
	STRING("status", 2),
	STRING("message", 3),
	STRING("reason", 4),
	MESSAGE("details", 5, status_details),
	INT32("code", 6),
	END_OF_FIELDS,
};

const struct schema_message schema_status = {.name = "Status", .fields = status_fields};
