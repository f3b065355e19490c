/* SPDX-License-Identifier: Apache-2.0 */
/* X.509 certificates on P-256 keys: made, signed, and looked at again.  Everything is text in PEM. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

struct certificate {
	char *text, *key; /* PEM; both NULL: none */
};

enum certificate_use { CERTIFICATE_AUTHORITY, CERTIFICATE_SERVER, CERTIFICATE_CLIENT };

struct certificate_spec {
	enum certificate_use use;
	const char *name;		  /* the subject's common name */
	const char *organization;	  /* NULL: none */
	const char *const *subject_names; /* NULL-terminated: DNS names and addresses; NULL: none */
	int days;			  /* from now on; negative: it is over */
};

/* A new key, and a certificate for it that @authority signs (NULL: itself).  The caller owns what is in *@ret. */
int certificate_make(const struct certificate_spec *spec, const struct certificate *authority,
	struct certificate *ret, struct err *err);

/*
 * Whether @certificate still is what @spec asks for: its key fits, @authority signed it, it names all
 * subject_names, and it holds for @days_left more days at @now (seconds since 1970).  Otherwise *@ret_why says
 * what is wrong, a constant.
 */
bool certificate_is_good(const struct certificate *certificate, const struct certificate_spec *spec,
	const struct certificate *authority, unsigned days_left, int64_t now, const char **ret_why);

/* From when until when it holds: seconds since 1970. */
int certificate_times(const char *text, int64_t *ret_from, int64_t *ret_until, struct err *err);

/* The subject's common name, which the caller frees.  ENODATA: it has none, or one with a NUL. */
int certificate_name(const char *text, char **ret, struct err *err);

#define CERTIFICATE_PIN_LEN (7 + 64 + 1)

/* "sha256:" and the hash of its public key in hex: by it a stranger's authority is known again. */
int certificate_pin(const char *text, char ret[CERTIFICATE_PIN_LEN], struct err *err);

/* Frees both texts; they are NULL then. */
void certificate_clear(struct certificate *certificate);

#define AUTO_CERTIFICATE __attribute__((cleanup(certificate_clear))) struct certificate
