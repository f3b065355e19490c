// SPDX-License-Identifier: Apache-2.0
#include "user/control/options.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/flags.h"
#include "user/control/confine.h"

#define NODE_GRACE_MOST	 86400
#define CERTIFICATE_MOST 315360000 /* ten years: so long the authority holds */

static const struct flag flags[] = {
	{"store", "WHERE", "sqlite:/var/lib/podnet-control/store/objects",
		"where objects are kept: sqlite:PATH, etcd=URL[,URL...] or memory",
		offsetof(struct control_options, store)},
	{"etcd-prefix", "PREFIX", "/podnet", "what keys in etcd begin with",
		offsetof(struct control_options, etcd_prefix)},
	{"etcd-cafile", "FILE", "",
		"who signs the certificates of etcd; \"\": who the system trusts",
		offsetof(struct control_options, etcd_authority)},
	{"etcd-certfile", "FILE", "", "the certificate that etcd is shown",
		offsetof(struct control_options, etcd_certificate)},
	{"etcd-keyfile", "FILE", "", "its key", offsetof(struct control_options, etcd_key)},
	{"run-dir", "DIR", "/run/podnet-control", "the socket podnet-control.sock",
		offsetof(struct control_options, run_dir)},
	{"listen", "ADDRESS:PORT", "0.0.0.0:6443", "where to serve with TLS; \"\": nowhere",
		offsetof(struct control_options, listen)},
	{"server-names", "NAME,...", "",
		"more names and addresses by which clients ask for the server",
		offsetof(struct control_options, server_names)},
	{"pki-dir", "DIR", "/var/lib/podnet-control/pki",
		"keys and certificates, made when missing",
		offsetof(struct control_options, pki_dir)},
	{"admin-kubeconfig", "PATH", "/etc/podnet/admin.conf",
		"a kubeconfig for the administrator is written there; \"\": nowhere",
		offsetof(struct control_options, admin_kubeconfig)},
	{"kubelet-certificate-authority", "FILE", "",
		"who signs the certificates of nodes' APIs; \"\": they are not looked at",
		offsetof(struct control_options, kubelet_authority)},
	{"audit-log", "PATH", "", "one line of JSON for each change and each refusal; \"\": none",
		offsetof(struct control_options, audit_log)},
	{"user", "NAME", CONFINE_USER, "whom to become when started by root; \"\": nobody else",
		offsetof(struct control_options, user)},
	{"service-cidr", "CIDR", "10.96.0.0/16", "addresses of Services",
		offsetof(struct control_options, service_cidr)},
	{"advertise-address", "ADDRESS", "",
		"where Pods reach this API server: the Service kubernetes leads there",
		offsetof(struct control_options, advertise_address)},
	{"node-grace", "SECONDS", "40", "a node that says nothing for longer is taken for lost",
		offsetof(struct control_options, node_grace_text)},
	{"certificate-seconds", "SECONDS", "31536000",
		"how long a certificate that a node asks for holds at most",
		offsetof(struct control_options, certificate_text)},
	{"controllers", "all|none", "all",
		"none: the API alone, controllers and the scheduler are other programs",
		offsetof(struct control_options, controllers_text)},
};

static int number_read(const char *flag, const char *text, unsigned long least, unsigned long most,
	unsigned *ret, struct err *err)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (*end || end == text || number < least || number > most)
		return err_refuse(
			err, EINVAL, "--%s: '%s' is not from %lu to %lu", flag, text, least, most);
	*ret = (unsigned)number;
	return 0;
}

static int controllers_read(const char *text, bool *ret, struct err *err)
{
	if (strcmp(text, "all") != 0 && strcmp(text, "none") != 0)
		return err_refuse(
			err, EINVAL, "--controllers: '%s' is neither 'all' nor 'none'", text);
	*ret = strcmp(text, "all") == 0;
	return 0;
}

static int options_check(struct control_options *options, struct err *err)
{
	const char *address = options->advertise_address;
	struct in_addr parsed;
	int r;

	if (address[0] && inet_pton(AF_INET, address, &parsed) != 1)
		return err_refuse(
			err, EINVAL, "--advertise-address: '%s' is no IPv4 address", address);
	if (!options->etcd_certificate[0] != !options->etcd_key[0])
		return err_refuse(
			err, EINVAL, "--etcd-certfile and --etcd-keyfile: one needs the other");
	r = number_read("node-grace", options->node_grace_text, 1, NODE_GRACE_MOST,
		&options->node_grace, err);
	if (r == 0)
		r = number_read("certificate-seconds", options->certificate_text, 10,
			CERTIFICATE_MOST, &options->certificate_seconds, err);
	return r < 0 ? r
		     : controllers_read(options->controllers_text, &options->has_controllers, err);
}

int control_options_parse(int argc, char **argv, struct control_options *ret, struct err *err)
{
	static const struct flags all = {
		.program = "podnet-control",
		.about = "A small Kubernetes API: objects, controllers, scheduler.",
		.list = flags,
		.count = COUNT(flags),
	};

	int r = flags_parse(&all, argc, argv, ret, &ret->verbose, err);

	return r == 0 ? options_check(ret, err) : r;
}
