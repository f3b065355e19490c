// SPDX-License-Identifier: Apache-2.0
#include "user/model/rules.h"
#include "user/model/schema.h"

#define MODE_MAX 0777

static const struct schema_field item_fields[] = {
	STRING("key", 1, .required = true, .rule = name_data_key),
	STRING("path", 2, .required = true, .rule = name_relative_path),
	INT32("mode", 3, .min = 0, .max = MODE_MAX),
	REFUSED("user", 4),
	END_OF_FIELDS,
};

static const struct schema_message item = {"KeyToPath", item_fields, NULL};

static const struct schema_field empty_dir_fields[] = {
	STRING("medium", 1, VALUES("Memory", "!HugePages", "!HugePages-2Mi", "!HugePages-1Gi")),
	FIELD("sizeLimit", 2, SCHEMA_QUANTITY),
	REFUSED("mode", 3),
	END_OF_FIELDS,
};

static const struct schema_message empty_dir = {"EmptyDirVolumeSource", empty_dir_fields, NULL};

static const struct schema_field host_path_fields[] = {
	STRING("path", 1, .required = true, .rule = name_host_path),
	STRING("type", 2,
		VALUES("DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket",
			"CharDevice", "BlockDevice")),
	END_OF_FIELDS,
};

static const struct schema_message host_path = {"HostPathVolumeSource", host_path_fields, NULL};

static const struct schema_field config_map_fields[] = {
	STRING("name", 1, .required = true, .rule = name_dns_subdomain),
	LIST("items", 2, item),
	INT32("defaultMode", 3, .min = 0, .max = MODE_MAX, .fallback = "420"),
	BOOL("optional", 4),
	REFUSED("defaultUser", 5),
	END_OF_FIELDS,
};

static const struct schema_message config_map = {"ConfigMapVolumeSource", config_map_fields, NULL};

static const struct schema_field secret_fields[] = {
	STRING("secretName", 1, .required = true, .rule = name_dns_subdomain),
	LIST("items", 2, item),
	INT32("defaultMode", 3, .min = 0, .max = MODE_MAX, .fallback = "420"),
	BOOL("optional", 4),
	REFUSED("defaultUser", 5),
	END_OF_FIELDS,
};

static const struct schema_message secret = {"SecretVolumeSource", secret_fields, NULL};

/* Volume and the VolumeSource that is inline in it. */
static const struct schema_field volume_fields[] = {
	STRING("name", 1, .required = true, .rule = name_dns_label),
	MESSAGE("hostPath", 1, host_path),
	MESSAGE("emptyDir", 2, empty_dir),
	ABSENT("gcePersistentDisk", 3),
	ABSENT("awsElasticBlockStore", 4),
	ABSENT("gitRepo", 5),
	MESSAGE("secret", 6, secret),
	ABSENT("nfs", 7),
	ABSENT("iscsi", 8),
	ABSENT("glusterfs", 9),
	ABSENT("persistentVolumeClaim", 10),
	ABSENT("rbd", 11),
	ABSENT("flexVolume", 12),
	ABSENT("cinder", 13),
	ABSENT("cephfs", 14),
	ABSENT("flocker", 15),
	ABSENT("downwardAPI", 16),
	ABSENT("fc", 17),
	ABSENT("azureFile", 18),
	MESSAGE("configMap", 19, config_map),
	ABSENT("vsphereVolume", 20),
	ABSENT("quobyte", 21),
	ABSENT("azureDisk", 22),
	ABSENT("photonPersistentDisk", 23),
	ABSENT("portworxVolume", 24),
	ABSENT("scaleIO", 25),
	ABSENT("projected", 26),
	ABSENT("storageos", 27),
	ABSENT("csi", 28),
	ABSENT("ephemeral", 29),
	ABSENT("image", 30),
	END_OF_FIELDS,
};

const struct schema_message schema_volume = {"Volume", volume_fields, volume_finish};
