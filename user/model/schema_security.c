// SPDX-License-Identifier: Apache-2.0
#include "user/model/rules.h"
#include "user/model/schema_rows.h"

static const struct schema_field capabilities_fields[] = {
	STRINGS("add", 1, .rule = name_capability),
	STRINGS("drop", 2, .rule = name_capability),
	END_OF_FIELDS,
};

static const struct schema_message capabilities = {
	.name = "Capabilities", .fields = capabilities_fields};

/* A profile is a promise: none may be asked for until it is kept. */
static const struct schema_field profile_fields[] = {
	STRING("type", 1, REQUIRED, VALUES("Unconfined", "!RuntimeDefault", "!Localhost")),
	STRING("localhostProfile", 2, REFUSED),
	END_OF_FIELDS,
};

static const struct schema_message seccomp = {.name = "SeccompProfile", .fields = profile_fields};
static const struct schema_message apparmor = {.name = "AppArmorProfile", .fields = profile_fields};

static const struct schema_field se_linux_fields[] = {
	STRING("user", 1),
	STRING("role", 2),
	STRING("type", 3),
	STRING("level", 4),
	END_OF_FIELDS,
};

static const struct schema_message se_linux = {.name = "SELinuxOptions", .fields = se_linux_fields};

static const struct schema_field windows_fields[] = {
	STRING("gmsaCredentialSpecName", 1),
	STRING("gmsaCredentialSpec", 2),
	STRING("runAsUserName", 3),
	BOOL("hostProcess", 4, KEEPS_ZERO),
	END_OF_FIELDS,
};

static const struct schema_message windows = {
	.name = "WindowsSecurityContextOptions", .fields = windows_fields};

static const struct schema_field security_fields[] = {
	MESSAGE("capabilities", 1, capabilities),
	BOOL("privileged", 2, KEEPS_ZERO, REFUSED),
	MESSAGE("seLinuxOptions", 3, se_linux, REFUSED),
	INT64("runAsUser", 4, KEEPS_ZERO, .min = 0, .max = INT32_MAX),
	BOOL("runAsNonRoot", 5, KEEPS_ZERO),
	BOOL("readOnlyRootFilesystem", 6, KEEPS_ZERO),
	BOOL("allowPrivilegeEscalation", 7, KEEPS_ZERO),
	INT64("runAsGroup", 8, KEEPS_ZERO, .min = 0, .max = INT32_MAX),
	STRING("procMount", 9, VALUES("Default", "!Unmasked")),
	MESSAGE("windowsOptions", 10, windows, REFUSED),
	MESSAGE("seccompProfile", 11, seccomp),
	MESSAGE("appArmorProfile", 12, apparmor),
	END_OF_FIELDS,
};

const struct schema_message schema_security = {
	.name = "SecurityContext", .fields = security_fields, .finish = security_finish};

static const struct schema_field sysctl_fields[] = {
	STRING("name", 1, REQUIRED),
	STRING("value", 2, REQUIRED),
	END_OF_FIELDS,
};

static const struct schema_message sysctl = {.name = "Sysctl", .fields = sysctl_fields};

static const struct schema_field pod_security_fields[] = {
	MESSAGE("seLinuxOptions", 1, se_linux, REFUSED),
	INT64("runAsUser", 2, KEEPS_ZERO, .min = 0, .max = INT32_MAX),
	BOOL("runAsNonRoot", 3, KEEPS_ZERO),
	INT64("supplementalGroups", 4, .shape = SCHEMA_LIST, REFUSED),
	INT64("fsGroup", 5, KEEPS_ZERO, ABSENT),
	INT64("runAsGroup", 6, KEEPS_ZERO, .min = 0, .max = INT32_MAX),
	LIST("sysctls", 7, sysctl, REFUSED),
	MESSAGE("windowsOptions", 8, windows, REFUSED),
	/* Says how fsGroup is applied, which is refused by itself. */
	STRING("fsGroupChangePolicy", 9, IGNORED, VALUES("OnRootMismatch", "Always")),
	MESSAGE("seccompProfile", 10, seccomp),
	MESSAGE("appArmorProfile", 11, apparmor),
	STRING("supplementalGroupsPolicy", 12, VALUES("Merge", "!Strict")),
	STRING("seLinuxChangePolicy", 13, REFUSED),
	END_OF_FIELDS,
};

const struct schema_message schema_pod_security = {
	.name = "PodSecurityContext", .fields = pod_security_fields};
