// SPDX-License-Identifier: Apache-2.0
/* The node refuses names in its own words; a server's clients read Kubernetes'. */
#include <string.h>

#include "user/base/cleanup.h"
#include "user/model/name.h"
#include "user/model/validate.h"

static const struct {
	name_rule rule;
	size_t max; /* longer ones are only told that they are; 0: any */
	const char *too_long, *words;
} rules[] = {
	{name_dns_label, 63, "must be no more than 63 characters",
		"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or "
		"'-', and must start and end with an alphanumeric character (e.g. 'my-name',  or "
		"'123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"},
	{name_dns_subdomain, 253, "must be no more than 253 characters",
		"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric "
		"characters, '-' or '.', and must start and end with an alphanumeric character "
		"(e.g. 'example.com', regex used for validation is "
		"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"},
	{name_service, 63, "must be no more than 63 characters",
		"a DNS-1035 label must consist of lower case alphanumeric characters or '-', start "
		"with an alphabetic character, and end with an alphanumeric character (e.g. "
		"'my-name',  or 'abc-123', regex used for validation is "
		"'[a-z]([-a-z0-9]*[a-z0-9])?')"},
	{name_port, 15, "must be no more than 15 characters",
		"must contain only alphanumeric characters (a-z, 0-9), and hyphens (-)"},
	{name_label_key, 0, "",
		"name part must consist of alphanumeric characters, '-', '_' or '.', and must "
		"start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or "
		"'123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
		"')"},
	{name_label_value, 63, "must be no more than 63 characters",
		"a valid label must be an empty string or consist of alphanumeric characters, '-', "
		"'_' or '.', and must start and end with an alphanumeric character (e.g. "
		"'MyValue',  or 'my_value',  or '12345', regex used for validation is "
		"'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"},
	{name_env, 0, "",
		"a valid environment variable name must consist of alphabetic characters, digits, "
		"'_', '-', or '.', and must not start with a digit (e.g. 'my.env-name',  or "
		"'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is "
		"'[-._a-zA-Z][-._a-zA-Z0-9]*')"},
	{name_data_key, 253, "must be no more than 253 characters",
		"a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. "
		"'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is "
		"'[-._a-zA-Z0-9]+')"},
	{name_ip, 0, "", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"},
	{name_cluster_ip, 0, "", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"},
};

const char *validate_words(name_rule rule, const char *text)
{
	for (size_t i = 0; i < COUNT(rules); i++)
		if (rules[i].rule == rule)
			return rules[i].max && strlen(text) > rules[i].max ? rules[i].too_long
									   : rules[i].words;
	return rule(text);
}
