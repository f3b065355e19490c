// SPDX-License-Identifier: Apache-2.0
#include "user/model/defaults.h"
#include "user/model/rules.h"
#include "user/model/schema_rows.h"
#include "user/model/validate.h"

static const struct schema_field item_fields[] = {
	STRING("key", 1, REQUIRED, .rule = name_data_key),
	STRING("path", 2, REQUIRED, .rule = name_relative_path),
	INT32("mode", 3, KEEPS_ZERO, .min = 0, .max = MODE_MAX),
	INT64("user", 4, REFUSED),
	END_OF_FIELDS,
};

const struct schema_message schema_key_to_path = {.name = "KeyToPath", .fields = item_fields};

static const struct schema_field empty_dir_fields[] = {
	STRING("medium", 1, VALUES("Memory", "!HugePages", "!HugePages-2Mi", "!HugePages-1Gi")),
	FIELD("sizeLimit", 2, SCHEMA_QUANTITY),
	INT32("mode", 3, KEEPS_ZERO, REFUSED),
	END_OF_FIELDS,
};

static const struct schema_message empty_dir = {
	.name = "EmptyDirVolumeSource", .fields = empty_dir_fields};

static const struct schema_field host_path_fields[] = {
	STRING("path", 1, REQUIRED, .rule = name_host_path),
	STRING("type", 2,
		VALUES("DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket",
			"CharDevice", "BlockDevice")),
	END_OF_FIELDS,
};

static const struct schema_message host_path = {
	.name = "HostPathVolumeSource", .fields = host_path_fields};

static const struct schema_field config_map_fields[] = {
	LIST("items", 2, schema_key_to_path),
	INT32("defaultMode", 3, KEEPS_ZERO, .min = 0, .max = MODE_MAX, .fallback = "420"),
	BOOL("optional", 4, KEEPS_ZERO),
	INT64("defaultUser", 5, REFUSED),
	END_OF_FIELDS,
};

static const struct schema_message config_map = {.name = "ConfigMapVolumeSource",
	.fields = config_map_fields,
	.embedded = &schema_local_reference,
	.embedded_number = 1};

static const struct schema_field secret_fields[] = {
	STRING("secretName", 1, REQUIRED, .rule = name_dns_subdomain),
	LIST("items", 2, schema_key_to_path),
	INT32("defaultMode", 3, KEEPS_ZERO, .min = 0, .max = MODE_MAX, .fallback = "420"),
	BOOL("optional", 4, KEEPS_ZERO),
	INT64("defaultUser", 5, REFUSED),
	END_OF_FIELDS,
};

static const struct schema_message secret = {.name = "SecretVolumeSource", .fields = secret_fields};

static const struct schema_field volume_source_fields[] = {
	MESSAGE("hostPath", 1, host_path),
	MESSAGE("emptyDir", 2, empty_dir),
	MESSAGE("gcePersistentDisk", 3, schema_gce_disk, ABSENT),
	MESSAGE("awsElasticBlockStore", 4, schema_aws_disk, ABSENT),
	MESSAGE("gitRepo", 5, schema_git_repo, ABSENT),
	MESSAGE("secret", 6, secret),
	MESSAGE("nfs", 7, schema_nfs, ABSENT),
	MESSAGE("iscsi", 8, schema_iscsi, ABSENT),
	MESSAGE("glusterfs", 9, schema_glusterfs, ABSENT),
	MESSAGE("persistentVolumeClaim", 10, schema_claim, ABSENT),
	MESSAGE("rbd", 11, schema_rbd, ABSENT),
	MESSAGE("flexVolume", 12, schema_flex, ABSENT),
	MESSAGE("cinder", 13, schema_cinder, ABSENT),
	MESSAGE("cephfs", 14, schema_cephfs, ABSENT),
	MESSAGE("flocker", 15, schema_flocker, ABSENT),
	MESSAGE("downwardAPI", 16, schema_downward_volume),
	MESSAGE("fc", 17, schema_fc, ABSENT),
	MESSAGE("azureFile", 18, schema_azure_file, ABSENT),
	MESSAGE("configMap", 19, config_map),
	MESSAGE("vsphereVolume", 20, schema_vsphere, ABSENT),
	MESSAGE("quobyte", 21, schema_quobyte, ABSENT),
	MESSAGE("azureDisk", 22, schema_azure_disk, ABSENT),
	MESSAGE("photonPersistentDisk", 23, schema_photon, ABSENT),
	MESSAGE("portworxVolume", 24, schema_portworx, ABSENT),
	MESSAGE("scaleIO", 25, schema_scale_io, ABSENT),
	MESSAGE("projected", 26, schema_projected),
	MESSAGE("storageos", 27, schema_storage_os, ABSENT),
	MESSAGE("csi", 28, schema_csi, ABSENT),
	MESSAGE("ephemeral", 29, schema_ephemeral, ABSENT),
	MESSAGE("image", 30, schema_image_volume, ABSENT),
	END_OF_FIELDS,
};

static const struct schema_message volume_source = {
	.name = "VolumeSource", .fields = volume_source_fields};

static const struct schema_field volume_fields[] = {
	STRING("name", 1, REQUIRED, .rule = name_dns_label),
	END_OF_FIELDS,
};

const struct schema_message schema_volume = {.name = "Volume",
	.fields = volume_fields,
	.validate = volume_validate,
	.complete = volume_complete,
	.embedded = &volume_source,
	.embedded_number = 2,
	.finish = volume_finish};
