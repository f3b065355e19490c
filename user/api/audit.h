/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who changed what, and who was refused: one audit.k8s.io/v1 Event (level Metadata) a line, in a file of 0600
 * that is put aside as FILE.1 when it has grown to AUDIT_MOST.
 */
#pragma once

struct api_request;
struct audit;
struct err;
struct http_exchange;
struct identity;

#define AUDIT_MOST (64u << 20) /* bytes */

/* Appends to @path.  The caller owns *@ret. */
int audit_open(const char *path, struct audit **ret, struct err *err);

/* Accepts NULL; returns NULL. */
struct audit *audit_free(struct audit *audit);

/* Records @request when it is answered, if it changes something.  Accepts NULL as @audit. */
void audit_follow(struct audit *audit, const struct api_request *request);

/* Records a refusal.  @who may be nobody, @request NULL: it is about no resource.  Accepts NULL as @audit. */
void audit_refusal(struct audit *audit, const struct http_exchange *exchange,
	const struct identity *who, const struct api_request *request, unsigned status);
