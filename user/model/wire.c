// SPDX-License-Identifier: Apache-2.0
#include "user/model/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int read_varint(struct wire *wire, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte;

		if (wire->at == wire->end)
			return -EINVAL;
		byte = *wire->at++;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = value;
			return 0;
		}
	}
	return -EINVAL;
}

static int read_fixed(struct wire *wire, size_t len, uint64_t *ret)
{
	uint64_t value = 0;

	if ((size_t)(wire->end - wire->at) < len)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		value |= (uint64_t)wire->at[i] << (8 * i);
	wire->at += len;
	*ret = value;
	return 0;
}

static int read_bytes(struct wire *wire, struct wire *ret)
{
	uint64_t len;

	if (read_varint(wire, &len) < 0 || len > (uint64_t)(wire->end - wire->at))
		return -EINVAL;
	*ret = (struct wire){wire->at, wire->at + len};
	wire->at += len;
	return 0;
}

int wire_next(struct wire *wire, struct wire_field *ret)
{
	uint64_t key;
	int r;

	if (wire->at == wire->end)
		return 0;
	if (read_varint(wire, &key) < 0 || key >> 3 == 0 || key >> 3 > 0x1fffffff)
		return -EINVAL;
	*ret = (struct wire_field){.number = (uint32_t)(key >> 3), .type = key & 7};
	switch (ret->type) {
	case WIRE_VARINT: r = read_varint(wire, &ret->value); break;
	case WIRE_FIXED64: r = read_fixed(wire, 8, &ret->value); break;
	case WIRE_FIXED32: r = read_fixed(wire, 4, &ret->value); break;
	case WIRE_BYTES: r = read_bytes(wire, &ret->bytes); break;
	default: r = -EINVAL; break;
	}
	return r < 0 ? r : 1;
}

void wire_put_raw(struct wire_out *out, const void *data, size_t len)
{
	if (out->failed || len == 0)
		return;
	if (out->size - out->len < len) {
		size_t size = (out->len + len) * 2;
		uint8_t *grown = realloc(out->data, size);

		if (!grown) {
			out->failed = -ENOMEM;
			return;
		}
		out->data = grown;
		out->size = size;
	}
	memcpy(out->data + out->len, data, len);
	out->len += len;
}

static void put_number(struct wire_out *out, uint64_t value)
{
	uint8_t bytes[10];
	size_t len = 0;

	do {
		bytes[len++] = (uint8_t)(value & 0x7f) | (value > 0x7f ? 0x80 : 0);
		value >>= 7;
	} while (value);
	wire_put_raw(out, bytes, len);
}

void wire_put_varint(struct wire_out *out, uint32_t number, uint64_t value)
{
	put_number(out, (uint64_t)number << 3 | WIRE_VARINT);
	put_number(out, value);
}

void wire_put_bytes(struct wire_out *out, uint32_t number, const void *data, size_t len)
{
	put_number(out, (uint64_t)number << 3 | WIRE_BYTES);
	put_number(out, len);
	wire_put_raw(out, data, len);
}

void wire_put_message(struct wire_out *out, uint32_t number, struct wire_out *from)
{
	if (from->failed)
		out->failed = from->failed;
	wire_put_bytes(out, number, from->data, from->len);
	free(from->data);
	*from = (struct wire_out){0};
}
