/* SPDX-License-Identifier: Apache-2.0 */
/* A kubeconfig: which API server, and who we are to it. */
#pragma once

#include <stddef.h>

struct client_config;
struct err;

/*
 * What the current context says.  Strings are owned; NULL: not given.  The *_data are PEM texts, decoded;
 * paths are absolute, or relative to the working directory.
 */
struct kubeconfig {
	char *context, *cluster, *user;
	char *server; /* "unix:///run/podnet-control/podnet-control.sock", "https://10.0.0.1:6443" */
	char *ca_path, *ca_data;
	char *cert_path, *cert_data;
	char *key_path, *key_data;
	char *token, *token_path;
};

/*
 * Reads the text (YAML or JSON) of a kubeconfig in directory @dir, which relative paths begin from.
 * Pure: files that it names are not read.  An error names the field.  The caller releases *@ret with
 * kubeconfig_clear.
 */
int kubeconfig_parse(
	const char *text, size_t len, const char *dir, struct kubeconfig *ret, struct err *err);

/*
 * Reads the kubeconfig @path, and the files that it names into what they stand for (ca_data, ...,
 * token).  Every error names its file.  Blocks.
 */
int kubeconfig_read(const char *path, struct kubeconfig *ret, struct err *err);

/* Releases what it owns; an empty one, too. */
void kubeconfig_clear(struct kubeconfig *config);

/*
 * How a client reaches that server; @ret borrows from @config, whose files have been read.  -ENOTSUP: a scheme
 * that is not spoken.
 */
int kubeconfig_client(const struct kubeconfig *config, struct client_config *ret, struct err *err);
