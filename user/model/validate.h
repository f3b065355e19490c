/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kubernetes' validation of objects that were read and completed: all that is wrong, in its words.
 * The rows' rules (required, values, ranges, names, unique keys) and schema_message.validate for rules
 * between fields.  Answers of HTTP 422 are made of the causes.
 */
#pragma once

#include "user/base/json.h"

struct causes;
struct kind;
struct place;
struct schema_message;

/* A new or changed object by itself. */
void validate_object(const json_t *object, const struct kind *kind, struct causes *causes);

/* The body of a subresource (Scale, Binding, ...), by rows alone. */
void validate_message(const json_t *object, const struct schema_message *message,
	const struct place *place, struct causes *causes);

/* What an update may not change: names, uid, immutable fields, a Pod's spec.  After validate_object. */
void validate_update(
	const json_t *old, const json_t *object, const struct kind *kind, struct causes *causes);

/* The same for "ephemeralcontainers" of a Pod, which adds such containers and changes nothing else. */
void validate_ephemeral_update(const json_t *old, const json_t *object, struct causes *causes);

/*
 * Of an update of a Pod that waits behind gates: nodeSelector and node affinity may be added to.  @after, the new spec,
 * gets those of @before, the old one, so that the rest of both can be compared.
 */
void gated_validate(const json_t *before, json_t *after, struct causes *causes);

/* Rules of the tables: each adds what is wrong between the fields of one message. */
void selector_validate(const json_t *object, const struct place *place, struct causes *causes);
void workload_validate(const json_t *spec, const struct place *place, struct causes *causes);
void strategy_validate(const json_t *strategy, const struct place *place, struct causes *causes);
void pod_spec_validate(const json_t *spec, const struct place *place, struct causes *causes);
void container_validate(const json_t *container, const struct place *place, struct causes *causes);
void ephemeral_container_validate(
	const json_t *container, const struct place *place, struct causes *causes);
void ephemeral_names_validate(const json_t *spec, const struct place *place, struct causes *causes);
void resources_validate(const json_t *resources, const struct place *place, struct causes *causes);
void env_validate(const json_t *env, const struct place *place, struct causes *causes);
void handler_validate(const json_t *handler, const struct place *place, struct causes *causes);
void volume_validate(const json_t *volume, const struct place *place, struct causes *causes);
void service_spec_validate(const json_t *spec, const struct place *place, struct causes *causes);
void data_validate(const json_t *object, const struct place *place, struct causes *causes);
void endpoint_validate(const json_t *address, const struct place *place, struct causes *causes);
void disruption_validate(const json_t *spec, const struct place *place, struct causes *causes);

/* What Kubernetes says of @text, which @rule refused. */
const char *validate_words(const char *(*rule)(const char *text), const char *text);
