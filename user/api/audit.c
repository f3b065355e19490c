// SPDX-License-Identifier: Apache-2.0
#include "user/api/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/api/meta.h"
#include "user/api/request.h"
#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/base/log.h"
#include "user/http/server.h"
#include "user/model/wiretime.h"

struct audit {
	char *path;
	int fd;
	size_t size;
	bool failing; /* said once, until it works again */
};

/* A change under way, until it is answered. */
struct audited {
	struct audit *audit;
	struct api_request request; /* holds a reference to who */
};

static int audit_reopen(struct audit *audit, struct err *err)
{
	struct stat st;
	AUTO_FD fd = open(audit->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, errno, "open the audit log '%s'", audit->path);
	close_fd(&audit->fd);
	audit->fd = take_fd(&fd);
	audit->size = (size_t)st.st_size;
	return 0;
}

int audit_open(const char *path, struct audit **ret, struct err *err)
{
	struct audit *audit = calloc(1, sizeof(*audit));
	int r;

	if (!audit)
		return err_set(err, ENOMEM, "open the audit log '%s'", path);
	audit->fd = -1;
	audit->path = strdup(path);
	r = audit->path ? audit_reopen(audit, err) : err_set(err, ENOMEM, "open the audit log");
	if (r < 0) {
		audit_free(audit);
		return r;
	}
	*ret = audit;
	return 0;
}

struct audit *audit_free(struct audit *audit)
{
	if (audit) {
		cleanup_fd(&audit->fd);
		free(audit->path);
		free(audit);
	}
	return NULL;
}

static int audit_turn(struct audit *audit, struct err *err)
{
	AUTO_FREE char *aside = fs_format("%s.1", audit->path);

	if (!aside)
		return err_set(err, ENOMEM, "put '%s' aside", audit->path);
	if (rename(audit->path, aside) < 0)
		return err_set(err, errno, "put '%s' aside", audit->path);
	return audit_reopen(audit, err);
}

static void audit_line(struct audit *audit, const json_t *event)
{
	AUTO_FREE char *text = event ? json_text(event) : NULL;
	AUTO_FREE char *line = text ? fs_format("%s\n", text) : NULL;
	size_t len = line ? strlen(line) : 0;
	struct err err = {0};
	int r = line ? 0 : err_set(&err, ENOMEM, "write to '%s'", audit->path);

	if (r == 0 && audit->size + len > AUDIT_MOST)
		r = audit_turn(audit, &err);
	if (r == 0 && write(audit->fd, line, len) != (ssize_t)len)
		r = err_set(&err, errno ? errno : ENOSPC, "write to '%s'", audit->path);
	if (r == 0)
		audit->size += len;
	else if (!audit->failing)
		log_warning("%s, ignoring", err.text);
	audit->failing = r < 0;
}

/* --- events --- */

static const char *verb_of(const struct http_exchange *exchange, const struct api_request *request)
{
	return request ? kind_verb_name(request->verb) : http_exchange_method(exchange);
}

static json_t *object_ref(const struct api_request *request)
{
	json_t *ref = json_pack("{s:s, s:s, s:s}", "resource", request->kind->plural, "apiGroup",
		request->kind->group, "apiVersion", request->version);

	if (request->namespace[0])
		json_object_set_new(ref, "namespace", json_any_text(request->namespace));
	if (request->name[0])
		json_object_set_new(ref, "name", json_any_text(request->name));
	if (request->subresource)
		json_object_set_new(ref, "subresource", json_string(request->subresource->name));
	return ref;
}

static json_t *event_json(const struct http_exchange *exchange, const struct identity *who,
	const struct api_request *request, unsigned status)
{
	const char *agent = http_exchange_header(exchange, "User-Agent");
	char now[WIRETIME_LEN] = "", id[META_UUID_LEN] = "";
	uint64_t wall = clock_wall();
	json_t *user = who ? who->by ? who->by : who->info : NULL, *event;

	meta_uuid(id);
	wiretime_text(
		(int64_t)(wall / USEC_PER_SEC), (int32_t)(wall % USEC_PER_SEC) * 1000, 1, now);
	event = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:O*, s:o, s:{s:s}, s:s}", "kind",
		"Event", "apiVersion", "audit.k8s.io/v1", "level", "Metadata", "auditID", id,
		"stage", "ResponseComplete", "requestURI",
		json_any_text(http_exchange_path(exchange)), "verb", verb_of(exchange, request),
		"user", user, "responseStatus",
		status ? json_pack("{s:i}", "code", (int)status) : json_object(), "annotations",
		"authorization.k8s.io/decision",
		status == 401 || status == 403 ? "forbid" : "allow", "stageTimestamp", now);
	if (event && request)
		json_object_set_new(event, "objectRef", object_ref(request));
	if (event && who && who->by)
		json_object_set(event, "impersonatedUser", who->info);
	if (event && agent)
		json_object_set_new(event, "userAgent", json_any_text(agent));
	return event;
}

void audit_refusal(struct audit *audit, const struct http_exchange *exchange,
	const struct identity *who, const struct api_request *request, unsigned status)
{
	AUTO_JSON event = audit ? event_json(exchange, who, request, status) : NULL;

	if (audit)
		audit_line(audit, event);
}

static void audited_answered(void *userdata, const struct http_exchange *exchange, unsigned status)
{
	struct audited *audited = userdata;
	AUTO_JSON event = event_json(exchange, &audited->request.who, &audited->request, status);

	audit_line(audited->audit, event);
	identity_clear(&audited->request.who);
	free(audited);
}

void audit_follow(struct audit *audit, const struct api_request *request)
{
	struct audited *audited;

	if (!audit || request->verb == VERB_GET || request->verb == VERB_LIST ||
		request->verb == VERB_WATCH)
		return;
	audited = malloc(sizeof(*audited));
	if (!audited) {
		log_warning("cannot record a request: out of memory, ignoring");
		return;
	}
	*audited = (struct audited){.audit = audit, .request = *request};
	audited->request.who = identity_ref(&request->who);
	http_exchange_on_answer(request->exchange, audited_answered, audited);
}
