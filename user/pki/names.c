// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/pki/pki.h"

#define NAMES_MOST 64

/* Adds what is not there yet.  -ENOMEM; -E2BIG. */
static int names_add(char **names, const char *name, size_t len)
{
	size_t at = 0;

	for (; names[at]; at++)
		if (strlen(names[at]) == len && memcmp(names[at], name, len) == 0)
			return 0;
	if (at == NAMES_MOST)
		return -E2BIG;
	names[at] = strndup(name, len);
	return names[at] ? 0 : -ENOMEM;
}

static int names_add_list(char **names, const char *list)
{
	int r = 0;

	while (r == 0 && *list) {
		size_t len = strcspn(list, ",");

		if (len)
			r = names_add(names, list, len);
		list += len + (list[len] == ',');
	}
	return r;
}

/* "10.96.0.0/16": 10.96.0.1, which is the Service kubernetes. */
static bool range_first(const char *cidr, char ret[INET6_ADDRSTRLEN])
{
	unsigned char address[16];
	char text[INET6_ADDRSTRLEN];
	const char *slash = strchr(cidr, '/');
	size_t len = slash ? (size_t)(slash - cidr) : sizeof(text);
	int family = strchr(cidr, ':') ? AF_INET6 : AF_INET;

	if (len >= sizeof(text))
		return false;
	memcpy(text, cidr, len);
	text[len] = '\0';
	if (inet_pton(family, text, address) != 1)
		return false;
	address[family == AF_INET ? 3 : 15] |= 1;
	return inet_ntop(family, address, ret, INET6_ADDRSTRLEN) != NULL;
}

bool pki_is_wildcard(const char *host)
{
	return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

int pki_names(const char *host, const char *service_cidr, const char *listen_host, const char *more,
	char ***ret, struct err *err)
{
	char service[INET6_ADDRSTRLEN];
	char **names = calloc(NAMES_MOST + 1, sizeof(*names));
	int r;

	if (!names)
		return err_set(err, ENOMEM, "collect the server's names");
	r = names_add_list(names, "localhost,127.0.0.1,::1,kubernetes,kubernetes.default,"
				  "kubernetes.default.svc,kubernetes.default.svc.cluster.local");
	if (r == 0 && host[0])
		r = names_add(names, host, strlen(host));
	if (r == 0 && !pki_is_wildcard(listen_host))
		r = names_add(names, listen_host, strlen(listen_host));
	if (r == 0)
		r = names_add_list(names, more);
	if (r == 0)
		r = range_first(service_cidr, service) ? names_add(names, service, strlen(service))
						       : -EINVAL;
	if (r == 0) {
		*ret = names;
		return 0;
	}
	pki_names_free(names);
	if (r == -EINVAL)
		return err_refuse(err, EINVAL, "'%s' is no range of addresses", service_cidr);
	return err_set(err, -r, "collect the server's names");
}

void pki_names_free(char **names)
{
	for (char **name = names; name && *name; name++)
		free(*name);
	free(names);
}
