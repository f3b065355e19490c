// SPDX-License-Identifier: Apache-2.0
/* podnetd: the node agent.  Composition only. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "user/agent/agent.h"
#include "user/base/err.h"
#include "user/base/log.h"
#include "user/base/loop.h"

static int stop(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	(void)info;
	(void)userdata;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

/* Signals end the loop; Pods go on without us. */
static int watch_signals(sd_event *loop, struct err *err)
{
	static const int signals[] = {SIGTERM, SIGINT};
	sigset_t set;
	int r = 0;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (size_t i = 0; r >= 0 && i < sizeof(signals) / sizeof(signals[0]); i++)
		r = sd_event_add_signal(loop, NULL, signals[i], stop, NULL);
	return r < 0 ? err_set(err, -r, "watch signals") : 0;
}

/* A Pod takes some four descriptors of ours; the usual soft limit of 1024 would end at 250 Pods. */
static int raise_descriptors(struct err *err)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_set(err, errno, "read the limit of descriptors");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_set(err, errno, "raise the limit of descriptors");
	return 0;
}

static int run(const struct options *options, struct err *err)
{
	struct agent *agent = NULL;
	sd_event *loop = NULL;
	int r = sd_event_new(&loop);

	if (r < 0)
		return err_set(err, -r, "make the event loop");
	r = watch_signals(loop, err);
	if (r == 0)
		r = raise_descriptors(err);
	if (r == 0)
		r = agent_new(loop, options, &agent, err);
	if (r == 0) {
		sd_event_set_watchdog(loop, true);
		r = sd_event_loop(loop);
		if (r > 0)
			r = err_refuse(err, EIO, "stopped by an earlier error");
		else if (r < 0)
			r = err_set(err, -r, "run the event loop");
	}
	agent_free(agent);
	if (r == 0 && options->remove)
		r = agent_remove(options, err);
	sd_event_unref(loop);
	return r;
}

int main(int argc, char **argv)
{
	struct options options;
	struct err err;
	int r;

	umask(022);
	log_setup("podnetd", LOG_LEVEL_INFO);
	r = options_parse(argc, argv, &options, &err);
	if (r > 0)
		return 0;
	if (r < 0) {
		log_error("%s (see podnetd --help)", err.text);
		return 2;
	}
	log_setup("podnetd", options.verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	if (run(&options, &err) < 0) {
		log_error("%s", err.text);
		return 1;
	}
	return 0;
}
