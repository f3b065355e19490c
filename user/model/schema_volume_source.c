// SPDX-License-Identifier: Apache-2.0
/* Volumes made of several sources, and of a claim of their own. */
#include "user/model/rules.h"
#include "user/model/schema_rows.h"

/* A file is made before the Pod has an address. */
static const struct schema_field volume_field_ref_fields[] = {
	STRING("apiVersion", 1, .fallback = "\"v1\"", VALUES("v1")),
	STRING("fieldPath", 2, REQUIRED, .rule = name_volume_field),
	END_OF_FIELDS,
};

static const struct schema_message volume_field_ref = {
	.name = "ObjectFieldSelector", .fields = volume_field_ref_fields, .atomic = true};

static const struct schema_field downward_api_volume_file_fields[] = {
	STRING("path", 1, REQUIRED, .rule = name_relative_path),
	MESSAGE("fieldRef", 2, volume_field_ref),
	MESSAGE("resourceFieldRef", 3, schema_resource_ref),
	INT32("mode", 4, KEEPS_ZERO, .min = 0, .max = MODE_MAX),
	INT64("user", 5, REFUSED),
	END_OF_FIELDS,
};

static const struct schema_message downward_api_volume_file = {.name = "DownwardAPIVolumeFile",
	.fields = downward_api_volume_file_fields,
	.finish = downward_item_finish};

static const struct schema_field downward_volume_fields[] = {
	LIST("items", 1, downward_api_volume_file),
	INT32("defaultMode", 2, KEEPS_ZERO, .min = 0, .max = MODE_MAX, .fallback = "420"),
	INT64("defaultUser", 3, REFUSED),
	END_OF_FIELDS,
};

const struct schema_message schema_downward_volume = {
	.name = "DownwardAPIVolumeSource", .fields = downward_volume_fields};

static const struct schema_field secret_projection_fields[] = {
	LIST("items", 2, schema_key_to_path),
	BOOL("optional", 4, KEEPS_ZERO),
	END_OF_FIELDS,
};

static const struct schema_message secret_projection = {.name = "SecretProjection",
	.fields = secret_projection_fields,
	.embedded = &schema_local_reference,
	.embedded_number = 1};

static const struct schema_field downward_api_projection_fields[] = {
	LIST("items", 1, downward_api_volume_file),
	END_OF_FIELDS,
};

static const struct schema_message downward_api_projection = {
	.name = "DownwardAPIProjection", .fields = downward_api_projection_fields};

static const struct schema_field config_map_projection_fields[] = {
	LIST("items", 2, schema_key_to_path),
	BOOL("optional", 4, KEEPS_ZERO),
	END_OF_FIELDS,
};

static const struct schema_message config_map_projection = {.name = "ConfigMapProjection",
	.fields = config_map_projection_fields,
	.embedded = &schema_local_reference,
	.embedded_number = 1};

static const struct schema_field service_account_token_projection_fields[] = {
	STRING("audience", 1),
	INT64("expirationSeconds", 2, KEEPS_ZERO, .min = 600, .max = 1L << 32, .fallback = "3600"),
	STRING("path", 3, REQUIRED, .rule = name_relative_path),
	INT64("user", 4, REFUSED),
	END_OF_FIELDS,
};

static const struct schema_message service_account_token_projection = {
	.name = "ServiceAccountTokenProjection", .fields = service_account_token_projection_fields};

static const struct schema_field cluster_trust_bundle_projection_fields[] = {
	STRING("name", 1),
	STRING("signerName", 2),
	MESSAGE("labelSelector", 3, schema_label_selector),
	BOOL("optional", 5, KEEPS_ZERO),
	STRING("path", 4, REQUIRED),
	INT64("user", 6),
	END_OF_FIELDS,
};

static const struct schema_message cluster_trust_bundle_projection = {
	.name = "ClusterTrustBundleProjection", .fields = cluster_trust_bundle_projection_fields};

static const struct schema_field pod_certificate_projection_fields[] = {
	STRING("signerName", 1, REQUIRED),
	STRING("keyType", 2, REQUIRED),
	INT32("maxExpirationSeconds", 3),
	STRING("credentialBundlePath", 4),
	STRING("keyPath", 5),
	STRING("certificateChainPath", 6),
	STRING_MAP("userAnnotations", 7),
	INT64("user", 8),
	END_OF_FIELDS,
};

static const struct schema_message pod_certificate_projection = {
	.name = "PodCertificateProjection", .fields = pod_certificate_projection_fields};

static const struct schema_field volume_projection_fields[] = {
	MESSAGE("secret", 1, secret_projection),
	MESSAGE("downwardAPI", 2, downward_api_projection),
	MESSAGE("configMap", 3, config_map_projection),
	MESSAGE("serviceAccountToken", 4, service_account_token_projection),
	MESSAGE("clusterTrustBundle", 5, cluster_trust_bundle_projection, ABSENT),
	MESSAGE("podCertificate", 6, pod_certificate_projection, ABSENT),
	END_OF_FIELDS,
};

static const struct schema_message volume_projection = {.name = "VolumeProjection",
	.fields = volume_projection_fields,
	.finish = projection_finish};

static const struct schema_field projected_fields[] = {
	LIST("sources", 1, volume_projection),
	INT32("defaultMode", 2, KEEPS_ZERO, .min = 0, .max = MODE_MAX, .fallback = "420"),
	INT64("defaultUser", 3, REFUSED),
	END_OF_FIELDS,
};

const struct schema_message schema_projected = {
	.name = "ProjectedVolumeSource", .fields = projected_fields};

static const struct schema_field volume_resource_requirements_fields[] = {
	QUANTITIES("limits", 1),
	QUANTITIES("requests", 2),
	END_OF_FIELDS,
};

static const struct schema_message volume_resource_requirements = {
	.name = "VolumeResourceRequirements", .fields = volume_resource_requirements_fields};

static const struct schema_field typed_local_object_reference_fields[] = {
	STRING("apiGroup", 1),
	STRING("kind", 2, REQUIRED),
	STRING("name", 3, REQUIRED),
	END_OF_FIELDS,
};

static const struct schema_message typed_local_object_reference = {
	.name = "TypedLocalObjectReference",
	.fields = typed_local_object_reference_fields,
	.atomic = true};

static const struct schema_field typed_object_reference_fields[] = {
	STRING("apiGroup", 1),
	STRING("kind", 2, REQUIRED),
	STRING("name", 3, REQUIRED),
	STRING("namespace", 4),
	END_OF_FIELDS,
};

static const struct schema_message typed_object_reference = {
	.name = "TypedObjectReference", .fields = typed_object_reference_fields};

static const struct schema_field persistent_volume_claim_spec_fields[] = {
	STRINGS("accessModes", 1),
	MESSAGE("selector", 4, schema_label_selector),
	MESSAGE("resources", 2, volume_resource_requirements, ALWAYS("{}")),
	STRING("volumeName", 3),
	STRING("storageClassName", 5),
	STRING("volumeMode", 6, .fallback = "\"Filesystem\"", VALUES("Block", "Filesystem")),
	MESSAGE("dataSource", 7, typed_local_object_reference),
	MESSAGE("dataSourceRef", 8, typed_object_reference),
	STRING("volumeAttributesClassName", 9),
	END_OF_FIELDS,
};

static const struct schema_message persistent_volume_claim_spec = {
	.name = "PersistentVolumeClaimSpec", .fields = persistent_volume_claim_spec_fields};

static const struct schema_field persistent_volume_claim_template_fields[] = {
	MESSAGE("metadata", 1, schema_object_meta, ALWAYS("{}")),
	MESSAGE("spec", 2, persistent_volume_claim_spec, REQUIRED),
	END_OF_FIELDS,
};

static const struct schema_message persistent_volume_claim_template = {
	.name = "PersistentVolumeClaimTemplate", .fields = persistent_volume_claim_template_fields};

static const struct schema_field ephemeral_fields[] = {
	MESSAGE("volumeClaimTemplate", 1, persistent_volume_claim_template),
	END_OF_FIELDS,
};

const struct schema_message schema_ephemeral = {
	.name = "EphemeralVolumeSource", .fields = ephemeral_fields};
