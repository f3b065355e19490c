/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate of this node that the API server has signed: a new key and a request whenever one is due, asked about
 * until it is signed, and begun anew when it was not.
 */
#pragma once

#include "user/pki/certificate.h"

struct client;
struct err;
struct signing;

struct signing_config {
	enum certificate_use use; /* CERTIFICATE_CLIENT or CERTIFICATE_SERVER: which signer */
	const char *user;	  /* "system:node:NAME" */
	const char *const *subject_names; /* NULL-terminated; NULL: none */
	const char *authority;		  /* PEM: who must have signed it; NULL: anybody */
	const char *what;		  /* it is called in the log */
	/* A good one: its texts are the callee's, who says signing_follow or signing_failed, now or later. */
	void (*given)(void *userdata, struct certificate *certificate);
	void *userdata;
};

/* What @config points to is borrowed until the end.  Nothing is asked yet.  The caller owns *@ret and frees it before
 * the client. */
int signing_new(struct client *client, const struct signing_config *config, struct signing **ret,
	struct err *err);

/* This one (PEM) counts: the next is due when four fifths of its life are over.  EPROTO: it is none. */
int signing_follow(struct signing *signing, const char *certificate, struct err *err);

/* One is due now. */
void signing_begin(struct signing *signing);

/* What was given came to nothing: tells so and begins anew after a while. */
void signing_failed(struct signing *signing, const char *why);

/* Accepts NULL; returns NULL. */
struct signing *signing_free(struct signing *signing);
