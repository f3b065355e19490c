/* SPDX-License-Identifier: Apache-2.0 */
/* Writes Events.  The same one again is counted in the one that is there, as upstream's clients do. */
#pragma once

#include "user/base/json.h"

struct client;
struct recorder;
struct request_event;

#define RECORDER_EVENTS_MOST 4096 /* that are remembered, to be counted */

/* The caller owns *@ret, and frees it before the client.  -ENOMEM. */
int recorder_new(struct client *client, struct recorder **ret);

/* Accepts NULL; returns NULL. */
struct recorder *recorder_free(struct recorder *recorder);

/* A request has been done; @object: what the server answered.  What cannot be written is lost, and logged. */
void recorder_done(struct recorder *recorder, const char *component,
	const struct request_event *event, const json_t *object);

/* It was refused: @why. */
void recorder_failed(struct recorder *recorder, const char *component,
	const struct request_event *event, const char *why);

/*
 * The Event (core/v1) that says @reason and @message of @about.  Its name tells events that differ apart.
 * The caller owns it; NULL when memory is out.  Pure.
 */
json_t *event_new(const char *component, const char *type, const char *reason, const char *message,
	const json_t *about, const char *now);
