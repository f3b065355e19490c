// SPDX-License-Identifier: Apache-2.0
#include "user/cli/machine.h"

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "user/base/base64.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/cli/api.h"
#include "user/cli/options.h"

#define KUBECONFIG_MOST (1u << 20)

static int machine_args(struct machine *machine, const struct cli_options *options, struct err *err)
{
	const char *const own[] = {"--run-dir", options->run_dir, "--kubeconfig",
		options->kubeconfig, "--node-name", machine->node_name};
	int r = daemon_add(&machine->control, "--run-dir", err);

	if (r == 0)
		r = daemon_add(&machine->control, options->control_run_dir, err);
	for (size_t i = 0; r == 0 && i < COUNT(own); i++)
		r = daemon_add(&machine->node, own[i], err);
	for (size_t i = 0; r == 0 && i < options->control_args.count; i++)
		r = daemon_add(&machine->control, options->control_args.words[i], err);
	for (size_t i = 0; r == 0 && i < options->podnetd_args.count; i++)
		r = daemon_add(&machine->node, options->podnetd_args.words[i], err);
	return r;
}

/* Whose node podnetd is. */
static int machine_kubeconfig(struct machine *machine, struct err *err)
{
	AUTO_FREE char *text = NULL;
	int r = fs_read(machine->kubeconfig, KUBECONFIG_MOST, &text, NULL, err);

	machine->known = r == 0;
	machine->joined = r == 0 && !strstr(text, machine->control_socket);
	return r == -ENOENT ? 0 : r;
}

static int machine_name(struct machine *machine, struct err *err)
{
	if (machine->node_name)
		return 0;
	if (gethostname(machine->host_name, sizeof(machine->host_name) - 1) < 0)
		return err_set(err, errno, "read the host name");
	machine->node_name = machine->host_name;
	return 0;
}

int machine_of(const struct cli_options *options, struct machine *ret, struct err *err)
{
	const char *control_dir = options->control_run_dir;
	int r;

	*ret = (struct machine){
		.control = {.name = "podnet-control", .run_dir = control_dir},
		.node = {.name = "podnetd", .run_dir = options->run_dir},
		.control_socket = fs_format("%s/podnet-control.sock", control_dir),
		.node_socket = fs_format("%s/podnetd.sock", options->run_dir),
		.control_log = fs_format("%s/podnet-control.log", options->daemon_logs),
		.node_log = fs_format("%s/podnetd.log", options->daemon_logs),
		.kubeconfig = options->kubeconfig,
		.node_name = options->node_name,
		.managed = !options->custom && sd_booted() > 0,
	};
	ret->control.log = ret->control_log;
	ret->node.log = ret->node_log;
	if (!ret->control_socket || !ret->node_socket || !ret->control_log || !ret->node_log)
		return err_set(err, ENOMEM, "look at this machine");
	r = machine_kubeconfig(ret, err);
	if (r == 0)
		r = machine_name(ret, err);
	return r == 0 ? machine_args(ret, options, err) : r;
}

void machine_clear(struct machine *machine)
{
	free(machine->control_socket);
	free(machine->node_socket);
	free(machine->control_log);
	free(machine->node_log);
}

json_t *machine_authority(const struct machine *machine)
{
	json_t *map = NULL;

	api_try(machine->control_socket, "/api/v1/namespaces/default/configmaps/kube-root-ca.crt",
		&map);
	return map;
}

/* The authority is for the node's own API: its clients show certificates. */
int machine_kubeconfig_write(const struct machine *machine, struct err *err)
{
	AUTO_JSON map = machine_authority(machine);
	const char *authority = json_string_at(json_object_get(map, "data"), "ca.crt", NULL);
	AUTO_FREE char *encoded = authority ? base64_encode(authority, strlen(authority)) : NULL;
	AUTO_FREE char *text = NULL;
	int r;

	if (!authority)
		return err_refuse(err, EPROTO, "podnet-control does not tell its authority");
	if (encoded)
		text = fs_format("apiVersion: v1\nkind: Config\ncurrent-context: podnet\n"
				 "contexts: [{name: podnet, context: {cluster: podnet}}]\n"
				 "clusters:\n- name: podnet\n  cluster:\n"
				 "    server: \"unix://%s\"\n"
				 "    certificate-authority-data: %s\n",
			machine->control_socket, encoded);
	if (!text)
		return err_set(err, ENOMEM, "write '%s'", machine->kubeconfig);
	r = fs_mkdir_parent(machine->kubeconfig, 0755, err);
	return r == 0 ? fs_replace(machine->kubeconfig, text, strlen(text), 0600, FS_DURABLE, err)
		      : r;
}

int machine_systemctl(const char *verb, const char *unit, struct err *err)
{
	char *argv[] = {"systemctl", (char *)verb, (char *)unit, NULL};
	int status, error;
	pid_t pid;

	error = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	if (error)
		return err_set(err, error, "start systemctl");
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_set(err, errno, "wait for systemctl");
	if (status != 0)
		return err_refuse(err, EIO, "systemctl %s %s failed", verb, unit);
	return 0;
}

json_t *machine_node(const struct machine *machine)
{
	AUTO_FREE char *target = fs_format("/api/v1/nodes/%s", machine->node_name);
	json_t *node = NULL;

	if (target)
		api_try(machine->control_socket, target, &node);
	return node;
}

bool machine_node_is_ready(const json_t *node)
{
	const json_t *condition;
	size_t i;

	json_array_foreach (
		json_object_get(json_object_get(node, "status"), "conditions"), i, condition)
		if (strcmp(json_string_at(condition, "type", ""), "Ready") == 0)
			return strcmp(json_string_at(condition, "status", ""), "True") == 0;
	return false;
}
