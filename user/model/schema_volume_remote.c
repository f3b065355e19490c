// SPDX-License-Identifier: Apache-2.0
/* Volumes that other machines or drivers give: a server keeps them, the node refuses them. */
#include "user/model/schema_rows.h"

static const struct schema_field gce_disk_fields[] = {
	STRING("pdName", 1, REQUIRED),
	STRING("fsType", 2),
	INT32("partition", 3),
	BOOL("readOnly", 4),
	END_OF_FIELDS,
};

const struct schema_message schema_gce_disk = {
	.name = "GCEPersistentDiskVolumeSource", .fields = gce_disk_fields};

static const struct schema_field aws_disk_fields[] = {
	STRING("volumeID", 1, REQUIRED),
	STRING("fsType", 2),
	INT32("partition", 3),
	BOOL("readOnly", 4),
	END_OF_FIELDS,
};

const struct schema_message schema_aws_disk = {
	.name = "AWSElasticBlockStoreVolumeSource", .fields = aws_disk_fields};

static const struct schema_field git_repo_fields[] = {
	STRING("repository", 1, REQUIRED),
	STRING("revision", 2),
	STRING("directory", 3),
	END_OF_FIELDS,
};

const struct schema_message schema_git_repo = {
	.name = "GitRepoVolumeSource", .fields = git_repo_fields};

static const struct schema_field nfs_fields[] = {
	STRING("server", 1, REQUIRED),
	STRING("path", 2, REQUIRED),
	BOOL("readOnly", 3),
	END_OF_FIELDS,
};

const struct schema_message schema_nfs = {.name = "NFSVolumeSource", .fields = nfs_fields};

static const struct schema_field iscsi_fields[] = {
	STRING("targetPortal", 1, REQUIRED),
	STRING("iqn", 2, REQUIRED),
	INT32("lun", 3, KEEPS_ZERO, .fallback = "0"),
	STRING("iscsiInterface", 4, .fallback = "\"default\""),
	STRING("fsType", 5),
	BOOL("readOnly", 6),
	STRINGS("portals", 7),
	BOOL("chapAuthDiscovery", 8),
	BOOL("chapAuthSession", 11),
	MESSAGE("secretRef", 10, schema_local_reference),
	STRING("initiatorName", 12),
	END_OF_FIELDS,
};

const struct schema_message schema_iscsi = {.name = "ISCSIVolumeSource", .fields = iscsi_fields};

static const struct schema_field glusterfs_fields[] = {
	STRING("endpoints", 1, REQUIRED),
	STRING("path", 2, REQUIRED),
	BOOL("readOnly", 3),
	END_OF_FIELDS,
};

const struct schema_message schema_glusterfs = {
	.name = "GlusterfsVolumeSource", .fields = glusterfs_fields};

static const struct schema_field claim_fields[] = {
	STRING("claimName", 1, REQUIRED),
	BOOL("readOnly", 2),
	END_OF_FIELDS,
};

const struct schema_message schema_claim = {
	.name = "PersistentVolumeClaimVolumeSource", .fields = claim_fields};

static const struct schema_field rbd_fields[] = {
	STRINGS("monitors", 1, REQUIRED),
	STRING("image", 2, REQUIRED),
	STRING("fsType", 3),
	STRING("pool", 4, .fallback = "\"rbd\""),
	STRING("user", 5, .fallback = "\"admin\""),
	STRING("keyring", 6, .fallback = "\"/etc/ceph/keyring\""),
	MESSAGE("secretRef", 7, schema_local_reference),
	BOOL("readOnly", 8),
	END_OF_FIELDS,
};

const struct schema_message schema_rbd = {.name = "RBDVolumeSource", .fields = rbd_fields};

static const struct schema_field flex_fields[] = {
	STRING("driver", 1, REQUIRED),
	STRING("fsType", 2),
	MESSAGE("secretRef", 3, schema_local_reference),
	BOOL("readOnly", 4),
	STRING_MAP("options", 5),
	END_OF_FIELDS,
};

const struct schema_message schema_flex = {.name = "FlexVolumeSource", .fields = flex_fields};

static const struct schema_field cinder_fields[] = {
	STRING("volumeID", 1, REQUIRED),
	STRING("fsType", 2),
	BOOL("readOnly", 3),
	MESSAGE("secretRef", 4, schema_local_reference),
	END_OF_FIELDS,
};

const struct schema_message schema_cinder = {.name = "CinderVolumeSource", .fields = cinder_fields};

static const struct schema_field cephfs_fields[] = {
	STRINGS("monitors", 1, REQUIRED),
	STRING("path", 2),
	STRING("user", 3),
	STRING("secretFile", 4),
	MESSAGE("secretRef", 5, schema_local_reference),
	BOOL("readOnly", 6),
	END_OF_FIELDS,
};

const struct schema_message schema_cephfs = {.name = "CephFSVolumeSource", .fields = cephfs_fields};

static const struct schema_field flocker_fields[] = {
	STRING("datasetName", 1),
	STRING("datasetUUID", 2),
	END_OF_FIELDS,
};

const struct schema_message schema_flocker = {
	.name = "FlockerVolumeSource", .fields = flocker_fields};

static const struct schema_field fc_fields[] = {
	STRINGS("targetWWNs", 1),
	INT32("lun", 2, KEEPS_ZERO),
	STRING("fsType", 3),
	BOOL("readOnly", 4),
	STRINGS("wwids", 5),
	END_OF_FIELDS,
};

const struct schema_message schema_fc = {.name = "FCVolumeSource", .fields = fc_fields};

static const struct schema_field azure_file_fields[] = {
	STRING("secretName", 1, REQUIRED),
	STRING("shareName", 2, REQUIRED),
	BOOL("readOnly", 3),
	END_OF_FIELDS,
};

const struct schema_message schema_azure_file = {
	.name = "AzureFileVolumeSource", .fields = azure_file_fields};

static const struct schema_field vsphere_fields[] = {
	STRING("volumePath", 1, REQUIRED),
	STRING("fsType", 2),
	STRING("storagePolicyName", 3),
	STRING("storagePolicyID", 4),
	END_OF_FIELDS,
};

const struct schema_message schema_vsphere = {
	.name = "VsphereVirtualDiskVolumeSource", .fields = vsphere_fields};

static const struct schema_field quobyte_fields[] = {
	STRING("registry", 1, REQUIRED),
	STRING("volume", 2, REQUIRED),
	BOOL("readOnly", 3),
	STRING("user", 4),
	STRING("group", 5),
	STRING("tenant", 6),
	END_OF_FIELDS,
};

const struct schema_message schema_quobyte = {
	.name = "QuobyteVolumeSource", .fields = quobyte_fields};

static const struct schema_field azure_disk_fields[] = {
	STRING("diskName", 1, REQUIRED),
	STRING("diskURI", 2, REQUIRED),
	STRING("cachingMode", 3, .fallback = "\"ReadWrite\"",
		VALUES("None", "ReadOnly", "ReadWrite")),
	STRING("fsType", 4, .fallback = "\"ext4\""),
	BOOL("readOnly", 5, .fallback = "false"),
	STRING("kind", 6, .fallback = "\"Shared\"", VALUES("Shared", "Dedicated", "Managed")),
	END_OF_FIELDS,
};

const struct schema_message schema_azure_disk = {
	.name = "AzureDiskVolumeSource", .fields = azure_disk_fields};

static const struct schema_field photon_fields[] = {
	STRING("pdID", 1, REQUIRED),
	STRING("fsType", 2),
	END_OF_FIELDS,
};

const struct schema_message schema_photon = {
	.name = "PhotonPersistentDiskVolumeSource", .fields = photon_fields};

static const struct schema_field portworx_fields[] = {
	STRING("volumeID", 1, REQUIRED),
	STRING("fsType", 2),
	BOOL("readOnly", 3),
	END_OF_FIELDS,
};

const struct schema_message schema_portworx = {
	.name = "PortworxVolumeSource", .fields = portworx_fields};

static const struct schema_field scale_io_fields[] = {
	STRING("gateway", 1, REQUIRED),
	STRING("system", 2, REQUIRED),
	MESSAGE("secretRef", 3, schema_local_reference, REQUIRED),
	BOOL("sslEnabled", 4),
	STRING("protectionDomain", 5),
	STRING("storagePool", 6),
	STRING("storageMode", 7, .fallback = "\"ThinProvisioned\""),
	STRING("volumeName", 8),
	STRING("fsType", 9, .fallback = "\"xfs\""),
	BOOL("readOnly", 10),
	END_OF_FIELDS,
};

const struct schema_message schema_scale_io = {
	.name = "ScaleIOVolumeSource", .fields = scale_io_fields};

static const struct schema_field storage_os_fields[] = {
	STRING("volumeName", 1),
	STRING("volumeNamespace", 2),
	STRING("fsType", 3),
	BOOL("readOnly", 4),
	MESSAGE("secretRef", 5, schema_local_reference),
	END_OF_FIELDS,
};

const struct schema_message schema_storage_os = {
	.name = "StorageOSVolumeSource", .fields = storage_os_fields};

static const struct schema_field csi_fields[] = {
	STRING("driver", 1, REQUIRED),
	BOOL("readOnly", 2),
	STRING("fsType", 3),
	STRING_MAP("volumeAttributes", 4),
	MESSAGE("nodePublishSecretRef", 5, schema_local_reference),
	END_OF_FIELDS,
};

const struct schema_message schema_csi = {.name = "CSIVolumeSource", .fields = csi_fields};

static const struct schema_field image_volume_fields[] = {
	STRING("reference", 1),
	STRING("pullPolicy", 2, VALUES("Always", "IfNotPresent", "Never")),
	END_OF_FIELDS,
};

const struct schema_message schema_image_volume = {
	.name = "ImageVolumeSource", .fields = image_volume_fields};
