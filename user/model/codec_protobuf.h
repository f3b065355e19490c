/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protobuf as Kubernetes puts it on the wire: "k8s\0", then a runtime.Unknown with the type and the
 * object (proto2).  Read and written by the numbers of the tables, for every message.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "user/base/json.h"

struct err;
struct schema_message;

#define PROTOBUF_MAX_DEPTH  64
#define PROTOBUF_MAX_VALUES 1000000 /* of one body */

/* Whether @data begins as such a body. */
bool codec_protobuf_is(const void *data, size_t len);

#define PROTOBUF_TYPE_LEN 128

/* The type that a body says it is, without reading the object: "apps/v1", "Deployment"; "" when not said.
 * -EINVAL with a text for HTTP 400. */
int codec_protobuf_type(const void *data, size_t len, char api_version[PROTOBUF_TYPE_LEN],
	char kind[PROTOBUF_TYPE_LEN], struct err *err);

/*
 * Reads a body, whatever type it says; apiVersion and kind are set from it.  What is kept is as after
 * codec_json_decode; unknown numbers are skipped.  -EINVAL, -ENOMEM.  The caller owns *@ret.
 */
int codec_protobuf_decode(const void *data, size_t len, const struct schema_message *message,
	json_t **ret, struct err *err);

/* Writes @object, which was read or completed by @message.  The caller frees *@ret.  -EINVAL, -ENOMEM. */
int codec_protobuf_encode(const json_t *object, const struct schema_message *message, void **ret,
	size_t *ret_len, struct err *err);

/*
 * Lists and watches.  What a list holds is written object by object (an item), then put behind what the list says of
 * itself: @head has its apiVersion, kind and metadata, @items are the bytes of its items one behind the other.  The
 * caller frees *@ret.  -EINVAL, -ENOMEM.
 */
int codec_protobuf_item(const json_t *object, const struct schema_message *message, void **ret,
	size_t *ret_len, struct err *err);
int codec_protobuf_list(const json_t *head, const void *items, size_t len, void **ret,
	size_t *ret_len, struct err *err);

/* An event of a watch around the @body of its object: its length in four bytes, big-endian, and a WatchEvent. */
int codec_protobuf_event(const char *type, const void *body, size_t len, void **ret,
	size_t *ret_len, struct err *err);
