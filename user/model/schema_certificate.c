// SPDX-License-Identifier: Apache-2.0
#include "user/model/schema_rows.h"

static const struct schema_field certificate_signing_request_spec_fields[] = {
	FIELD("request", 1, SCHEMA_BYTES, REQUIRED, .immutable = true),
	STRING("signerName", 7, REQUIRED, .immutable = true, .rule = name_signer),
	INT32("expirationSeconds", 8, KEEPS_ZERO, .immutable = true, .min = 600, .max = INT32_MAX),
	STRINGS("usages", 5, REQUIRED, .immutable = true,
		VALUES("any", "cert sign", "client auth", "code signing", "content commitment",
			"crl sign", "data encipherment", "decipher only", "digital signature",
			"email protection", "encipher only", "ipsec end system", "ipsec tunnel",
			"ipsec user", "key agreement", "key encipherment", "microsoft sgc",
			"netscape sgc", "ocsp signing", "s/mime", "server auth", "signing",
			"timestamping")),
	/* The server's words. */
	STRING("username", 2),
	STRING("uid", 3),
	STRINGS("groups", 4),
	FIELD("extra", 6, SCHEMA_STRING_LIST, .shape = SCHEMA_MAP),
	END_OF_FIELDS,
};

static const struct schema_message certificate_signing_request_spec = {
	.name = "CertificateSigningRequestSpec", .fields = certificate_signing_request_spec_fields};

static const struct schema_field certificate_signing_request_condition_fields[] = {
	STRING("type", 1, REQUIRED),
	STRING("status", 6, REQUIRED),
	STRING("reason", 2),
	STRING("message", 3),
	TIME("lastUpdateTime", 4, ALWAYS("null")),
	TIME("lastTransitionTime", 5, ALWAYS("null")),
	END_OF_FIELDS,
};

static const struct schema_message certificate_signing_request_condition = {
	.name = "CertificateSigningRequestCondition",
	.fields = certificate_signing_request_condition_fields};

static const struct schema_field certificate_signing_request_status_fields[] = {
	LIST("conditions", 1, certificate_signing_request_condition, .merge_key = "type"),
	FIELD("certificate", 2, SCHEMA_BYTES),
	END_OF_FIELDS,
};

static const struct schema_message certificate_signing_request_status = {
	.name = "CertificateSigningRequestStatus",
	.fields = certificate_signing_request_status_fields};

static const struct schema_field certificate_signing_request_fields[] = {
	KIND_HEAD,
	MESSAGE("spec", 2, certificate_signing_request_spec, REQUIRED),
	MESSAGE("status", 3, certificate_signing_request_status, ALWAYS("{}")),
	END_OF_FIELDS,
};

const struct schema_message schema_certificate_signing_request = {
	.name = "CertificateSigningRequest", .fields = certificate_signing_request_fields};
