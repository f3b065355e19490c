// SPDX-License-Identifier: Apache-2.0
#include "user/model/schema_rows.h"

static const struct schema_field user_info_fields[] = {
	STRING("username", 1),
	STRING("uid", 2),
	STRINGS("groups", 3),
	FIELD("extra", 4, SCHEMA_STRING_LIST, .shape = SCHEMA_MAP),
	END_OF_FIELDS,
};

const struct schema_message schema_user_info = {.name = "UserInfo", .fields = user_info_fields};

static const struct schema_field token_review_spec_fields[] = {
	STRING("token", 1),
	STRINGS("audiences", 2),
	END_OF_FIELDS,
};

static const struct schema_message token_review_spec = {
	.name = "TokenReviewSpec", .fields = token_review_spec_fields};

static const struct schema_field token_review_status_fields[] = {
	BOOL("authenticated", 1),
	MESSAGE("user", 2, schema_user_info),
	STRINGS("audiences", 4),
	STRING("error", 3),
	END_OF_FIELDS,
};

static const struct schema_message token_review_status = {
	.name = "TokenReviewStatus", .fields = token_review_status_fields};

static const struct schema_field token_review_fields[] = {
	KIND_HEAD,
	MESSAGE("spec", 2, token_review_spec, REQUIRED),
	MESSAGE("status", 3, token_review_status),
	END_OF_FIELDS,
};

const struct schema_message schema_token_review = {
	.name = "TokenReview", .fields = token_review_fields};

static const struct schema_field bound_object_reference_fields[] = {
	STRING("kind", 1),
	STRING("apiVersion", 2),
	STRING("name", 3),
	STRING("uid", 4),
	END_OF_FIELDS,
};

static const struct schema_message bound_object_reference = {
	.name = "BoundObjectReference", .fields = bound_object_reference_fields};

static const struct schema_field token_request_spec_fields[] = {
	STRINGS("audiences", 1),
	INT64("expirationSeconds", 4, KEEPS_ZERO, .min = 600, .max = 1L << 32, .fallback = "3600"),
	MESSAGE("boundObjectRef", 3, bound_object_reference, ALWAYS("null")),
	FIELD("attestations", 5, SCHEMA_STRING_LIST, .shape = SCHEMA_MAP),
	END_OF_FIELDS,
};

static const struct schema_message token_request_spec = {
	.name = "TokenRequestSpec", .fields = token_request_spec_fields};

static const struct schema_field token_request_status_fields[] = {
	STRING("token", 1),
	TIME("expirationTimestamp", 2),
	END_OF_FIELDS,
};

static const struct schema_message token_request_status = {
	.name = "TokenRequestStatus", .fields = token_request_status_fields};

static const struct schema_field token_request_fields[] = {
	KIND_HEAD,
	MESSAGE("spec", 2, token_request_spec, REQUIRED),
	MESSAGE("status", 3, token_request_status),
	END_OF_FIELDS,
};

const struct schema_message schema_token_request = {
	.name = "TokenRequest", .fields = token_request_fields};

static const struct schema_field self_subject_review_status_fields[] = {
	MESSAGE("userInfo", 1, schema_user_info),
	END_OF_FIELDS,
};

static const struct schema_message self_subject_review_status = {
	.name = "SelfSubjectReviewStatus", .fields = self_subject_review_status_fields};

static const struct schema_field self_subject_review_fields[] = {
	KIND_HEAD,
	MESSAGE("status", 2, self_subject_review_status),
	END_OF_FIELDS,
};

const struct schema_message schema_self_subject_review = {
	.name = "SelfSubjectReview", .fields = self_subject_review_fields};
