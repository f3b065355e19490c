// SPDX-License-Identifier: Apache-2.0
#include "user/model/rules.h"
#include "user/model/schema.h"

#define PORT_MAX 65535

static const struct schema_field port_fields[] = {
	STRING("name", 1, .rule = name_port),
	REFUSED("hostPort", 2),
	INT32("containerPort", 3, .required = true, .min = 1, .max = PORT_MAX),
	STRING("protocol", 4, .fallback = "\"TCP\"", VALUES("TCP", "UDP", "SCTP")),
	REFUSED("hostIP", 5),
	END_OF_FIELDS,
};

static const struct schema_message port = {"ContainerPort", port_fields, NULL};

static const struct schema_field field_ref_fields[] = {
	STRING("apiVersion", 1, .fallback = "\"v1\"", VALUES("v1")),
	STRING("fieldPath", 2, .required = true, .rule = name_field_path),
	END_OF_FIELDS,
};

static const struct schema_message field_ref = {"ObjectFieldSelector", field_ref_fields, NULL};

static const struct schema_field resource_ref_fields[] = {
	STRING("containerName", 1, .rule = name_dns_label),
	STRING("resource", 2, .required = true,
		VALUES("limits.cpu", "limits.memory", "requests.cpu", "requests.memory",
			"!limits.ephemeral-storage", "!requests.ephemeral-storage")),
	FIELD("divisor", 3, SCHEMA_QUANTITY, .fallback = "\"0\""),
	END_OF_FIELDS,
};

static const struct schema_message resource_ref = {
	"ResourceFieldSelector", resource_ref_fields, NULL};

/* ConfigMapKeySelector and SecretKeySelector have the same fields. */
static const struct schema_field key_ref_fields[] = {
	STRING("name", 1, .required = true, .rule = name_dns_subdomain),
	STRING("key", 2, .required = true, .rule = name_data_key),
	BOOL("optional", 3),
	END_OF_FIELDS,
};

static const struct schema_message config_map_key_ref = {
	"ConfigMapKeySelector", key_ref_fields, NULL};
static const struct schema_message secret_key_ref = {"SecretKeySelector", key_ref_fields, NULL};

static const struct schema_field env_source_fields[] = {
	MESSAGE("fieldRef", 1, field_ref),
	MESSAGE("resourceFieldRef", 2, resource_ref),
	MESSAGE("configMapKeyRef", 3, config_map_key_ref),
	MESSAGE("secretKeyRef", 4, secret_key_ref),
	ABSENT("fileKeyRef", 5),
	END_OF_FIELDS,
};

static const struct schema_message env_source = {
	"EnvVarSource", env_source_fields, env_source_finish};

static const struct schema_field env_fields[] = {
	STRING("name", 1, .required = true, .rule = name_env),
	STRING("value", 2),
	MESSAGE("valueFrom", 3, env_source),
	END_OF_FIELDS,
};

static const struct schema_message env = {"EnvVar", env_fields, env_finish};

/* ConfigMapEnvSource and SecretEnvSource have the same fields. */
static const struct schema_field env_ref_fields[] = {
	STRING("name", 1, .required = true, .rule = name_dns_subdomain),
	BOOL("optional", 2),
	END_OF_FIELDS,
};

static const struct schema_message config_map_env = {"ConfigMapEnvSource", env_ref_fields, NULL};
static const struct schema_message secret_env = {"SecretEnvSource", env_ref_fields, NULL};

static const struct schema_field env_from_fields[] = {
	STRING("prefix", 1, .rule = name_env),
	MESSAGE("configMapRef", 2, config_map_env),
	MESSAGE("secretRef", 3, secret_env),
	END_OF_FIELDS,
};

static const struct schema_message env_from = {"EnvFromSource", env_from_fields, env_from_finish};

static const struct schema_field resources_fields[] = {
	FIELD("limits", 1, SCHEMA_QUANTITY, .shape = SCHEMA_MAP),
	FIELD("requests", 2, SCHEMA_QUANTITY, .shape = SCHEMA_MAP),
	REFUSED("claims", 3),
	END_OF_FIELDS,
};

static const struct schema_message resources = {
	"ResourceRequirements", resources_fields, resources_finish};

static const struct schema_field resize_fields[] = {
	STRING("resourceName", 1, .required = true),
	STRING("restartPolicy", 2, .required = true, VALUES("NotRequired", "RestartContainer")),
	END_OF_FIELDS,
};

static const struct schema_message resize = {"ContainerResizePolicy", resize_fields, NULL};

static const struct schema_field mount_fields[] = {
	STRING("name", 1, .required = true),
	BOOL("readOnly", 2),
	STRING("mountPath", 3, .required = true, .rule = name_host_path),
	STRING("subPath", 4, .rule = name_relative_path),
	STRING("mountPropagation", 5, VALUES("None", "!HostToContainer", "!Bidirectional")),
	REFUSED("subPathExpr", 6),
	STRING("recursiveReadOnly", 7, VALUES("Disabled", "!IfPossible", "!Enabled")),
	REFUSED("bindMountOptions", 8),
	END_OF_FIELDS,
};

static const struct schema_message mount = {"VolumeMount", mount_fields, NULL};

static const struct schema_field exec_fields[] = {
	STRINGS("command", 1, .required = true),
	END_OF_FIELDS,
};

static const struct schema_message exec = {"ExecAction", exec_fields, NULL};

static const struct schema_field header_fields[] = {
	STRING("name", 1, .required = true, .rule = name_header),
	STRING("value", 2, .rule = name_one_line),
	END_OF_FIELDS,
};

static const struct schema_message header = {"HTTPHeader", header_fields, NULL};

#define PORT_REFERENCE(number)                                                                   \
	FIELD("port", number, SCHEMA_INT_OR_STRING, .required = true, .min = 1, .max = PORT_MAX, \
		.rule = name_port)

static const struct schema_field http_get_fields[] = {
	STRING("path", 1, .fallback = "\"/\"", .rule = name_word),
	PORT_REFERENCE(2),
	STRING("host", 3, .rule = name_word),
	STRING("scheme", 4, .fallback = "\"HTTP\"", VALUES("HTTP", "!HTTPS")),
	LIST("httpHeaders", 5, header),
	REFUSED("protocol", 6),
	END_OF_FIELDS,
};

static const struct schema_message http_get = {"HTTPGetAction", http_get_fields, NULL};

static const struct schema_field tcp_socket_fields[] = {
	PORT_REFERENCE(1),
	STRING("host", 2, .rule = name_word),
	END_OF_FIELDS,
};

static const struct schema_message tcp_socket = {"TCPSocketAction", tcp_socket_fields, NULL};

static const struct schema_field sleep_fields[] = {
	INT64("seconds", 1, .required = true, .min = 0, .max = INT32_MAX),
	END_OF_FIELDS,
};

static const struct schema_message sleep_action = {"SleepAction", sleep_fields, NULL};

/* Probe and the ProbeHandler that is inline in it. */
static const struct schema_field probe_fields[] = {
	MESSAGE("exec", 1, exec),
	MESSAGE("httpGet", 2, http_get),
	MESSAGE("tcpSocket", 3, tcp_socket),
	ABSENT("grpc", 4),
	INT32("initialDelaySeconds", 2, .min = 0, .max = INT32_MAX),
	INT32("timeoutSeconds", 3, .min = 1, .max = INT32_MAX, .zero_unset = true, .fallback = "1"),
	INT32("periodSeconds", 4, .min = 1, .max = INT32_MAX, .zero_unset = true, .fallback = "10"),
	INT32("successThreshold", 5, .min = 1, .max = INT32_MAX, .zero_unset = true,
		.fallback = "1"),
	INT32("failureThreshold", 6, .min = 1, .max = INT32_MAX, .zero_unset = true,
		.fallback = "3"),
	INT64("terminationGracePeriodSeconds", 7, .min = 1, .max = INT32_MAX),
	END_OF_FIELDS,
};

static const struct schema_message probe = {"Probe", probe_fields, probe_finish};

static const struct schema_field hook_fields[] = {
	MESSAGE("exec", 1, exec),
	MESSAGE("httpGet", 2, http_get),
	ABSENT("tcpSocket", 3),
	MESSAGE("sleep", 4, sleep_action),
	END_OF_FIELDS,
};

static const struct schema_message hook = {"LifecycleHandler", hook_fields, hook_finish};

static const struct schema_field lifecycle_fields[] = {
	MESSAGE("postStart", 1, hook),
	MESSAGE("preStop", 2, hook),
	REFUSED("stopSignal", 3),
	END_OF_FIELDS,
};

static const struct schema_message lifecycle = {"Lifecycle", lifecycle_fields, NULL};

static const struct schema_field container_fields[] = {
	STRING("name", 1, .required = true, .rule = name_dns_label),
	STRING("image", 2, .required = true, .rule = name_word),
	STRINGS("command", 3),
	STRINGS("args", 4),
	STRING("workingDir", 5),
	LIST("ports", 6, port, .merge_key = "containerPort"),
	LIST("env", 7, env, .merge_key = "name"),
	MESSAGE("resources", 8, resources, .fallback = "{}"),
	LIST("volumeMounts", 9, mount, .merge_key = "mountPath", .unique = true),
	MESSAGE("livenessProbe", 10, probe),
	MESSAGE("readinessProbe", 11, probe),
	MESSAGE("lifecycle", 12, lifecycle),
	STRING("terminationMessagePath", 13, IGNORED, .fallback = "\"/dev/termination-log\""),
	/* Its default depends on the image's tag. */
	STRING("imagePullPolicy", 14, VALUES("Always", "IfNotPresent", "Never")),
	MESSAGE("securityContext", 15, schema_security),
	BOOL("stdin", 16),
	BOOL("stdinOnce", 17, IGNORED),
	BOOL("tty", 18),
	LIST("envFrom", 19, env_from),
	STRING("terminationMessagePolicy", 20, IGNORED, .fallback = "\"File\"",
		VALUES("File", "FallbackToLogsOnError")),
	REFUSED("volumeDevices", 21),
	ABSENT("startupProbe", 22),
	LIST("resizePolicy", 23, resize, IGNORED),
	REFUSED("restartPolicy", 24),
	REFUSED("restartPolicyRules", 25),
	END_OF_FIELDS,
};

const struct schema_message schema_container = {"Container", container_fields, container_finish};
