/* SPDX-License-Identifier: Apache-2.0 */
/* The Pod as podnet runs it.  Ownership: see object.h; arrays belong to the struct that holds them. */
#pragma once

#include "user/model/object.h"

#define RESOURCE_UNSET INT64_C(-1)

enum restart_policy { RESTART_ALWAYS, RESTART_ON_FAILURE, RESTART_NEVER };
enum pull_policy { PULL_ALWAYS, PULL_IF_NOT_PRESENT, PULL_NEVER };
enum qos_class { QOS_GUARANTEED, QOS_BURSTABLE, QOS_BEST_EFFORT };
enum dns_policy { DNS_CLUSTER_FIRST, DNS_DEFAULT, DNS_NONE, DNS_CLUSTER_FIRST_WITH_HOST_NET };
enum protocol { PROTOCOL_TCP = 6, PROTOCOL_UDP = 17, PROTOCOL_SCTP = 132 };

enum env_from_kind {
	ENV_VALUE,	    /* .value, with $(NAME) still to be expanded */
	ENV_FIELD,	    /* .path: metadata.name, status.podIP, ... */
	ENV_RESOURCE_FIELD, /* .container (may be NULL), .path, .divisor */
	ENV_CONFIG_MAP_KEY, /* .object, .key, .optional */
	ENV_SECRET_KEY,
};

struct env_var {
	const char *name;
	enum env_from_kind kind;
	const char *value;
	const char *path, *container;
	int64_t divisor; /* in thousandths */
	const char *object, *key;
	bool optional;
};

/* envFrom: all keys of one ConfigMap or Secret. */
struct env_from {
	const char *prefix; /* "" by default */
	bool secret;	    /* else a ConfigMap */
	const char *object;
	bool optional;
};

struct container_port {
	const char *name; /* or NULL */
	uint16_t port;	  /* host byte order, as everywhere in the model */
	enum protocol protocol;
};

struct volume_mount {
	const char *volume;
	const char *path;     /* absolute, inside the container */
	const char *sub_path; /* relative, no '..'; NULL when the whole volume is meant */
	bool read_only;
};

/* A port by number or by the name of a container port (name NULL: number counts). */
struct port_ref {
	const char *name;
	uint16_t number;
};

struct http_header {
	const char *name, *value;
};

enum handler_kind { HANDLER_EXEC, HANDLER_HTTP, HANDLER_TCP, HANDLER_SLEEP };

/* What a probe or a life-cycle hook does. */
struct handler {
	enum handler_kind kind;
	const char **argv; /* exec; NULL-terminated */
	struct port_ref port;
	const char *host; /* NULL: the Pod itself */
	const char *path; /* http; may hold a query */
	bool https;
	struct http_header *headers;
	size_t header_count;
	uint32_t sleep_seconds;
};

struct probe_spec {
	struct handler handler;
	uint32_t initial_delay, timeout, period; /* seconds */
	uint32_t success_threshold, failure_threshold;
	int64_t termination_grace; /* seconds; -1: the Pod's */
};

struct resources {
	int64_t cpu_request, cpu_limit;	      /* thousandths of a CPU, or RESOURCE_UNSET */
	int64_t memory_request, memory_limit; /* bytes, or RESOURCE_UNSET */
};

struct security {
	int64_t user, group; /* -1: the image's */
	bool run_as_non_root;
	bool read_only_root;
	bool no_new_privs;    /* allowPrivilegeEscalation: false */
	const char **cap_add; /* NULL-terminated, without "CAP_"; "ALL" possible; never NULL */
	const char **cap_drop;
};

struct container {
	const char *name;
	const char *image;
	enum pull_policy pull_policy;
	const char **command; /* NULL-terminated; NULL: the image's entrypoint */
	const char **args;    /* NULL: the image's cmd */
	const char *working_dir;
	struct container_port *ports;
	size_t port_count;
	struct env_from *env_from;
	size_t env_from_count;
	struct env_var *env;
	size_t env_count;
	struct volume_mount *mounts;
	size_t mount_count;
	struct resources resources;
	struct probe_spec *liveness, *readiness; /* NULL: none */
	struct handler *post_start, *pre_stop;	 /* NULL: none */
	struct security security;
	bool tty, stdin, stdin_once;
	const char *target; /* ephemeral: whose processes it sees; NULL: its own alone */
};

enum volume_kind { VOLUME_EMPTY_DIR, VOLUME_HOST_PATH, VOLUME_PROJECTED };

enum projection_kind {
	PROJECTION_CONFIG_MAP,
	PROJECTION_SECRET,
	PROJECTION_DOWNWARD,
	PROJECTION_TOKEN,
};

struct volume_item {
	const char *key, *path; /* downwardAPI: key is a field, or a resource */
	int64_t mode;		/* -1: the volume's */
	const char *container;	/* downwardAPI: whose resource it is; NULL: it is a field */
	int64_t divisor;	/* of the resource, in thousandths */
};

/* Files from one source. */
struct projection {
	enum projection_kind kind;
	const char *object; /* configMap, secret */
	bool optional;
	struct volume_item *items; /* NULL: all keys */
	size_t item_count;
	const char *path;     /* of the token */
	const char *audience; /* of the token; "": the API server */
	int64_t seconds;      /* that the token is to live */
};

struct volume {
	const char *name;
	enum volume_kind kind;
	bool memory;	    /* emptyDir medium: Memory; projected: it holds a secret or a token */
	int64_t size_limit; /* emptyDir; bytes or RESOURCE_UNSET */
	const char *path;   /* hostPath */
	const char *type;   /* hostPath: "" or "Directory", "FileOrCreate", ... */
	uint32_t mode;	    /* projected: default mode of files */
	struct projection *projections; /* configMap, secret and downwardAPI volumes have one */
	size_t projection_count;
};

struct host_alias {
	const char *ip;
	const char **names; /* NULL-terminated */
};

struct pod_block;

struct pod {
	json_t *json; /* the whole object: metadata and spec with defaults; no status */
	struct object_meta meta;
	enum restart_policy restart_policy;
	uint32_t termination_grace; /* seconds */
	const char *hostname;	    /* metadata.name cut to 63 characters unless given */
	bool hostname_given;
	enum dns_policy dns_policy;
	const char **dns_servers, **dns_searches, **dns_options; /* NULL-terminated; never NULL */
	struct host_alias *host_aliases;
	size_t host_alias_count;
	bool share_process_namespace;
	struct container *init_containers;
	size_t init_count;
	struct container *containers;
	size_t container_count;
	struct container *ephemeral_containers;
	size_t ephemeral_count;
	struct volume *volumes;
	size_t volume_count;
	char hostname_buffer[64];
	struct pod_block *blocks; /* what pod_decode allocated */
};

/* Decodes a validated object of KIND_POD, taking a new reference to its JSON. */
int pod_decode(const struct object *object, struct pod **ret, struct err *err);

/*
 * Adds a validated ephemeral container, with its JSON, of which @pod takes a reference.  The others move: no pointer to
 * one of them stays right.  -ENOMEM: nothing has changed.
 */
int pod_add_ephemeral(struct pod *pod, json_t *container);

/* Accepts NULL; returns NULL. */
struct pod *pod_free(struct pod *pod);

/* Its class by the rule of Kubernetes: all limits equal requests, none at all, or anything else. */
enum qos_class pod_qos(const struct pod *pod);

/* The container port that @ref means in @container; 0 when there is no port of that name. */
uint16_t container_port_number(const struct container *container, const struct port_ref *ref);

/* The Pod-wide look-up that Services use: the first container that has a port of this name and protocol. */
uint16_t pod_port_number(const struct pod *pod, const struct port_ref *ref, enum protocol protocol);
