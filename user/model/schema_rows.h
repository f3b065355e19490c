/* SPDX-License-Identifier: Apache-2.0 */
/* For schema_*.c alone: words that make the tables readable, and the messages that tables share. */
#pragma once

#include "user/model/schema.h"

#define FIELD(n, num, t, ...)                                            \
	{                                                                \
		.name = (n), .number = (num), .type = (t), ##__VA_ARGS__ \
	}
#define STRING(n, num, ...)	FIELD(n, num, SCHEMA_STRING, ##__VA_ARGS__)
#define BOOL(n, num, ...)	FIELD(n, num, SCHEMA_BOOL, ##__VA_ARGS__)
#define INT32(n, num, ...)	FIELD(n, num, SCHEMA_INT32, ##__VA_ARGS__)
#define INT64(n, num, ...)	FIELD(n, num, SCHEMA_INT64, ##__VA_ARGS__)
#define TIME(n, num, ...)	FIELD(n, num, SCHEMA_TIME, ##__VA_ARGS__)
#define MICRO_TIME(n, num, ...) FIELD(n, num, SCHEMA_MICRO_TIME, ##__VA_ARGS__)
#define QUANTITY(n, num, ...)	FIELD(n, num, SCHEMA_QUANTITY, ##__VA_ARGS__)
#define QUANTITIES(n, num, ...) QUANTITY(n, num, .shape = SCHEMA_MAP, ##__VA_ARGS__)
#define MESSAGE(n, num, m, ...) FIELD(n, num, SCHEMA_MESSAGE, .message = &(m), ##__VA_ARGS__)
#define STRINGS(n, num, ...)	STRING(n, num, .shape = SCHEMA_LIST, ##__VA_ARGS__)
#define LIST(n, num, m, ...)	MESSAGE(n, num, m, .shape = SCHEMA_LIST, ##__VA_ARGS__)
#define STRING_MAP(n, num, ...) STRING(n, num, .shape = SCHEMA_MAP, ##__VA_ARGS__)
#define REFUSED			.support = SCHEMA_REFUSED
#define ABSENT			.support = SCHEMA_ABSENT
#define DROPPED			.support = SCHEMA_DROPPED
#define IGNORED			.support = SCHEMA_IGNORED
/* A pointer in Go: 0 and false are given. */
#define KEEPS_ZERO .keeps_zero = true
#define REQUIRED   .required = true
/* As Go writes fields that have no omitempty or are structs. */
#define ALWAYS(zero) .fallback = (zero)
#define VALUES(...)                     \
	.one_of = (const char *const[]) \
	{                               \
		__VA_ARGS__, NULL       \
	}
#define END_OF_FIELDS        \
	{                    \
		.name = NULL \
	}

/* The first rows of each kind. */
#define KIND_HEAD                                   \
	STRING("apiVersion", 0), STRING("kind", 0), \
		MESSAGE("metadata", 1, schema_object_meta, .required = true, .fallback = "{}")

#define PORT_MAX 65535
#define MODE_MAX 0777

/* Messages that several files use. */
extern const struct schema_message schema_condition, schema_object_reference,
	schema_local_reference, schema_secret_reference, schema_container, schema_resources,
	schema_security, schema_pod_security, schema_volume, schema_affinity, schema_toleration,
	schema_topology_spread, schema_node_selector, schema_pod_status, schema_load_balancer,
	schema_resource_claim, schema_event_source, schema_key_to_path, schema_resource_ref,
	schema_user_info, schema_label_requirement, schema_field_requirement;

/* Volumes that other machines or drivers give. */
extern const struct schema_message schema_gce_disk, schema_aws_disk, schema_git_repo, schema_nfs,
	schema_iscsi, schema_glusterfs, schema_claim, schema_rbd, schema_flex, schema_cinder,
	schema_cephfs, schema_flocker, schema_fc, schema_azure_file, schema_vsphere, schema_quobyte,
	schema_azure_disk, schema_photon, schema_portworx, schema_scale_io, schema_storage_os,
	schema_csi, schema_ephemeral, schema_image_volume, schema_downward_volume, schema_projected;
