/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of protobuf: varints, keys and lengths, without what they mean. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

/* What is left of a message. */
struct wire {
	const uint8_t *at, *end;
};

struct wire_field {
	uint32_t number;
	enum wire_type type;
	uint64_t value;	   /* of a varint or a fixed number */
	struct wire bytes; /* of WIRE_BYTES */
};

/* Takes the next field.  1: got one; 0: there is none; -EINVAL: what is there is no field. */
int wire_next(struct wire *wire, struct wire_field *ret);

/* A growing text of bytes; born as {0}.  Once memory was out it stays so, and says it at the end. */
struct wire_out {
	uint8_t *data;
	size_t len, size;
	int failed;
};

/* A field: its key, and its value. */
void wire_put_varint(struct wire_out *out, uint32_t number, uint64_t value);
/* A field: its key, a length, and as many bytes. */
void wire_put_bytes(struct wire_out *out, uint32_t number, const void *data, size_t len);

/* Puts @from as a message, and frees it. */
void wire_put_message(struct wire_out *out, uint32_t number, struct wire_out *from);

/* As they are, without a key. */
void wire_put_raw(struct wire_out *out, const void *data, size_t len);
