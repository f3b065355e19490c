// SPDX-License-Identifier: Apache-2.0
#include "user/model/defaults.h"
#include "user/model/rules.h"
#include "user/model/schema_rows.h"
#include "user/model/validate.h"

static const struct schema_field port_fields[] = {
	STRING("name", 1, .rule = name_port),
	INT32("hostPort", 2, REFUSED),
	INT32("containerPort", 3, REQUIRED, .min = 1, .max = PORT_MAX),
	STRING("protocol", 4, .fallback = "\"TCP\"", VALUES("TCP", "UDP", "SCTP")),
	STRING("hostIP", 5, REFUSED),
	END_OF_FIELDS,
};

static const struct schema_message port = {.name = "ContainerPort", .fields = port_fields};

static const struct schema_field resource_claim_fields[] = {
	STRING("name", 1, REQUIRED),
	STRING("request", 2),
	END_OF_FIELDS,
};

const struct schema_message schema_resource_claim = {
	.name = "ResourceClaim", .fields = resource_claim_fields};

static const struct schema_field field_ref_fields[] = {
	STRING("apiVersion", 1, .fallback = "\"v1\"", VALUES("v1")),
	STRING("fieldPath", 2, REQUIRED, .rule = name_field_path),
	END_OF_FIELDS,
};

static const struct schema_message field_ref = {
	.name = "ObjectFieldSelector", .fields = field_ref_fields, .atomic = true};

static const struct schema_field resource_ref_fields[] = {
	STRING("containerName", 1, .rule = name_dns_label),
	STRING("resource", 2, REQUIRED,
		VALUES("limits.cpu", "limits.memory", "requests.cpu", "requests.memory",
			"!limits.ephemeral-storage", "!requests.ephemeral-storage")),
	QUANTITY("divisor", 3, .fallback = "\"0\""),
	END_OF_FIELDS,
};

const struct schema_message schema_resource_ref = {
	.name = "ResourceFieldSelector", .fields = resource_ref_fields, .atomic = true};

/* ConfigMapKeySelector and SecretKeySelector have the same fields. */
static const struct schema_field key_ref_fields[] = {
	STRING("key", 2, REQUIRED, .rule = name_data_key),
	BOOL("optional", 3, KEEPS_ZERO),
	END_OF_FIELDS,
};

static const struct schema_message config_map_key_ref = {.name = "ConfigMapKeySelector",
	.fields = key_ref_fields,
	.embedded = &schema_local_reference,
	.embedded_number = 1,
	.atomic = true};
static const struct schema_message secret_key_ref = {.name = "SecretKeySelector",
	.fields = key_ref_fields,
	.embedded = &schema_local_reference,
	.embedded_number = 1,
	.atomic = true};

static const struct schema_field file_key_ref_fields[] = {
	STRING("volumeName", 1, REQUIRED),
	STRING("path", 2, REQUIRED),
	STRING("key", 3, REQUIRED),
	BOOL("optional", 4, KEEPS_ZERO, .fallback = "false"),
	END_OF_FIELDS,
};

static const struct schema_message file_key_ref = {
	.name = "FileKeySelector", .fields = file_key_ref_fields};

static const struct schema_field env_source_fields[] = {
	MESSAGE("fieldRef", 1, field_ref),
	MESSAGE("resourceFieldRef", 2, schema_resource_ref),
	MESSAGE("configMapKeyRef", 3, config_map_key_ref),
	MESSAGE("secretKeyRef", 4, secret_key_ref),
	MESSAGE("fileKeyRef", 5, file_key_ref, ABSENT),
	END_OF_FIELDS,
};

static const struct schema_message env_source = {
	.name = "EnvVarSource", .fields = env_source_fields, .finish = env_source_finish};

static const struct schema_field env_fields[] = {
	STRING("name", 1, REQUIRED, .rule = name_env),
	STRING("value", 2),
	MESSAGE("valueFrom", 3, env_source),
	END_OF_FIELDS,
};

static const struct schema_message env = {
	.name = "EnvVar", .fields = env_fields, .validate = env_validate, .finish = env_finish};

/* ConfigMapEnvSource and SecretEnvSource have the same fields. */
static const struct schema_field env_ref_fields[] = {
	BOOL("optional", 2, KEEPS_ZERO),
	END_OF_FIELDS,
};

static const struct schema_message config_map_env = {.name = "ConfigMapEnvSource",
	.fields = env_ref_fields,
	.embedded = &schema_local_reference,
	.embedded_number = 1};
static const struct schema_message secret_env = {.name = "SecretEnvSource",
	.fields = env_ref_fields,
	.embedded = &schema_local_reference,
	.embedded_number = 1};

static const struct schema_field env_from_fields[] = {
	STRING("prefix", 1, .rule = name_env),
	MESSAGE("configMapRef", 2, config_map_env),
	MESSAGE("secretRef", 3, secret_env),
	END_OF_FIELDS,
};

static const struct schema_message env_from = {
	.name = "EnvFromSource", .fields = env_from_fields, .finish = env_from_finish};

static const struct schema_field resources_fields[] = {
	QUANTITIES("limits", 1),
	QUANTITIES("requests", 2),
	LIST("claims", 3, schema_resource_claim, .list_keys = "name", REFUSED),
	END_OF_FIELDS,
};

const struct schema_message schema_resources = {.name = "ResourceRequirements",
	.fields = resources_fields,
	.validate = resources_validate,
	.finish = resources_finish};

static const struct schema_field resize_fields[] = {
	STRING("resourceName", 1, REQUIRED),
	STRING("restartPolicy", 2, REQUIRED, VALUES("NotRequired", "RestartContainer")),
	END_OF_FIELDS,
};

static const struct schema_message resize = {
	.name = "ContainerResizePolicy", .fields = resize_fields};

static const struct schema_field mount_fields[] = {
	STRING("name", 1, REQUIRED),
	BOOL("readOnly", 2),
	STRING("mountPath", 3, REQUIRED, .rule = name_host_path),
	STRING("subPath", 4, .rule = name_relative_path),
	STRING("mountPropagation", 5, VALUES("None", "!HostToContainer", "!Bidirectional")),
	STRING("subPathExpr", 6, REFUSED),
	STRING("recursiveReadOnly", 7, VALUES("Disabled", "!IfPossible", "!Enabled")),
	STRINGS("bindMountOptions", 8, REFUSED),
	END_OF_FIELDS,
};

static const struct schema_message mount = {.name = "VolumeMount", .fields = mount_fields};

static const struct schema_field exec_fields[] = {
	STRINGS("command", 1, REQUIRED),
	END_OF_FIELDS,
};

static const struct schema_message exec = {.name = "ExecAction", .fields = exec_fields};

static const struct schema_field header_fields[] = {
	STRING("name", 1, REQUIRED, .rule = name_header),
	STRING("value", 2, .rule = name_one_line),
	END_OF_FIELDS,
};

static const struct schema_message header = {.name = "HTTPHeader", .fields = header_fields};

#define PORT_REFERENCE(number)                                                           \
	FIELD("port", number, SCHEMA_INT_OR_STRING, REQUIRED, .min = 1, .max = PORT_MAX, \
		.rule = name_port)

static const struct schema_field http_get_fields[] = {
	STRING("path", 1, .fallback = "\"/\"", .rule = name_word),
	PORT_REFERENCE(2),
	STRING("host", 3, .rule = name_word),
	STRING("scheme", 4, .fallback = "\"HTTP\"", VALUES("HTTP", "!HTTPS")),
	LIST("httpHeaders", 5, header),
	STRING("protocol", 6, REFUSED),
	END_OF_FIELDS,
};

static const struct schema_message http_get = {.name = "HTTPGetAction", .fields = http_get_fields};

static const struct schema_field tcp_socket_fields[] = {
	PORT_REFERENCE(1),
	STRING("host", 2, .rule = name_word),
	END_OF_FIELDS,
};

static const struct schema_message tcp_socket = {
	.name = "TCPSocketAction", .fields = tcp_socket_fields};

static const struct schema_field sleep_fields[] = {
	INT64("seconds", 1, REQUIRED, .min = 0, .max = INT32_MAX),
	END_OF_FIELDS,
};

static const struct schema_message sleep_action = {.name = "SleepAction", .fields = sleep_fields};

static const struct schema_field grpc_fields[] = {
	INT32("port", 1, REQUIRED, .min = 1, .max = PORT_MAX),
	STRING("service", 2, .fallback = "\"\""),
	STRING("mode", 3),
	END_OF_FIELDS,
};

static const struct schema_message grpc = {.name = "GRPCAction", .fields = grpc_fields};

static const struct schema_field probe_handler_fields[] = {
	MESSAGE("exec", 1, exec),
	MESSAGE("httpGet", 2, http_get),
	MESSAGE("tcpSocket", 3, tcp_socket),
	MESSAGE("grpc", 4, grpc, ABSENT),
	END_OF_FIELDS,
};

static const struct schema_message probe_handler = {
	.name = "ProbeHandler", .fields = probe_handler_fields, .validate = handler_validate};

static const struct schema_field probe_fields[] = {
	INT32("initialDelaySeconds", 2, .min = 0, .max = INT32_MAX),
	INT32("timeoutSeconds", 3, .min = 1, .max = INT32_MAX, .zero_unset = true, .fallback = "1"),
	INT32("periodSeconds", 4, .min = 1, .max = INT32_MAX, .zero_unset = true, .fallback = "10"),
	INT32("successThreshold", 5, .min = 1, .max = INT32_MAX, .zero_unset = true,
		.fallback = "1"),
	INT32("failureThreshold", 6, .min = 1, .max = INT32_MAX, .zero_unset = true,
		.fallback = "3"),
	INT64("terminationGracePeriodSeconds", 7, KEEPS_ZERO, .min = 1, .max = INT32_MAX),
	END_OF_FIELDS,
};

static const struct schema_message probe = {.name = "Probe",
	.fields = probe_fields,
	.embedded = &probe_handler,
	.embedded_number = 1,
	.finish = probe_finish};

static const struct schema_field hook_fields[] = {
	MESSAGE("exec", 1, exec),
	MESSAGE("httpGet", 2, http_get),
	MESSAGE("tcpSocket", 3, tcp_socket, ABSENT),
	MESSAGE("sleep", 4, sleep_action),
	END_OF_FIELDS,
};

static const struct schema_message hook = {.name = "LifecycleHandler",
	.fields = hook_fields,
	.validate = handler_validate,
	.finish = hook_finish};

static const struct schema_field lifecycle_fields[] = {
	MESSAGE("postStart", 1, hook),
	MESSAGE("preStop", 2, hook),
	STRING("stopSignal", 3, REFUSED),
	END_OF_FIELDS,
};

static const struct schema_message lifecycle = {.name = "Lifecycle", .fields = lifecycle_fields};

static const struct schema_field volume_device_fields[] = {
	STRING("name", 1, REQUIRED),
	STRING("devicePath", 2, REQUIRED),
	END_OF_FIELDS,
};

static const struct schema_message volume_device = {
	.name = "VolumeDevice", .fields = volume_device_fields};

static const struct schema_field container_restart_rule_on_exit_codes_fields[] = {
	STRING("operator", 1),
	INT32("values", 2, .shape = SCHEMA_LIST),
	END_OF_FIELDS,
};

static const struct schema_message container_restart_rule_on_exit_codes = {
	.name = "ContainerRestartRuleOnExitCodes",
	.fields = container_restart_rule_on_exit_codes_fields};

static const struct schema_field container_restart_rule_fields[] = {
	STRING("action", 1, REQUIRED),
	MESSAGE("exitCodes", 2, container_restart_rule_on_exit_codes),
	END_OF_FIELDS,
};

static const struct schema_message container_restart_rule = {
	.name = "ContainerRestartRule", .fields = container_restart_rule_fields};

static const struct schema_field container_fields[] = {
	STRING("name", 1, REQUIRED, .rule = name_dns_label),
	STRING("image", 2, REQUIRED, .rule = name_word),
	STRINGS("command", 3),
	STRINGS("args", 4),
	STRING("workingDir", 5),
	LIST("ports", 6, port, .merge_key = "containerPort", .list_keys = "containerPort,protocol"),
	LIST("env", 7, env, .merge_key = "name"),
	MESSAGE("resources", 8, schema_resources, .fallback = "{}"),
	LIST("volumeMounts", 9, mount, .merge_key = "mountPath", .unique = true),
	MESSAGE("livenessProbe", 10, probe),
	MESSAGE("readinessProbe", 11, probe),
	MESSAGE("lifecycle", 12, lifecycle),
	STRING("terminationMessagePath", 13, IGNORED, .fallback = "\"/dev/termination-log\""),
	/* Its default depends on the image's tag. */
	STRING("imagePullPolicy", 14, VALUES("Always", "IfNotPresent", "Never")),
	MESSAGE("securityContext", 15, schema_security),
	BOOL("stdin", 16),
	BOOL("stdinOnce", 17),
	BOOL("tty", 18),
	LIST("envFrom", 19, env_from),
	STRING("terminationMessagePolicy", 20, IGNORED, .fallback = "\"File\"",
		VALUES("File", "FallbackToLogsOnError")),
	LIST("volumeDevices", 21, volume_device, .merge_key = "devicePath", REFUSED),
	MESSAGE("startupProbe", 22, probe, ABSENT),
	LIST("resizePolicy", 23, resize, IGNORED),
	STRING("restartPolicy", 24, REFUSED),
	LIST("restartPolicyRules", 25, container_restart_rule, REFUSED),
	END_OF_FIELDS,
};

const struct schema_message schema_container = {.name = "Container",
	.fields = container_fields,
	.validate = container_validate,
	.complete = container_complete,
	.finish = container_finish};

static const struct schema_field ephemeral_container_fields[] = {
	STRING("targetContainerName", 2),
	END_OF_FIELDS,
};

const struct schema_message schema_ephemeral_container = {.name = "EphemeralContainer",
	.fields = ephemeral_container_fields,
	.embedded = &schema_container,
	.embedded_number = 1,
	.validate = ephemeral_container_validate};
