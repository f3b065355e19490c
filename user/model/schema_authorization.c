// SPDX-License-Identifier: Apache-2.0
#include "user/model/schema_rows.h"

static const struct schema_field field_selector_attributes_fields[] = {
	STRING("rawSelector", 1),
	LIST("requirements", 2, schema_field_requirement),
	END_OF_FIELDS,
};

static const struct schema_message field_selector_attributes = {
	.name = "FieldSelectorAttributes", .fields = field_selector_attributes_fields};

static const struct schema_field label_selector_attributes_fields[] = {
	STRING("rawSelector", 1),
	LIST("requirements", 2, schema_label_requirement),
	END_OF_FIELDS,
};

static const struct schema_message label_selector_attributes = {
	.name = "LabelSelectorAttributes", .fields = label_selector_attributes_fields};

static const struct schema_field resource_attributes_fields[] = {
	STRING("namespace", 1),
	STRING("verb", 2),
	STRING("group", 3),
	STRING("version", 4),
	STRING("resource", 5),
	STRING("subresource", 6),
	STRING("name", 7),
	MESSAGE("fieldSelector", 8, field_selector_attributes),
	MESSAGE("labelSelector", 9, label_selector_attributes),
	END_OF_FIELDS,
};

static const struct schema_message resource_attributes = {
	.name = "ResourceAttributes", .fields = resource_attributes_fields};

static const struct schema_field non_resource_attributes_fields[] = {
	STRING("path", 1),
	STRING("verb", 2),
	END_OF_FIELDS,
};

static const struct schema_message non_resource_attributes = {
	.name = "NonResourceAttributes", .fields = non_resource_attributes_fields};

static const struct schema_field self_subject_access_review_spec_fields[] = {
	MESSAGE("resourceAttributes", 1, resource_attributes),
	MESSAGE("nonResourceAttributes", 2, non_resource_attributes),
	END_OF_FIELDS,
};

static const struct schema_message self_subject_access_review_spec = {
	.name = "SelfSubjectAccessReviewSpec", .fields = self_subject_access_review_spec_fields};

static const struct schema_field subject_access_review_status_fields[] = {
	BOOL("allowed", 1, ALWAYS("false")),
	BOOL("denied", 4),
	STRING("reason", 2),
	STRING("evaluationError", 3),
	END_OF_FIELDS,
};

static const struct schema_message subject_access_review_status = {
	.name = "SubjectAccessReviewStatus", .fields = subject_access_review_status_fields};

static const struct schema_field self_subject_access_review_fields[] = {
	KIND_HEAD,
	MESSAGE("spec", 2, self_subject_access_review_spec, REQUIRED),
	MESSAGE("status", 3, subject_access_review_status, .fallback = "{\"allowed\":false}"),
	END_OF_FIELDS,
};

const struct schema_message schema_self_subject_access_review = {
	.name = "SelfSubjectAccessReview", .fields = self_subject_access_review_fields};

static const struct schema_field subject_access_review_spec_fields[] = {
	MESSAGE("resourceAttributes", 1, resource_attributes),
	MESSAGE("nonResourceAttributes", 2, non_resource_attributes),
	STRING("user", 3),
	STRINGS("groups", 4),
	FIELD("extra", 5, SCHEMA_STRING_LIST, .shape = SCHEMA_MAP),
	STRING("uid", 6),
	END_OF_FIELDS,
};

static const struct schema_message subject_access_review_spec = {
	.name = "SubjectAccessReviewSpec", .fields = subject_access_review_spec_fields};

static const struct schema_field subject_access_review_fields[] = {
	KIND_HEAD,
	MESSAGE("spec", 2, subject_access_review_spec, REQUIRED),
	MESSAGE("status", 3, subject_access_review_status, .fallback = "{\"allowed\":false}"),
	END_OF_FIELDS,
};

const struct schema_message schema_subject_access_review = {
	.name = "SubjectAccessReview", .fields = subject_access_review_fields};

static const struct schema_field local_subject_access_review_fields[] = {
	KIND_HEAD,
	MESSAGE("spec", 2, subject_access_review_spec, REQUIRED),
	MESSAGE("status", 3, subject_access_review_status, .fallback = "{\"allowed\":false}"),
	END_OF_FIELDS,
};

const struct schema_message schema_local_subject_access_review = {
	.name = "LocalSubjectAccessReview", .fields = local_subject_access_review_fields};

static const struct schema_field self_subject_rules_review_spec_fields[] = {
	STRING("namespace", 1),
	END_OF_FIELDS,
};

static const struct schema_message self_subject_rules_review_spec = {
	.name = "SelfSubjectRulesReviewSpec", .fields = self_subject_rules_review_spec_fields};

static const struct schema_field resource_rule_fields[] = {
	STRINGS("verbs", 1),
	STRINGS("apiGroups", 2),
	STRINGS("resources", 3),
	STRINGS("resourceNames", 4),
	END_OF_FIELDS,
};

static const struct schema_message resource_rule = {
	.name = "ResourceRule", .fields = resource_rule_fields};

static const struct schema_field non_resource_rule_fields[] = {
	STRINGS("verbs", 1),
	STRINGS("nonResourceURLs", 2),
	END_OF_FIELDS,
};

static const struct schema_message non_resource_rule = {
	.name = "NonResourceRule", .fields = non_resource_rule_fields};

static const struct schema_field subject_rules_review_status_fields[] = {
	LIST("resourceRules", 1, resource_rule),
	LIST("nonResourceRules", 2, non_resource_rule),
	BOOL("incomplete", 3),
	STRING("evaluationError", 4),
	END_OF_FIELDS,
};

static const struct schema_message subject_rules_review_status = {
	.name = "SubjectRulesReviewStatus", .fields = subject_rules_review_status_fields};

static const struct schema_field self_subject_rules_review_fields[] = {
	KIND_HEAD,
	MESSAGE("spec", 2, self_subject_rules_review_spec, REQUIRED),
	MESSAGE("status", 3, subject_rules_review_status),
	END_OF_FIELDS,
};

const struct schema_message schema_self_subject_rules_review = {
	.name = "SelfSubjectRulesReview", .fields = self_subject_rules_review_fields};
