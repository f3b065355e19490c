// SPDX-License-Identifier: Apache-2.0
/* What a manifest may not say, and what is filled in: each row is a fragment in an otherwise good object. */
#include "tests/check.h"
#include "user/model/manifest.h"

static void cleanup_manifest(struct manifest **manifest)
{
	manifest_free(*manifest);
}

#define AUTO_MANIFEST AUTO_CLEANUP(cleanup_manifest) struct manifest *

static struct manifest *read_text(const char *text)
{
	struct manifest *manifest = NULL;
	struct err err;

	if (manifest_read(text, strlen(text), &manifest, &err) < 0)
		BAIL(err.text);
	return manifest;
}

/* Puts @fragment, YAML in flow style, where %s stands; the answer is "" or the refusal. */
static void refusal(const char *format, const char *fragment, char *ret, size_t size)
{
	char text[4096];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), format, fragment);
#pragma GCC diagnostic pop
	AUTO_MANIFEST m = read_text(text);

	snprintf(ret, size, "%s", m->count == 1 ? m->documents[0].err.text : "(not one document)");
}

struct row {
	const char *fragment; /* more fields of the object that the table is about */
	const char *want;     /* a part of the refusal; NULL: accepted */
};

static void check_rows(const char *format, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char got[sizeof(((struct err *)0)->text)];

		refusal(format, rows[i].fragment, got, sizeof(got));
		if (rows[i].want)
			CHECK_HAS(rows[i].fragment, got, rows[i].want);
		else
			CHECK_STR(rows[i].fragment, got, "");
	}
}

#define CHECK_ROWS(format, rows) check_rows(format, rows, COUNT(rows))

#define POD_HEAD "{apiVersion: v1, kind: Pod, metadata: {name: web}, "
#define META	 "{apiVersion: v1, kind: ConfigMap, metadata: {%s}}"
#define POD	 "{apiVersion: v1, kind: Pod, metadata: {name: web}, %s}"
#define SPEC	 POD_HEAD "spec: {containers: [{name: c, image: nginx}], %s}}"
#define CONTAINER \
	POD_HEAD "spec: {volumes: [{name: v}], containers: [{name: c, image: nginx, %s}]}}"
#define VOLUME	POD_HEAD "spec: {containers: [{name: c, image: nginx}], volumes: [{name: v, %s}]}}"
#define SERVICE "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {%s}}"

TEST(metadata_is_checked)
{
	static const struct row rows[] = {
		{"name: web", NULL},
		{"name: a.b-c.1", NULL},
		{"", "metadata.name: required"},
		{"name: ''", "metadata.name: required"},
		{"name: ~", "metadata.name: required"},
		{"name: Web", "metadata.name: must be a DNS name"},
		{"name: -a", "metadata.name: must be a DNS name"},
		{"name: 1", "metadata.name: must be a string, got an integer"},
		{"nmae: web", "metadata.nmae: unknown field, did you mean \"name\"?"},
		{"name: a, xyzzy: 1", "metadata.xyzzy: unknown field"},
		{"name: a, generateName: x", "metadata.generateName: podnet does not support"},
		{"name: a, namespace: kube-system", NULL},
		{"name: a, namespace: a.b", "metadata.namespace: must be a DNS label"},
		{"name: a, labels: {app: web, example.com/x_y.z: ''}", NULL},
		{"name: a, labels: {app: 1}",
			"metadata.labels.app: must be a string, got an integer"},
		{"name: a, labels: {app: yes}",
			"metadata.labels.app: must be a string, got a boolean"},
		{"name: a, labels: {app: 'a b'}", "metadata.labels.app: must be a label value"},
		{"name: a, labels: {'a b': c}", "metadata.labels[\"a b\"]: the key must be a key"},
		{"name: a, labels: {a/b/c: d}", "metadata.labels[\"a/b/c\"]: the key"},
		{"name: a, labels: [a]", "metadata.labels: must be an object, got a list"},
		{"name: a, annotations: {x: 'any { text'}", NULL},
		{"name: a, uid: x, resourceVersion: '1', generation: 2, creationTimestamp: null, "
		 "managedFields: [{}], selfLink: x",
			NULL},
		{"name: a, ownerReferences: [{apiVersion: v1, kind: X, name: o, uid: u}]", NULL},
		{"name: a, ownerReferences: [{kind: X}]",
			"ownerReferences[0].apiVersion: required"},
	};

	CHECK_ROWS(META, rows);
}

TEST(a_pod_is_checked)
{
	static const struct row rows[] = {
		{"spec: {containers: [{name: c, image: nginx}]}, status: {phase: Running}", NULL},
		{"", "spec: required"},
		{"spec: {}", "spec.containers: required"},
		{"spec: {containers: []}", "spec.containers: required"},
		{"spec: {contaners: []}",
			"spec.contaners: unknown field, did you mean \"containers\"?"},
		{"spec: []", "spec: must be an object, got a list"},
		{"spec: {containers: {}}", "spec.containers: must be a list, got an object"},
		{"spec: {containers: [nginx]}",
			"spec.containers[0]: must be an object, got a string"},
		{"spec: {containers: [{name: c, image: a}, {name: c, image: a}]}",
			"spec.containers[1].name: duplicate \"c\""},
		{"Spec: {}", "Spec: unknown field, did you mean \"spec\"?"},
	};

	CHECK_ROWS(POD, rows);
}

TEST(a_pod_spec_is_checked)
{
	static const struct row rows[] = {
		{"restartPolicy: Never", NULL},
		{"restartPolicy: never", "spec.restartPolicy: must be one of Always, OnFailure, "
					 "Never; got \"never\""},
		{"terminationGracePeriodSeconds: 0", NULL},
		{"terminationGracePeriodSeconds: -1",
			"spec.terminationGracePeriodSeconds: must be at least 0, got -1"},
		{"terminationGracePeriodSeconds: '30'", "must be an integer, got a string"},
		{"terminationGracePeriodSeconds: 1.5",
			"must be an integer, got a fractional number"},
		{"terminationGracePeriodSeconds: 1e1", NULL},
		{"hostname: web-1", NULL},
		{"hostname: a.b", "spec.hostname: must be a DNS label"},
		{"volumes: [{name: a}, {name: a}]", "spec.volumes[1].name: duplicate \"a\""},
		{"initContainers: [{name: i, image: x}]", NULL},
		{"initContainers: [{name: c, image: x}]",
			"initContainers[0].name: duplicate \"c\""},
		{"initContainers: [{name: i, image: x, restartPolicy: Always}]",
			"spec.initContainers[0].restartPolicy: podnet does not support this field "
			"yet"},
		{"initContainers: [{name: i, image: x, readinessProbe: {exec: {command: [a]}}}]",
			"initContainers[0].readinessProbe: must not be set for an init container"},
		{"initContainers: [{name: i, image: x, lifecycle: {preStop: {sleep: {seconds: "
		 "1}}}}]",
			"initContainers[0].lifecycle: must not be set for an init container"},
		{"dnsPolicy: None", "spec.dnsConfig.nameservers: must name at least one"},
		{"dnsPolicy: None, dnsConfig: {nameservers: [10.0.0.1]}", NULL},
		{"dnsConfig: {nameservers: [1.1.1.1, 2.2.2.2, 3.3.3.3, 4.4.4.4]}",
			"spec.dnsConfig.nameservers: must not be more than 3"},
		{"dnsConfig: {nameservers: [dns]}", "nameservers[0]: must be an IP address"},
		{"dnsConfig: {searches: [\"a\\nnameserver 6.6.6.6\"]}",
			"searches[0]: must be a DNS domain; got \"a?nameserver"},
		{"dnsConfig: {options: [{name: 'ndots 5'}]}",
			"options[0].name: must not contain blanks"},
		{"hostAliases: [{ip: 10.0.0.1, hostnames: [a, b.c]}]", NULL},
		{"hostAliases: [{ip: x}]", "spec.hostAliases[0].ip: must be an IP address"},
		{"hostAliases: [{ip: 10.0.0.1, hostnames: ['a b']}]",
			"hostnames[0]: must be a DNS name"},
	};

	CHECK_ROWS(SPEC, rows);
}

TEST(what_podnet_does_not_do_yet_is_refused_by_name)
{
	static const struct row rows[] = {
		{"hostNetwork: true", "spec.hostNetwork: podnet does not support this field yet"},
		{"hostNetwork: false, hostPID: false, hostIPC: false", NULL},
		{"hostPID: true", "spec.hostPID: podnet does not support"},
		{"hostIPC: true", "spec.hostIPC: podnet does not support"},
		{"hostUsers: false", "spec.hostUsers: podnet does not support user namespaces yet"},
		{"hostUsers: true", NULL},
		{"ephemeralContainers: [{name: x}]", "spec.ephemeralContainers: podnet does not"},
		{"activeDeadlineSeconds: 5", "spec.activeDeadlineSeconds: podnet does not"},
		{"imagePullSecrets: [{name: x}]", "spec.imagePullSecrets: podnet does not"},
		{"readinessGates: [{conditionType: x}]", "spec.readinessGates: podnet does not"},
		{"runtimeClassName: kata", "spec.runtimeClassName: podnet does not"},
		{"subdomain: x", "spec.subdomain: podnet does not"},
		{"os: {name: linux}", NULL},
		{"os: {name: windows}", "spec.os.name: podnet does not support \"windows\" yet"},
		{"securityContext: {fsGroup: 0}", "spec.securityContext.fsGroup: podnet does not"},
		{"securityContext: {supplementalGroups: [1]}",
			"supplementalGroups: podnet does not"},
		{"securityContext: {supplementalGroups: []}", NULL},
		{"securityContext: {sysctls: [{name: a, value: b}]}", "sysctls: podnet does not"},
		{"securityContext: {seccompProfile: {type: RuntimeDefault}}",
			"seccompProfile.type: podnet does not support \"RuntimeDefault\" yet"},
		{"securityContext: {seccompProfile: {type: Unconfined}}", NULL},
		{"securityContext: {appArmorProfile: {type: Localhost, localhostProfile: x}}",
			"appArmorProfile."},
		{"securityContext: {seLinuxOptions: {level: x}}",
			"seLinuxOptions: podnet does not"},
	};

	CHECK_ROWS(SPEC, rows);
}

TEST(what_means_nothing_on_one_node_is_accepted)
{
	static const struct row rows[] = {
		{"nodeSelector: {disk: ssd}, nodeName: n1, schedulerName: x", NULL},
		{"tolerations: [{key: a, operator: Exists, effect: NoSchedule}]", NULL},
		{"tolerations: [{efect: NoSchedule}]", "tolerations[0].efect: unknown field"},
		{"serviceAccountName: x, serviceAccount: x, automountServiceAccountToken: false",
			NULL},
		{"priorityClassName: high, priority: 5, preemptionPolicy: Never", NULL},
		{"enableServiceLinks: false", NULL},
		{"affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
		 "{nodeSelectorTerms: [{matchExpressions: [{key: a, operator: In, values: "
		 "[b]}]}]}}}",
			NULL},
		{"affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: "
		 "[{weight: 101, podAffinityTerm: {topologyKey: a}}]}}",
			"weight: must be from 1 to 100, got 101"},
		{"topologySpreadConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: "
		 "ScheduleAnyway}]",
			NULL},
	};

	CHECK_ROWS(SPEC, rows);
}

TEST(a_container_is_checked)
{
	static const struct row rows[] = {
		{"command: [a, b], args: ['1'], workingDir: /srv, stdin: true, tty: true", NULL},
		{"command: a", "containers[0].command: must be a list, got a string"},
		{"imagePullPolicy: Sometimes",
			"imagePullPolicy: must be one of Always, IfNotPresent"},
		{"ports: [{containerPort: 80}, {containerPort: 80, protocol: UDP}]", NULL},
		{"ports: [{containerPort: '80'}]",
			"ports[0].containerPort: must be an integer, got a string"},
		{"ports: [{containerPort: 0}]", "containerPort: must be from 1 to 65535, got 0"},
		{"ports: [{containerPort: 70000}]", "containerPort: must be from 1 to 65535"},
		{"ports: [{name: http}]", "ports[0].containerPort: required"},
		{"ports: [{containerPort: 1, hostPort: 1}]", "ports[0].hostPort: podnet does not"},
		{"ports: [{containerPort: 1, hostPort: 0}]", NULL},
		{"ports: [{containerPort: 1, protocol: tcp}]",
			"protocol: must be one of TCP, UDP, SCTP"},
		{"ports: [{containerPort: 1, name: a}, {containerPort: 2, name: a}]",
			"ports[1].name: duplicate \"a\""},
		{"ports: [{containerPort: 1, name: '80'}]", "ports[0].name: must be a port name"},
		{"env: [{name: A, value: b}, {name: B}, {name: C, value: }]", NULL},
		{"env: [{name: A, value: 1}]", "env[0].value: must be a string, got an integer"},
		{"env: [{name: A, value: true}]", "env[0].value: must be a string, got a boolean"},
		{"env: [{name: A=B, value: x}]",
			"env[0].name: must be printable ASCII without '='"},
		{"env: [{value: x}]", "env[0].name: required"},
		{"env: [{name: A, value: x, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]",
			"env[0]: must not have both value and valueFrom"},
		{"env: [{name: A, valueFrom: {}}]", "valueFrom: must have exactly one of fieldRef"},
		{"env: [{name: A, valueFrom: {fieldRef: {fieldPath: status.phase}}}]",
			"fieldPath: must be metadata.name"},
		{"env: [{name: A, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['a']\"}}}]",
			NULL},
		{"env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, "
		 "containerName: "
		 "x}}}]",
			"containerName: there is no container \"x\""},
		{"env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k, optional: true}}}]",
			NULL},
		{"env: [{name: A, valueFrom: {configMapKeyRef: {name: s}}}]", "key: required"},
		{"envFrom: [{prefix: X_, configMapRef: {name: m}}, {secretRef: {name: s}}]", NULL},
		{"envFrom: [{}]", "envFrom[0]: must have exactly one of configMapRef, secretRef"},
		{"volumeMounts: [{name: v, mountPath: /a, subPath: b/c, readOnly: true}]", NULL},
		{"volumeMounts: [{name: w, mountPath: /a}]",
			"volumeMounts[0].name: there is no volume \"w\""},
		{"volumeMounts: [{name: v, mountPath: a}]", "mountPath: must be an absolute path"},
		{"volumeMounts: [{name: v, mountPath: /a/../b}]",
			"mountPath: must not contain '..'"},
		{"volumeMounts: [{name: v, mountPath: /a}, {name: v, mountPath: /a}]",
			"volumeMounts[1].mountPath: duplicate \"/a\""},
		{"volumeMounts: [{name: v, mountPath: /a, subPath: /b}]",
			"must be a relative path"},
		{"volumeMounts: [{name: v, mountPath: /a, subPath: b/..}]",
			"must not contain '..'"},
		{"volumeMounts: [{name: v, mountPath: /a, mountPropagation: Bidirectional}]",
			"mountPropagation: podnet does not support \"Bidirectional\" yet"},
		{"restartPolicy: Never", "containers[0].restartPolicy: podnet does not"},
		{"startupProbe: {}",
			"containers[0].startupProbe: podnet does not support this field"},
		{"terminationMessagePath: /x, terminationMessagePolicy: File, stdinOnce: true",
			NULL},
		{"resizePolicy: [{resourceName: cpu, restartPolicy: NotRequired}]", NULL},
		{"image: ''", "duplicate key \"image\""},
	};

	CHECK_ROWS(CONTAINER, rows);
}

TEST(resources_are_checked)
{
	static const struct row rows[] = {
		{"resources: {limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 500m, memory: 1G}}",
			NULL},
		{"resources: {limits: {cpu: 0.1}, requests: {cpu: 100m}}", NULL},
		{"resources: {limits: {cpu: 1}, requests: {cpu: 1001m}}",
			"resources.requests.cpu: must not exceed the limit of 1"},
		{"resources: {limits: {cpu: one}}", "limits.cpu: must be a quantity"},
		{"resources: {limits: {cpu: true}}",
			"limits.cpu: must be a quantity like 500m or 1Gi"},
		{"resources: {limits: {memory: 9999999E}}",
			"limits.memory: quantity 9999999E is too"},
		{"resources: {limits: {cpu: -1}}", "limits.cpu: must not be negative"},
		{"resources: {requests: {ephemeral-storage: 1Gi}}", NULL},
		{"resources: {limits: {ephemeral-storage: 1Gi}}",
			"limits.ephemeral-storage: podnet does not support this resource yet"},
		{"resources: {limits: {nvidia.com/gpu: 1}}",
			"podnet does not support this resource yet"},
		{"resources: {limit: {}}",
			"resources.limit: unknown field, did you mean \"limits\"?"},
		{"resources: {claims: [{name: x}]}", "resources.claims: podnet does not"},
	};

	CHECK_ROWS(CONTAINER, rows);
}

TEST(probes_and_hooks_are_checked)
{
	static const struct row rows[] = {
		{"livenessProbe: {httpGet: {port: 80}, initialDelaySeconds: 0}", NULL},
		{"livenessProbe: {tcpSocket: {port: 80}, timeoutSeconds: 0, periodSeconds: 0}",
			NULL},
		{"livenessProbe: {periodSeconds: 1}",
			"livenessProbe: must have exactly one of exec, httpGet, tcpSocket"},
		{"livenessProbe: {exec: {command: [a]}, tcpSocket: {port: 1}}",
			"must have exactly one"},
		{"livenessProbe: {exec: {}}", "livenessProbe.exec.command: required"},
		{"livenessProbe: {grpc: {port: 1}}", "livenessProbe.grpc: podnet does not support"},
		{"livenessProbe: {httpGet: {}}", "httpGet.port: required"},
		{"livenessProbe: {httpGet: {port: 0}}",
			"httpGet.port: must be from 1 to 65535, got 0"},
		{"livenessProbe: {httpGet: {port: 65536}}",
			"httpGet.port: must be from 1 to 65535"},
		{"livenessProbe: {httpGet: {port: web}}",
			"httpGet.port: the container has no port \"web\""},
		{"ports: [{name: web, containerPort: 1}], livenessProbe: {httpGet: {port: web}}",
			NULL},
		{"livenessProbe: {httpGet: {port: 1, scheme: HTTPS}}",
			"httpGet.scheme: podnet does not support \"HTTPS\" yet"},
		{"livenessProbe: {httpGet: {port: 1, httpHeaders: [{name: 'A B', value: x}]}}",
			"httpHeaders[0].name: must be an HTTP header name"},
		{"livenessProbe: {httpGet: {port: 1, httpHeaders: [{name: A, value: \"x\\r\\nB: "
		 "y\"}]}}",
			"httpHeaders[0].value: must not contain control characters"},
		{"livenessProbe: {httpGet: {port: 1, path: \"/a b\"}}",
			"path: must not contain blanks"},
		{"livenessProbe: {tcpSocket: {port: 1}, timeoutSeconds: -1}",
			"timeoutSeconds: must be at least 1, got -1"},
		{"livenessProbe: {tcpSocket: {port: 1}, successThreshold: 2}",
			"livenessProbe.successThreshold: must be 1 for a livenessProbe"},
		{"readinessProbe: {tcpSocket: {port: 1}, successThreshold: 2}", NULL},
		{"readinessProbe: {tcpSocket: {port: 1}, terminationGracePeriodSeconds: 1}",
			"must not be set for a readinessProbe"},
		{"lifecycle: {postStart: {exec: {command: [a]}}, preStop: {httpGet: {port: 1}}}",
			NULL},
		{"lifecycle: {preStop: {sleep: {seconds: 30}}}", NULL},
		{"lifecycle: {preStop: {sleep: {seconds: 31}}}",
			"sleep.seconds: must not exceed terminationGracePeriodSeconds (30)"},
		{"lifecycle: {preStop: {tcpSocket: {port: 1}}}",
			"preStop.tcpSocket: podnet does not"},
		{"lifecycle: {preStop: {}}",
			"preStop: must have exactly one of exec, httpGet, sleep"},
		{"lifecycle: {stopSignal: SIGINT}", "lifecycle.stopSignal: podnet does not"},
	};

	CHECK_ROWS(CONTAINER, rows);
}

TEST(a_promise_of_security_is_kept_or_refused)
{
	static const struct row rows[] = {
		{"securityContext: {runAsUser: 1, runAsGroup: 2, runAsNonRoot: true}", NULL},
		{"securityContext: {readOnlyRootFilesystem: true, allowPrivilegeEscalation: false}",
			NULL},
		{"securityContext: {capabilities: {add: [NET_ADMIN], drop: [ALL]}}", NULL},
		{"securityContext: {capabilities: {drop: [CAP_NET_RAW]}}",
			"capabilities.drop[0]: must be a capability of Linux without CAP_"},
		{"securityContext: {capabilities: {drop: [all]}}", "drop[0]: must be a capability"},
		{"securityContext: {privileged: true}",
			"securityContext.privileged: podnet does not"},
		{"securityContext: {privileged: false}", NULL},
		{"securityContext: {procMount: Unmasked}", "procMount: podnet does not support"},
		{"securityContext: {seccompProfile: {type: Localhost}}", "podnet does not support"},
		{"securityContext: {runAsUser: -1}", "runAsUser: must be at least 0, got -1"},
		{"securityContext: {allowPrivilegeEscalation: false, capabilities: {add: "
		 "[SYS_ADMIN]}}",
			"allowPrivilegeEscalation: must not be false with the capability "
			"SYS_ADMIN"},
		{"securityContext: {windowsOptions: {hostProcess: true}}",
			"windowsOptions: podnet does"},
	};

	CHECK_ROWS(CONTAINER, rows);
}

TEST(volumes_are_checked)
{
	static const struct row rows[] = {
		{"emptyDir: {}", NULL},
		{"emptyDir: {medium: Memory, sizeLimit: 1Mi}", NULL},
		{"emptyDir: {medium: HugePages}",
			"medium: podnet does not support \"HugePages\" yet"},
		{"hostPath: {path: /a, type: DirectoryOrCreate}", NULL},
		{"hostPath: {path: /a, type: ''}", NULL},
		{"hostPath: {}", "hostPath.path: required"},
		{"hostPath: {path: a}", "hostPath.path: must be an absolute path"},
		{"hostPath: {path: /a/../b}", "hostPath.path: must not contain '..'"},
		{"hostPath: {path: /a, type: Dir}", "hostPath.type: must be one of"},
		{"configMap: {name: m, items: [{key: k, path: a/b, mode: 0400}]}", NULL},
		{"configMap: {name: m, items: [{key: k, path: ../b}]}",
			"items[0].path: must not contain '..'"},
		{"configMap: {name: m, items: [{key: k, path: /b}]}", "must be a relative path"},
		{"configMap: {name: m, defaultMode: 01000}",
			"defaultMode: must be from 0 to 511, got 512"},
		{"configMap: {}", "configMap.name: required"},
		{"secret: {secretName: s, optional: true}", NULL},
		{"secret: {name: s}", "secret.name: unknown field"},
		{"emptyDir: {}, hostPath: {path: /a}",
			"volumes[0]: must have exactly one of emptyDir"},
		{"nfs: {}", "volumes[0].nfs: podnet does not support this field yet"},
		{"ephemeral: {}", "volumes[0].ephemeral: podnet does not support"},
		{"persistentVolumeClaim: {claimName: x}", "persistentVolumeClaim: podnet does not"},
		{"emptydir: {}", "volumes[0].emptydir: unknown field, did you mean \"emptyDir\"?"},
	};

	CHECK_ROWS(VOLUME, rows);
}

TEST(services_are_checked)
{
	static const struct row rows[] = {
		{"ports: [{port: 80}], selector: {app: web}", NULL},
		{"ports: [{port: 80, targetPort: http, protocol: TCP, appProtocol: h2c}]", NULL},
		{"clusterIP: None", NULL},
		{"", "spec.ports: required"},
		{"ports: [{}]", "spec.ports[0].port: required"},
		{"ports: [{port: 0}]", "ports[0].port: must be from 1 to 65535, got 0"},
		{"ports: [{port: 1, targetPort: 65536}]", "targetPort: must be from 1 to 65535"},
		{"ports: [{port: 1, targetPort: -}]", "targetPort: must be a port name"},
		{"ports: [{port: 1}, {port: 2}]",
			"ports[0].name: required when a Service has several"},
		{"ports: [{name: a, port: 1}, {name: a, port: 2}]",
			"ports[1].name: duplicate \"a\""},
		{"ports: [{name: a, port: 1}, {name: b, port: 1}]",
			"ports[1].port: duplicate 1/TCP"},
		{"ports: [{name: a, port: 1}, {name: b, port: 1, protocol: UDP}]", NULL},
		{"ports: [{port: 1, protocol: SCTP}]", "podnet does not support \"SCTP\" yet"},
		{"ports: [{port: 1, nodePort: 30000}]", "nodePort: podnet does not support"},
		{"ports: [{port: 1}], type: NodePort",
			"type: podnet does not support \"NodePort\" yet"},
		{"ports: [{port: 1}], type: ClusterIp", "type: must be one of ClusterIP; got"},
		{"ports: [{port: 1}], clusterIP: 10.96.0.9", NULL},
		{"ports: [{port: 1}], clusterIP: 10.96.0",
			"clusterIP: must be an IPv4 address or None"},
		{"ports: [{port: 1}], clusterIP: 'fd00::1'",
			"clusterIP: must be an IPv4 address or"},
		{"ports: [{port: 1}], clusterIP: 10.96.0.9, clusterIPs: [10.96.0.9]", NULL},
		{"ports: [{port: 1}], clusterIPs: [10.96.0.9]",
			"clusterIPs[0]: must be the same as"},
		{"ports: [{port: 1}], sessionAffinity: ClientIP",
			"podnet does not support \"ClientIP\""},
		{"ports: [{port: 1}], externalIPs: [1.1.1.1]",
			"externalIPs: podnet does not support"},
		{"ports: [{port: 1}], internalTrafficPolicy: Local", NULL},
		{"ports: [{port: 1}], ipFamilies: [IPv6]",
			"ipFamilies[0]: podnet does not support"},
		{"ports: [{port: 1}], publishNotReadyAddresses: true", NULL},
		{"ports: [{port: 1}], trafficDistribution: PreferClose", NULL},
		{"port: [{port: 1}]", "spec.port: unknown field, did you mean \"ports\"?"},
	};

	CHECK_ROWS(SERVICE, rows);
}

TEST(a_service_name_must_start_with_a_letter)
{
	char got[240];

	refusal("{apiVersion: v1, kind: Service, metadata: {name: %s}, spec: {ports: [{port: 1}]}}",
		"1web", got, sizeof(got));
	CHECK_HAS("refused", got, "metadata.name: must be a DNS label that starts with a letter");
}

TEST(config_maps_and_secrets_are_checked)
{
	static const struct row rows[] = {
		{"kind: ConfigMap, data: {a.b_c-D: x, e: }, immutable: true", NULL},
		{"kind: ConfigMap, data: {a: 1}", "data.a: must be a string, got an integer"},
		{"kind: ConfigMap, data: {'a/b': x}",
			"data[\"a/b\"]: the key must be a key of a-z"},
		{"kind: ConfigMap, data: {..: x}", "data[\"..\"]: the key"},
		{"kind: ConfigMap, binaryData: {a: aGk=}", NULL},
		{"kind: ConfigMap, binaryData: {a: hi}", "binaryData.a: must be base64"},
		{"kind: ConfigMap, data: {a: x}, binaryData: {a: aGk=}",
			"binaryData.a: stands in data"},
		{"kind: Secret, data: {a: aGk=}, stringData: {b: hi}, type: Opaque", NULL},
		{"kind: Secret, data: {a: 'a'}", "data.a: must be base64"},
		{"kind: Secret, data: {a: 'aGk=='}", "data.a: must be base64"},
		{"kind: Secret, stringdata: {}",
			"stringdata: unknown field, did you mean \"stringData\""},
	};

	CHECK_ROWS("{apiVersion: v1, metadata: {name: a}, %s}", rows);
}

TEST(a_config_map_may_hold_one_mebibyte)
{
	for (int over = 0; over < 2; over++) {
		size_t size = (1 << 20) + (size_t)over;
		AUTO_FREE char *value = malloc(size + 1), *text = NULL;

		memset(value, 'x', size);
		value[size] = '\0';
		if (asprintf(&text,
			    "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, "
			    "data: {v: %s}}",
			    value) < 0)
			BAIL("no memory");
		AUTO_MANIFEST m = read_text(text);

		CHECK_STR("limit", m->documents[0].err.text,
			over ? "line 1: data: more than 1048576 bytes" : "");
	}
}

TEST(defaults_are_those_of_kubernetes)
{
	AUTO_MANIFEST m = read_text(
		"{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {volumes: [{name: v}], "
		"containers: [{name: c, image: nginx, ports: [{containerPort: 80}], resources: "
		"{limits: {cpu: 0.5}}, livenessProbe: {httpGet: {port: 80}}}]}}");
	AUTO_FREE char *got = NULL;

	if (!CHECK_STR("accepted", m->documents[0].err.text, ""))
		return;
	got = json_dumps(m->documents[0].object->json, JSON_COMPACT | JSON_SORT_KEYS);
	CHECK_STR("completed", got,
		"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"web\","
		"\"namespace\":\"default\"},\"spec\":{\"containers\":[{\"image\":\"nginx\","
		"\"imagePullPolicy\":\"Always\",\"livenessProbe\":{\"failureThreshold\":3,"
		"\"httpGet\":{\"path\":\"/\",\"port\":80,\"scheme\":\"HTTP\"},\"periodSeconds\":10,"
		"\"successThreshold\":1,\"timeoutSeconds\":1},\"name\":\"c\",\"ports\":"
		"[{\"containerPort\":80,\"protocol\":\"TCP\"}],\"resources\":{\"limits\":"
		"{\"cpu\":\"500m\"},\"requests\":{\"cpu\":\"500m\"}},\"terminationMessagePath\":"
		"\"/dev/termination-log\",\"terminationMessagePolicy\":\"File\"}],\"dnsPolicy\":"
		"\"ClusterFirst\",\"enableServiceLinks\":true,\"restartPolicy\":\"Always\","
		"\"schedulerName\":\"default-scheduler\",\"securityContext\":{},"
		"\"terminationGracePeriodSeconds\":30,\"volumes\":[{\"emptyDir\":{},\"name\":\"v\"}"
		"]}}");
}

TEST(a_completed_object_reads_back_as_itself)
{
	static const char *const texts[] = {
		"{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: [{name: c, "
		"image: a, resources: {requests: {memory: 1.5Gi}}}]}}",
		"{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {ports: [{port: "
		"80}]}}",
		"{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {k: v}}",
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		AUTO_MANIFEST first = read_text(texts[i]);
		AUTO_FREE char *text = json_text(first->documents[0].object->json);
		AUTO_MANIFEST second = read_text(text);

		if (CHECK_STR("accepted", second->documents[0].err.text, ""))
			CHECK("equal", json_equal(first->documents[0].object->json,
					       second->documents[0].object->json));
	}
}
