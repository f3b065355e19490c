// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"
#include "user/model/manifest.h"
#include "user/model/pod.h"

static void cleanup_pod(struct pod **pod)
{
	pod_free(*pod);
}

#define AUTO_POD AUTO_CLEANUP(cleanup_pod) struct pod *

/* The Pod outlives the manifest that it came from. */
static struct pod *decode(const char *text)
{
	struct manifest *manifest;
	struct pod *pod;
	struct err err;

	if (manifest_read(text, strlen(text), &manifest, &err) < 0)
		BAIL(err.text);
	if (manifest->count != 1 || !manifest->documents[0].object)
		BAIL(manifest->count ? manifest->documents[0].err.text : "no document");
	if (pod_decode(manifest->documents[0].object, &pod, &err) < 0)
		BAIL(err.text);
	manifest_free(manifest);
	return pod;
}

/* A Pod with the fields @spec, in flow style. */
static struct pod *decode_spec(const char *spec)
{
	AUTO_FREE char *text = NULL;

	if (asprintf(&text,
		    "{apiVersion: v1, kind: Pod, metadata: {name: web, labels: {app: web}}, "
		    "spec: {%s}}",
		    spec) < 0)
		BAIL("no memory");
	return decode(text);
}

TEST(a_small_pod_has_its_defaults)
{
	AUTO_POD pod = decode_spec("containers: [{name: c, image: nginx}]");
	const struct container *c = &pod->containers[0];

	CHECK_STR("name", pod->meta.name, "web");
	CHECK_STR("namespace", pod->meta.namespace, "default");
	CHECK_STR("uid", pod->meta.uid, "");
	CHECK_STR("label", json_string_at(pod->meta.labels, "app", ""), "web");
	CHECK_EQ("restart", pod->restart_policy, RESTART_ALWAYS);
	CHECK_EQ("grace", pod->termination_grace, 30);
	CHECK_STR("host name", pod->hostname, "web");
	CHECK("not given", !pod->hostname_given);
	CHECK_EQ("dns", pod->dns_policy, DNS_CLUSTER_FIRST);
	CHECK("no servers", pod->dns_servers && !pod->dns_servers[0]);
	CHECK("no searches", pod->dns_searches && !pod->dns_searches[0]);
	CHECK("no options", pod->dns_options && !pod->dns_options[0]);
	CHECK_EQ("init containers", pod->init_count, 0);
	CHECK_EQ("containers", pod->container_count, 1);
	CHECK_EQ("pull", c->pull_policy, PULL_ALWAYS);
	CHECK("the image's command", !c->command && !c->args && !c->working_dir);
	CHECK("no probes or hooks",
		!c->liveness && !c->readiness && !c->post_start && !c->pre_stop);
	CHECK_EQ("cpu", c->resources.cpu_request, RESOURCE_UNSET);
	CHECK_EQ("memory", c->resources.memory_limit, RESOURCE_UNSET);
	CHECK_EQ("user", c->security.user, -1);
	CHECK_EQ("group", c->security.group, -1);
	CHECK("no capabilities", !c->security.cap_add[0] && !c->security.cap_drop[0]);
	CHECK("new privileges", !c->security.no_new_privs);
}

TEST(the_pull_policy_follows_the_tag)
{
	static const struct {
		const char *image;
		enum pull_policy want;
	} cases[] = {
		{"nginx", PULL_ALWAYS},
		{"nginx:latest", PULL_ALWAYS},
		{"nginx:1.25", PULL_IF_NOT_PRESENT},
		{"nginx:latest2", PULL_IF_NOT_PRESENT},
		{"localhost:5000/nginx", PULL_ALWAYS},
		{"localhost:5000/nginx:1", PULL_IF_NOT_PRESENT},
		{"nginx@sha256:0123", PULL_IF_NOT_PRESENT},
		{"nginx:latest@sha256:0123", PULL_ALWAYS},
		{"nginx:1@sha256:0123", PULL_IF_NOT_PRESENT},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_FREE char *text = NULL;

		if (asprintf(&text, "containers: [{name: c, image: '%s'}]", cases[i].image) < 0)
			BAIL("no memory");
		AUTO_POD pod = decode_spec(text);

		CHECK_EQ(cases[i].image, pod->containers[0].pull_policy, cases[i].want);
	}
}

TEST(a_container_is_decoded_whole)
{
	AUTO_POD pod = decode_spec(
		"securityContext: {runAsUser: 7, runAsGroup: 8, runAsNonRoot: true}, "
		"volumes: [{name: v}], "
		"containers: [{name: c, image: a, imagePullPolicy: Never, command: [sh, -c], args: "
		"[x], "
		"workingDir: /srv, tty: true, stdin: true, "
		"ports: [{name: http, containerPort: 80}, {containerPort: 53, protocol: UDP}], "
		"resources: {limits: {cpu: 1500m, memory: 1Ki}, requests: {cpu: 100u}}, "
		"volumeMounts: [{name: v, mountPath: /v, subPath: s, readOnly: true}], "
		"securityContext: {runAsUser: 9, readOnlyRootFilesystem: true, "
		"allowPrivilegeEscalation: false, "
		"capabilities: {add: [NET_ADMIN], drop: [ALL]}}}]");
	const struct container *c = &pod->containers[0];

	CHECK_EQ("pull", c->pull_policy, PULL_NEVER);
	CHECK_STR("command", c->command[1], "-c");
	CHECK("command ends", !c->command[2]);
	CHECK_STR("args", c->args[0], "x");
	CHECK_STR("working dir", c->working_dir, "/srv");
	CHECK("terminal", c->tty && c->stdin);
	CHECK_EQ("ports", c->port_count, 2);
	CHECK_STR("port name", c->ports[0].name, "http");
	CHECK_EQ("port", c->ports[0].port, 80);
	CHECK_EQ("protocol", c->ports[1].protocol, PROTOCOL_UDP);
	CHECK("no name", !c->ports[1].name);
	CHECK_EQ("cpu limit", c->resources.cpu_limit, 1500);
	CHECK_EQ("cpu request, rounded up", c->resources.cpu_request, 1);
	CHECK_EQ("memory limit", c->resources.memory_limit, 1024);
	CHECK_EQ("memory request from the limit", c->resources.memory_request, 1024);
	CHECK_STR("mount", c->mounts[0].path, "/v");
	CHECK_STR("sub path", c->mounts[0].sub_path, "s");
	CHECK("read only", c->mounts[0].read_only);
	CHECK_EQ("the container's user", c->security.user, 9);
	CHECK_EQ("the Pod's group", c->security.group, 8);
	CHECK("the Pod's non-root", c->security.run_as_non_root);
	CHECK("root", c->security.read_only_root && c->security.no_new_privs);
	CHECK_STR("add", c->security.cap_add[0], "NET_ADMIN");
	CHECK_STR("drop", c->security.cap_drop[0], "ALL");
}

TEST(environments_are_decoded)
{
	AUTO_POD pod = decode_spec(
		"containers: [{name: c, image: a, "
		"envFrom: [{prefix: P_, configMapRef: {name: m}}, {secretRef: {name: s, optional: "
		"true}}], "
		"env: [{name: A, value: $(B)}, {name: E}, "
		"{name: F, valueFrom: {fieldRef: {fieldPath: status.podIP}}}, "
		"{name: R, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: "
		"1Mi}}}, "
		"{name: D, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}, "
		"{name: M, valueFrom: {configMapKeyRef: {name: m, key: k}}}, "
		"{name: S, valueFrom: {secretKeyRef: {name: s, key: k, optional: true}}}]}]");
	const struct container *c = &pod->containers[0];

	CHECK_EQ("sources", c->env_from_count, 2);
	CHECK_STR("prefix", c->env_from[0].prefix, "P_");
	CHECK("map", !c->env_from[0].secret && !c->env_from[0].optional);
	CHECK("secret", c->env_from[1].secret && c->env_from[1].optional);
	CHECK_STR("no prefix", c->env_from[1].prefix, "");
	CHECK_EQ("variables", c->env_count, 7);
	CHECK_STR("not expanded", c->env[0].value, "$(B)");
	CHECK_STR("empty", c->env[1].value, "");
	CHECK_EQ("field", c->env[2].kind, ENV_FIELD);
	CHECK_STR("path", c->env[2].path, "status.podIP");
	CHECK_EQ("resource", c->env[3].kind, ENV_RESOURCE_FIELD);
	CHECK_EQ("divisor", c->env[3].divisor, 1048576000);
	CHECK_EQ("default divisor", c->env[4].divisor, 1000);
	CHECK("own container", !c->env[4].container);
	CHECK_EQ("map key", c->env[5].kind, ENV_CONFIG_MAP_KEY);
	CHECK_STR("object", c->env[5].object, "m");
	CHECK("secret key", c->env[6].kind == ENV_SECRET_KEY && c->env[6].optional);
}

TEST(probes_and_hooks_are_decoded)
{
	AUTO_POD pod = decode_spec(
		"containers: [{name: c, image: a, "
		"ports: [{name: http, containerPort: 8080}], "
		"livenessProbe: {exec: {command: [a, b]}, terminationGracePeriodSeconds: 5}, "
		"readinessProbe: {httpGet: {port: http, path: \"/x?y\", host: h, "
		"httpHeaders: [{name: A, value: b}]}, periodSeconds: 3, successThreshold: 2}, "
		"lifecycle: {postStart: {httpGet: {port: 1}}, preStop: {sleep: {seconds: 4}}}}]");
	const struct container *c = &pod->containers[0];

	CHECK_EQ("exec", c->liveness->handler.kind, HANDLER_EXEC);
	CHECK_STR("argv", c->liveness->handler.argv[1], "b");
	CHECK_EQ("grace", c->liveness->termination_grace, 5);
	CHECK_EQ("period", c->liveness->period, 10);
	CHECK_EQ("timeout", c->liveness->timeout, 1);
	CHECK_EQ("failures", c->liveness->failure_threshold, 3);
	CHECK_EQ("http", c->readiness->handler.kind, HANDLER_HTTP);
	CHECK_STR("path", c->readiness->handler.path, "/x?y");
	CHECK_STR("host", c->readiness->handler.host, "h");
	CHECK_STR("header", c->readiness->handler.headers[0].value, "b");
	CHECK_EQ("period given", c->readiness->period, 3);
	CHECK_EQ("successes", c->readiness->success_threshold, 2);
	CHECK_EQ("the Pod's grace", c->readiness->termination_grace, -1);
	CHECK_EQ("port by name", container_port_number(c, &c->readiness->handler.port), 8080);
	CHECK_STR("default path", c->post_start->path, "/");
	CHECK_EQ("port by number", container_port_number(c, &c->post_start->port), 1);
	CHECK_EQ("sleep", c->pre_stop->sleep_seconds, 4);
}

TEST(volumes_are_decoded)
{
	AUTO_POD pod = decode_spec(
		"containers: [{name: c, image: a}], volumes: [{name: e}, "
		"{name: t, emptyDir: {medium: Memory, sizeLimit: 1Mi}}, "
		"{name: h, hostPath: {path: /h, type: File}}, "
		"{name: m, configMap: {name: cm, defaultMode: 0400, items: [{key: k, path: p}, "
		"{key: l, path: q, mode: 0600}]}}, "
		"{name: s, secret: {secretName: sec, optional: true}}]");
	const struct volume *v = pod->volumes;

	CHECK_EQ("volumes", pod->volume_count, 5);
	CHECK("emptyDir", v[0].kind == VOLUME_EMPTY_DIR && !v[0].memory);
	CHECK_EQ("no limit", v[0].size_limit, RESOURCE_UNSET);
	CHECK("memory", v[1].memory);
	CHECK_EQ("limit", v[1].size_limit, 1048576);
	CHECK("hostPath", v[2].kind == VOLUME_HOST_PATH);
	CHECK_STR("path", v[2].path, "/h");
	CHECK_STR("type", v[2].type, "File");
	CHECK("configMap",
		v[3].kind == VOLUME_PROJECTED && v[3].projection_count == 1 && !v[3].memory);
	CHECK_STR("object", v[3].projections[0].object, "cm");
	CHECK_EQ("mode", v[3].mode, 0400);
	CHECK_EQ("items", v[3].projections[0].item_count, 2);
	CHECK_EQ("the volume's mode", v[3].projections[0].items[0].mode, -1);
	CHECK_EQ("its own mode", v[3].projections[0].items[1].mode, 0600);
	CHECK("secret", v[4].projections[0].kind == PROJECTION_SECRET && v[4].memory);
	CHECK("optional, all keys", v[4].projections[0].optional && !v[4].projections[0].items);
	CHECK_EQ("default mode", v[4].mode, 0644);
}

TEST(projected_volumes_are_decoded)
{
	AUTO_POD pod = decode_spec(
		"containers: [{name: c, image: a}], volumes: [{name: p, projected: {defaultMode: "
		"0400, sources: [{serviceAccountToken: {path: token, expirationSeconds: 3607}}, "
		"{configMap: {name: ca, items: [{key: k, path: p}]}}, {downwardAPI: {items: "
		"[{path: ns, fieldRef: {fieldPath: metadata.namespace}}, {path: r, "
		"resourceFieldRef: {containerName: c, resource: limits.cpu, divisor: 1m}}]}}, "
		"{serviceAccountToken: {path: vault, audience: vault}}]}}, "
		"{name: d, downwardAPI: {items: [{path: l, fieldRef: {fieldPath: "
		"metadata.labels}}]}}]");
	const struct volume *v = pod->volumes;
	const struct projection *p = v[0].projections;

	CHECK_EQ("sources", v[0].projection_count, 4);
	CHECK("a token is kept in memory", v[0].memory);
	CHECK_EQ("mode", v[0].mode, 0400);
	CHECK("token", p[0].kind == PROJECTION_TOKEN && p[0].seconds == 3607 && !p[0].audience[0]);
	CHECK_STR("its path", p[0].path, "token");
	CHECK("configMap", p[1].kind == PROJECTION_CONFIG_MAP && p[1].item_count == 1);
	CHECK_STR("field", p[2].items[0].key, "metadata.namespace");
	CHECK("which is no resource", !p[2].items[0].container);
	CHECK_STR("resource", p[2].items[1].key, "limits.cpu");
	CHECK_EQ("in thousandths", p[2].items[1].divisor, 1);
	CHECK("another audience", p[3].seconds == 3600 && strcmp(p[3].audience, "vault") == 0);
	CHECK("downwardAPI", v[1].projections[0].kind == PROJECTION_DOWNWARD && !v[1].memory);
}

TEST(names_and_resolvers_are_decoded)
{
	AUTO_POD pod = decode_spec(
		"hostname: h, dnsPolicy: None, restartPolicy: OnFailure, "
		"terminationGracePeriodSeconds: 0, shareProcessNamespace: true, "
		"dnsConfig: {nameservers: [10.0.0.1], searches: [a.b], options: [{name: ndots, "
		"value: \"2\"}, "
		"{name: edns0}]}, "
		"hostAliases: [{ip: 10.0.0.2, hostnames: [x, y2]}], "
		"initContainers: [{name: i, image: a}], containers: [{name: c, image: a}]");

	CHECK_STR("host name", pod->hostname, "h");
	CHECK("given", pod->hostname_given);
	CHECK_EQ("restart", pod->restart_policy, RESTART_ON_FAILURE);
	CHECK_EQ("grace", pod->termination_grace, 0);
	CHECK("processes", pod->share_process_namespace);
	CHECK_EQ("policy", pod->dns_policy, DNS_NONE);
	CHECK_STR("server", pod->dns_servers[0], "10.0.0.1");
	CHECK_STR("search", pod->dns_searches[0], "a.b");
	CHECK_STR("option", pod->dns_options[0], "ndots:2");
	CHECK_STR("bare option", pod->dns_options[1], "edns0");
	CHECK_STR("alias", pod->host_aliases[0].names[1], "y2");
	CHECK("names end", !pod->host_aliases[0].names[2]);
	CHECK_STR("init", pod->init_containers[0].name, "i");
}

TEST(a_long_name_is_cut_for_the_host_name)
{
	static const char name[] =
		"a123456789-123456789-123456789-123456789-123456789-123456789-1-."
		"b";
	AUTO_FREE char *text = NULL;
	char fixed[sizeof(name)];

	strcpy(fixed, name);
	fixed[63] = 'x';
	if (asprintf(&text,
		    "{apiVersion: v1, kind: Pod, metadata: {name: '%s'}, spec: "
		    "{containers: [{name: c, image: a}]}}",
		    fixed) < 0)
		BAIL("no memory");
	AUTO_POD pod = decode(text);

	CHECK_STR("without the '-' at the end", pod->hostname,
		"a123456789-123456789-123456789-123456789-123456789-123456789-1");
}

TEST(the_class_of_service_follows_requests_and_limits)
{
	static const struct {
		const char *what, *resources;
		enum qos_class want;
	} cases[] = {
		{"nothing", "{}", QOS_BEST_EFFORT},
		{"all limits", "{limits: {cpu: 1, memory: 1Gi}}", QOS_GUARANTEED},
		{"only one limit", "{limits: {cpu: 1}}", QOS_BURSTABLE},
		{"a request", "{requests: {memory: 1}}", QOS_BURSTABLE},
		{"request below limit", "{limits: {cpu: 2, memory: 1Gi}, requests: {cpu: 1}}",
			QOS_BURSTABLE},
		{"zero", "{requests: {cpu: 0}}", QOS_BEST_EFFORT},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_FREE char *text = NULL;

		if (asprintf(&text,
			    "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: "
			    "{containers: [{name: c, image: a, resources: %s}]}}",
			    cases[i].resources) < 0)
			BAIL("no memory");
		AUTO_POD pod = decode(text);

		CHECK_EQ(cases[i].what, pod_qos(pod), cases[i].want);
	}
}

TEST(one_bare_container_makes_the_pod_burstable)
{
	AUTO_POD pod = decode_spec(
		"initContainers: [{name: i, image: a}], "
		"containers: [{name: c, image: a, resources: {limits: {cpu: 1, memory: 1Gi}}}]");

	CHECK_EQ("class", pod_qos(pod), QOS_BURSTABLE);
}

TEST(a_named_port_is_found_in_the_first_container_that_has_it)
{
	AUTO_POD pod = decode_spec(
		"containers: [{name: c, image: a, ports: [{name: p, containerPort: 1, "
		"protocol: UDP}]}, {name: d, image: a, ports: [{name: p, containerPort: 2}]}]");
	struct port_ref named = {.name = "p"}, unknown = {.name = "q"}, number = {.number = 9};

	CHECK_EQ("by protocol too", pod_port_number(pod, &named, PROTOCOL_TCP), 2);
	CHECK_EQ("the other one", pod_port_number(pod, &named, PROTOCOL_UDP), 1);
	CHECK_EQ("none", pod_port_number(pod, &unknown, PROTOCOL_TCP), 0);
	CHECK_EQ("a number is itself", pod_port_number(pod, &number, PROTOCOL_TCP), 9);
	CHECK_EQ("none in a container", container_port_number(&pod->containers[0], &unknown), 0);
}
