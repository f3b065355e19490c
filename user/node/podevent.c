// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>

#include "user/node/nodepod.h"

#define MESSAGE_MAX 512

static void event_tell(
	struct node_pod *pod, struct node_event event, const char *format, va_list ap)
{
	const struct node_events *events = &pod->node->events;
	char message[MESSAGE_MAX];

	vsnprintf(message, sizeof(message), format, ap);
	event.message = message;
	if (events->happened)
		events->happened(events->userdata, pod, &event);
}

void podevent(
	struct node_pod *pod, enum podevent_type type, const char *reason, const char *format, ...)
{
	struct node_event event = {.warning = type == EVENT_WARNING, .reason = reason};
	va_list ap;

	va_start(ap, format);
	event_tell(pod, event, format, ap);
	va_end(ap);
}

void containerevent(struct container_work *work, enum podevent_type type, const char *reason,
	const char *format, ...)
{
	const struct pod *spec = work->pod->spec;
	struct node_event event = {
		.container = observed_container(spec, work->index)->name,
		.list = observed_is_init(spec, work->index)	   ? "initContainers"
			: observed_is_ephemeral(spec, work->index) ? "ephemeralContainers"
								   : "containers",
		.warning = type == EVENT_WARNING,
		.reason = reason,
	};
	va_list ap;

	va_start(ap, format);
	event_tell(work->pod, event, format, ap);
	va_end(ap);
}
