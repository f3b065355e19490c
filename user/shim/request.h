/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes what clients send.  Pure; refuses everything that is incomplete, unterminated or oversized. */
#pragma once

#include <stddef.h>

#include "include/podnet/shimwire.h"
#include "user/shim/exec.h"

struct request {
	struct shimwire_header header;
	union {
		struct shimwire_hello hello;
		struct shimwire_create create;
		struct shimwire_signal signal;
		struct shimwire_id id;
		struct shimwire_exec_kill exec_kill;
		struct shimwire_attach attach;
		struct exec_request exec; /* its strings lie in the message */
	};
};

/*
 * -EBADMSG: not even a header (nothing to answer).  -EINVAL: a body that cannot be meant; -EMSGSIZE: longer
 * than SHIMWIRE_MESSAGE_MAX; -ENOSYS: an unknown type: ret->header is valid in these three.
 */
int request_parse(const void *message, size_t size, struct request *ret);
