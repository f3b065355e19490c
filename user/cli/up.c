// SPDX-License-Identifier: Apache-2.0
/* up, down, status: everything of this machine. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/cli/api.h"
#include "user/cli/commands.h"
#include "user/cli/machine.h"
#include "user/cli/options.h"

#define UP_PATIENCE  (120 * USEC_PER_SEC)
#define LOOK_MSEC    50
#define AUTO_MACHINE AUTO_CLEANUP(machine_clear) struct machine

static int failed(const struct err *err)
{
	fprintf(stderr, "podnetctl: %s\n", err->text);
	return EXIT_FAILED;
}

/* --- up --- */

static bool control_serves(const struct machine *machine)
{
	AUTO_JSON map = machine_authority(machine);

	return map;
}

static bool node_is_ready(const struct machine *machine)
{
	AUTO_JSON node = machine_node(machine);

	return machine_node_is_ready(node);
}

static bool node_answers(const struct machine *machine)
{
	AUTO_JSON json = NULL;

	return api_try(machine->node_socket, "/api/v1/pods", &json) == 0;
}

/* Starts it unless it runs, and waits until it is @ready. */
static int daemon_up(const struct machine *machine, const struct daemon *daemon,
	bool (*ready)(const struct machine *machine), struct err *err)
{
	uint64_t deadline = clock_now() + UP_PATIENCE;
	AUTO_FD pidfd = -1;
	pid_t pid;
	int r = daemon_find(daemon, &pid, err);

	if (r == 0 && pid == 0)
		r = daemon_start(daemon, &pidfd, err);
	while (r == 0 && !ready(machine)) {
		if (daemon_ended(pidfd, LOOK_MSEC)) {
			AUTO_FREE char *words = daemon_last_words(daemon);

			return err_refuse(err, EIO, "%s has ended: %s", daemon->name,
				words ? words : "see its log");
		}
		if (clock_now() > deadline)
			return err_refuse(err, ETIMEDOUT, "%s is not ready yet; see %s",
				daemon->name, daemon->log);
	}
	return r;
}

static int control_up(const struct machine *machine, struct err *err)
{
	int r = 0;

	if (machine->managed)
		r = machine_systemctl("start", "podnet-control.service", err);
	if (r == 0)
		r = daemon_up(machine, &machine->control, control_serves, err);
	return r == 0 && !machine->known ? machine_kubeconfig_write(machine, err) : r;
}

static int node_up(const struct machine *machine, struct err *err)
{
	int r = 0;

	if (machine->managed && machine->joined)
		r = machine_systemctl("start", "podnetd.service", err);
	else if (machine->managed) /* a podnetd that runs has not read the new file */
		r = machine_systemctl(machine->known ? "start" : "restart", "podnet.target", err);
	return r == 0 ? daemon_up(machine, &machine->node,
				machine->joined ? node_answers : node_is_ready, err)
		      : r;
}

static int machine_up(
	const struct machine *machine, const struct cli_options *options, struct err *err)
{
	int r = machine->managed ? 0 : fs_mkdir(options->daemon_logs, 0755, err);

	if (r == 0 && !machine->joined)
		r = control_up(machine, err);
	return r == 0 ? node_up(machine, err) : r;
}

int command_up(const struct cli_options *options)
{
	AUTO_MACHINE machine;
	struct err err;
	int r = machine_of(options, &machine, &err);

	if (r == 0)
		r = machine_up(&machine, options, &err);
	if (r < 0)
		return failed(&err);
	printf("node %s is %s\n", machine.node_name,
		machine.joined ? "a node of another machine's API server" : "Ready");
	return 0;
}

/* --- down --- */

/* podnetd --remove with the flags of the one that runs, so that it finds what that one has made. */
static int node_remove(const struct daemon *node, const char *words, size_t len, struct err *err)
{
	struct daemon removal = {.name = node->name, .run_dir = node->run_dir, .log = node->log};
	int r = 0;

	for (size_t at = 0; r == 0 && at < len; at += strlen(words + at) + 1)
		r = daemon_add(&removal, words + at, err);
	for (size_t i = 0; r == 0 && !len && i < node->arg_count; i++)
		r = daemon_add(&removal, node->args[i], err);
	if (r == 0)
		r = daemon_add(&removal, "--remove", err);
	return r == 0 ? daemon_run(&removal, err) : r;
}

/* The API server first: it would have Pods that end replaced. */
static int machine_down(
	const struct machine *machine, const struct cli_options *options, struct err *err)
{
	AUTO_FREE char *words = NULL;
	size_t len = 0;
	pid_t pid;
	int r = daemon_find(&machine->node, &pid, err);

	if (r == 0 && pid)
		r = daemon_words(pid, &words, &len, err);
	if (r == 0 && machine->managed)
		r = machine_systemctl(
			"stop", machine->joined ? "podnetd.service" : "podnet.target", err);
	if (r == 0)
		r = daemon_end(&machine->control, err);
	if (r == 0)
		r = daemon_end(&machine->node, err);
	if (r == 0)
		r = fs_mkdir(options->daemon_logs, 0755, err);
	return r == 0 ? node_remove(&machine->node, words, len, err) : r;
}

int command_down(const struct cli_options *options)
{
	AUTO_MACHINE machine;
	struct err err;
	int r = machine_of(options, &machine, &err);

	if (r == 0)
		r = machine_down(&machine, options, &err);
	return r < 0 ? failed(&err) : 0;
}

/* --- status --- */

static int daemon_tell(const struct daemon *daemon, const char *more, bool *ret_up, struct err *err)
{
	pid_t pid;
	int r = daemon_find(daemon, &pid, err);

	if (r < 0)
		return r;
	if (pid)
		printf("%-15s running, pid %d%s\n", daemon->name, (int)pid, more);
	else
		printf("%-15s not running\n", daemon->name);
	*ret_up = *ret_up && pid;
	return 0;
}

int command_status(const struct cli_options *options)
{
	AUTO_MACHINE machine;
	AUTO_JSON node = NULL;
	bool up = true;
	struct err err;
	int r = machine_of(options, &machine, &err);

	if (r == 0)
		node = machine_node(&machine);
	if (r == 0 && !machine.joined)
		r = daemon_tell(&machine.control, "", &up, &err);
	if (r == 0)
		r = daemon_tell(&machine.node,
			!node			      ? ""
			: machine_node_is_ready(node) ? ", node is Ready"
						      : ", node is not Ready",
			&up, &err);
	if (r < 0)
		return failed(&err);
	return up ? 0 : EXIT_FAILED;
}
