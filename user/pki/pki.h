/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of one control plane, in a directory that is its own (0700, files 0600): made at the first start,
 * used again at each later one.  A certificate that is nearly over, or lacks a name that is asked for, is made
 * anew; the authority and the key that signs tokens never are: what they signed would be worthless.
 */
#pragma once

#include <stdbool.h>

#include "user/pki/certificate.h"

struct err;

#define PKI_ADMIN_NAME	"kubernetes-admin"
#define PKI_ADMIN_GROUP "system:masters"
/* Who the API server is to its nodes: by its name alone, for this API it is nobody. */
#define PKI_NODE_CLIENT_NAME "kube-apiserver-kubelet-client"

struct pki {
	struct certificate authority, server, admin, node_client;
	char *token_key; /* PEM */
};

/* @server_names: NULL-terminated DNS names and addresses.  Release *@ret with pki_clear. */
int pki_open(
	const char *directory, const char *const *server_names, struct pki *ret, struct err *err);

/*
 * A server's certificate that signs itself, for those who need no authority for it: NAME.crt and NAME.key in
 * @directory, which is there, made and renewed as above.  Release *@ret with certificate_clear.
 */
int pki_open_own(const char *directory, const char *name, const char *const *server_names,
	struct certificate *ret, struct err *err);

/*
 * What is nearly over by now of what the server and its nodes are shown is made anew, in memory alone: the files follow
 * at the next start.  *@ret_renewed, also after a failure: something was.
 */
int pki_renew(struct pki *pki, const char *const *server_names, bool *ret_renewed, struct err *err);

/* The same for what pki_open_own has given. */
int pki_renew_own(const char *name, const char *const *server_names, struct certificate *own,
	bool *ret_renewed, struct err *err);

/* NAME.crt and NAME.key as they are; what is not there stays NULL.  Release *@ret, also after a failure. */
int pki_read_own(const char *directory, const char *name, struct certificate *ret, struct err *err);
int pki_write_own(const char *directory, const char *name, const struct certificate *certificate,
	struct err *err);

/* Forgets all keys; also of one that is all zero. */
void pki_clear(struct pki *pki);

/*
 * The names by which the API is asked for: localhost, this host's name @host, the Service "kubernetes" and its
 * address in @service_cidr, where it listens, and those in @more, separated by commas ("": none).
 * NULL-terminated; release with pki_names_free.  EINVAL: @service_cidr is no range.
 */
int pki_names(const char *host, const char *service_cidr, const char *listen_host, const char *more,
	char ***ret, struct err *err);

/* "0.0.0.0" and "::" are no names: they say that all addresses are meant. */
bool pki_is_wildcard(const char *host);

/* Accepts NULL. */
void pki_names_free(char **names);

/*
 * Writes the administrator's kubeconfig, 0600.  @host and @port: where the server listens; at all addresses
 * means that it is asked at the loopback one.
 */
int pki_write_admin(
	const struct pki *pki, const char *path, const char *host, unsigned port, struct err *err);

/* A kubeconfig for @user, who shows @client, of the server at @url: YAML that the caller frees; NULL when
 * memory is out. */
char *pki_kubeconfig(const char *url, const char *user, const struct certificate *authority,
	const struct certificate *client);
