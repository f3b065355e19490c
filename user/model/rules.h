/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a table of fields cannot say for the node: rules between fields.  Called
 * by schema_apply (as schema_message.finish) when each field is already right by itself.
 */
#pragma once

#include "user/base/json.h"

struct err;
struct place;

/* metadata: the size of annotations. */
int meta_finish(json_t *meta, const struct place *place, struct err *err);

/* A container: names of ports, probes and hooks that fit it. */
int container_finish(json_t *container, const struct place *place, struct err *err);

/* Unions: one value or source of a variable, one handler of a probe or hook. */
int env_finish(json_t *env, const struct place *place, struct err *err);
int env_source_finish(json_t *source, const struct place *place, struct err *err);
int env_from_finish(json_t *from, const struct place *place, struct err *err);
int probe_finish(json_t *probe, const struct place *place, struct err *err);
int hook_finish(json_t *hook, const struct place *place, struct err *err);

/* Known resources, requests do not exceed limits. */
int resources_finish(json_t *resources, const struct place *place, struct err *err);

/* No new privileges goes not with SYS_ADMIN. */
int security_finish(json_t *security, const struct place *place, struct err *err);

/* One source. */
int volume_finish(json_t *volume, const struct place *place, struct err *err);

/* One source; one field or resource. */
int projection_finish(json_t *projection, const struct place *place, struct err *err);
int downward_item_finish(json_t *item, const struct place *place, struct err *err);

/* What refers across a Pod: names, mounts, containers of resources, sleeping hooks, resolvers. */
int pod_spec_finish(json_t *spec, const struct place *place, struct err *err);

/* Name, ports and addresses. */
int service_finish(json_t *service, const struct place *place, struct err *err);

/* The size of data. */
int config_map_finish(json_t *config_map, const struct place *place, struct err *err);
int secret_finish(json_t *secret, const struct place *place, struct err *err);

/* Refuses unless exactly one of the keys is there; @keys is NULL-terminated. */
int rules_one_of(
	const json_t *object, const char *const *keys, const struct place *place, struct err *err);
