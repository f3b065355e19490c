// SPDX-License-Identifier: Apache-2.0
#include "user/control/issuerules.h"

#include <string.h>

#include "user/base/cleanup.h"
#include "user/pki/request.h"

#define NODES	      "system:nodes"
#define NODE_PREFIX   "system:node:"
#define BOOTSTRAPPERS "system:bootstrappers"

static const json_t *spec_of(const json_t *request)
{
	return json_object_get(request, "spec");
}

enum issue_signer issuerules_signer(const json_t *request)
{
	const char *name = json_string_at(spec_of(request), "signerName", "");

	if (strcmp(name, "kubernetes.io/kube-apiserver-client-kubelet") == 0)
		return ISSUE_CLIENT;
	return strcmp(name, "kubernetes.io/kubelet-serving") == 0 ? ISSUE_SERVING : ISSUE_OTHER;
}

/* Exactly these two, and perhaps that keys may be enciphered, which elliptic ones cannot. */
static bool usages_are(const json_t *request, const char *purpose)
{
	const json_t *usages = json_object_get(spec_of(request), "usages");
	bool signs = false, serves = false;
	json_t *usage;
	size_t i;

	json_array_foreach ((json_t *)usages, i, usage) {
		const char *name = json_string_value(usage);

		if (strcmp(name, "digital signature") == 0)
			signs = true;
		else if (strcmp(name, purpose) == 0)
			serves = true;
		else if (strcmp(name, "key encipherment") != 0)
			return false;
	}
	return signs && serves;
}

static bool name_is_a_nodes(const char *name)
{
	return strncmp(name, NODE_PREFIX, strlen(NODE_PREFIX)) == 0 && name[strlen(NODE_PREFIX)];
}

const char *issuerules_problem(const json_t *request, const struct certificate_request *asked)
{
	const char *user = json_string_at(spec_of(request), "username", "");
	bool serving = issuerules_signer(request) == ISSUE_SERVING;

	if (!asked->organizations[0] || strcmp(asked->organizations[0], NODES) != 0 ||
		asked->organizations[1])
		return "organization in subject must be exactly " NODES;
	if (!name_is_a_nodes(asked->name))
		return "subject common name does not begin with " NODE_PREFIX;
	if (asked->odd)
		return "email and URI subjectAltNames are not allowed";
	if (serving && !asked->subject_names[0])
		return "at least one DNS or IP subjectAltName is required";
	if (!serving && asked->subject_names[0])
		return "DNS and IP subjectAltNames are not allowed";
	if (serving && strcmp(user, asked->name) != 0)
		return "subject common name is not the requesting user";
	if (!usages_are(request, serving ? "server auth" : "client auth"))
		return serving ? "usages did not match [digital signature, server auth]"
			       : "usages did not match [digital signature, client auth]";
	return NULL;
}

static bool is_in(const json_t *request, const char *group)
{
	return json_array_has(json_object_get(spec_of(request), "groups"), group);
}

bool issuerules_is_own(const json_t *request, const struct certificate_request *asked)
{
	return is_in(request, BOOTSTRAPPERS) ||
	       strcmp(json_string_at(spec_of(request), "username", ""), asked->name) == 0;
}

const char *issuerules_approval(const json_t *request)
{
	if (issuerules_signer(request) != ISSUE_CLIENT)
		return NULL;
	if (is_in(request, BOOTSTRAPPERS))
		return "Auto approving kubelet client certificate of a bootstrap token.";
	if (is_in(request, NODES))
		return "Auto approving self kubelet client certificate.";
	return NULL;
}
