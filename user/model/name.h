/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules for strings.  Each returns NULL when @text obeys, else the reason, to be read after the
 * field's path: "must be ...".
 */
#pragma once

typedef const char *(*name_rule)(const char *text);

const char *name_dns_label(const char *text);	  /* RFC 1123, at most 63 */
const char *name_dns_subdomain(const char *text); /* RFC 1123, at most 253 */
const char *name_service(const char *text);	  /* RFC 1035 label: Services */
const char *name_port(const char *text);	  /* IANA service name, at most 15 */
const char *name_label_key(const char *text);	  /* [prefix/]name */
const char *name_label_value(const char *text);
const char *name_env(const char *text);
const char *name_data_key(const char *text); /* ConfigMap and Secret */
const char *name_header(const char *text);   /* HTTP */
const char *name_absolute_path(const char *text);
const char *name_relative_path(const char *text); /* below something: no leading '/', no '..' */
const char *name_host_path(const char *text);	  /* absolute, no '..' */
const char *name_ip(const char *text);
const char *name_cluster_ip(const char *text); /* an IPv4 address or "None" */
const char *name_one_line(const char *text);   /* no control characters */
const char *name_word(const char *text);       /* no blanks or control characters */
const char *name_search(const char *text);     /* a DNS search domain */
const char *name_capability(const char *text);
const char *name_path_segment(const char *text); /* of a URL: RBAC */
const char *name_signer(const char *text);	 /* "example.com/some/path" */
const char *name_field_path(const char *text);	 /* of the downward API, for a variable */
const char *name_volume_field(const char *text); /* the same, for a file */
