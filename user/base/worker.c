// SPDX-License-Identifier: Apache-2.0
#include "user/base/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/loop.h"

struct task {
	struct task *next;
	void (*work)(void *arg);
	void (*done)(void *arg);
	void (*drop)(void *arg);
	void *arg;
};

struct tasks {
	struct task *first, **last;
};

struct worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct tasks todo, finished; /* under lock */
	bool stop;		     /* under lock */
	int event_fd;
	sd_event_source *source;
};

static void tasks_init(struct tasks *tasks)
{
	tasks->first = NULL;
	tasks->last = &tasks->first;
}

static void tasks_append(struct tasks *tasks, struct task *task)
{
	task->next = NULL;
	*tasks->last = task;
	tasks->last = &task->next;
}

static struct task *tasks_take(struct tasks *tasks)
{
	struct task *task = tasks->first;

	if (task) {
		tasks->first = task->next;
		if (!tasks->first)
			tasks->last = &tasks->first;
	}
	return task;
}

static void *worker_main(void *userdata)
{
	struct worker *worker = userdata;
	struct task *task;

	pthread_mutex_lock(&worker->lock);
	for (;;) {
		while (!(task = tasks_take(&worker->todo)) && !worker->stop)
			pthread_cond_wait(&worker->wake, &worker->lock);
		if (!task)
			break;
		pthread_mutex_unlock(&worker->lock);
		task->work(task->arg);
		pthread_mutex_lock(&worker->lock);
		tasks_append(&worker->finished, task);
		/* Lost, it would leave what is finished lying; a full counter wakes the loop, too. */
		while (eventfd_write(worker->event_fd, 1) < 0 && errno != EAGAIN)
			;
	}
	pthread_mutex_unlock(&worker->lock);
	return NULL;
}

static int worker_finished(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct worker *worker = userdata;
	struct task *task;
	eventfd_t count;

	(void)source;
	(void)revents;
	eventfd_read(fd, &count);
	for (;;) {
		pthread_mutex_lock(&worker->lock);
		task = tasks_take(&worker->finished);
		pthread_mutex_unlock(&worker->lock);
		if (!task)
			return 0;
		task->done(task->arg);
		free(task);
	}
}

/* Signals belong to the loop: the thread is born with all of them blocked. */
static int worker_start_thread(struct worker *worker)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&worker->thread, NULL, worker_main, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

int worker_new(sd_event *loop, struct worker **ret, struct err *err)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int r;

	if (!worker)
		return err_set(err, ENOMEM, "start the worker thread");
	pthread_mutex_init(&worker->lock, NULL);
	pthread_cond_init(&worker->wake, NULL);
	tasks_init(&worker->todo);
	tasks_init(&worker->finished);
	worker->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = worker->event_fd < 0 ? -errno
				 : sd_event_add_io(loop, &worker->source, worker->event_fd, EPOLLIN,
					   worker_finished, worker);
	if (r >= 0)
		r = -worker_start_thread(worker);
	if (r < 0) {
		source_free(worker->source);
		cleanup_fd(&worker->event_fd);
		free(worker);
		return err_set(err, -r, "start the worker thread");
	}
	*ret = worker;
	return 0;
}

int worker_post(struct worker *worker, void (*work)(void *arg), void (*done)(void *arg),
	void (*drop)(void *arg), void *arg)
{
	struct task *task = calloc(1, sizeof(*task));

	if (!task)
		return -ENOMEM;
	task->work = work;
	task->done = done;
	task->drop = drop;
	task->arg = arg;
	pthread_mutex_lock(&worker->lock);
	tasks_append(&worker->todo, task);
	pthread_cond_signal(&worker->wake);
	pthread_mutex_unlock(&worker->lock);
	return 0;
}

struct worker *worker_free(struct worker *worker)
{
	struct task *task;

	if (!worker)
		return NULL;
	pthread_mutex_lock(&worker->lock);
	worker->stop = true;
	pthread_cond_signal(&worker->wake);
	pthread_mutex_unlock(&worker->lock);
	pthread_join(worker->thread, NULL);
	while ((task = tasks_take(&worker->finished))) {
		if (task->drop)
			task->drop(task->arg);
		free(task);
	}
	source_free(worker->source);
	cleanup_fd(&worker->event_fd);
	pthread_mutex_destroy(&worker->lock);
	pthread_cond_destroy(&worker->wake);
	free(worker);
	return NULL;
}
