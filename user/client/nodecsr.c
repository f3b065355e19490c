// SPDX-License-Identifier: Apache-2.0
#include "user/client/nodecsr.h"

#include <errno.h>
#include <string.h>

#include "user/base/base64.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"

json_t *nodecsr_new(const char *request, bool serving)
{
	AUTO_FREE char *encoded = base64_encode(request, strlen(request));

	if (!encoded)
		return NULL;
	return json_pack("{s:s, s:s, s:{s:s}, s:{s:s, s:s, s:[s, s]}}", "apiVersion",
		"certificates.k8s.io/v1", "kind", "CertificateSigningRequest", "metadata",
		"generateName", "node-csr-", "spec", "request", encoded, "signerName",
		serving ? "kubernetes.io/kubelet-serving"
			: "kubernetes.io/kube-apiserver-client-kubelet",
		"usages", "digital signature", serving ? "server auth" : "client auth");
}

int nodecsr_look(const json_t *object, char **ret, struct err *err)
{
	const json_t *status = json_object_get(object, "status");
	const char *encoded = json_string_at(status, "certificate", "");
	json_t *condition;
	void *text;
	size_t i, len;

	json_array_foreach (json_object_get(status, "conditions"), i, condition) {
		const char *type = json_string_at(condition, "type", "");

		if (strcmp(type, "Approved") != 0)
			return err_refuse(err, EACCES, "the request for a certificate %s: %s",
				strcmp(type, "Denied") == 0 ? "was denied" : "has failed",
				json_string_at(condition, "message", "no reason given"));
	}
	if (!encoded[0])
		return 1;
	if (base64_decode(encoded, &text, &len) < 0)
		return err_refuse(err, EACCES, "the certificate that was given cannot be read");
	*ret = text;
	return 0;
}
