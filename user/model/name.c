// SPDX-License-Identifier: Apache-2.0
#include "user/model/name.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "user/base/cleanup.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

static bool consists_of(const char *text, const char *set)
{
	return text[strspn(text, set)] == '\0';
}

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

/* Starts and ends with one of @ends, @ends and @inner between, 1 to @max characters. */
static bool is_word(const char *text, size_t len, const char *ends, const char *inner, size_t max)
{
	if (len == 0 || len > max || !is_one_of(text[0], ends) || !is_one_of(text[len - 1], ends))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_one_of(text[i], ends) && !is_one_of(text[i], inner))
			return false;
	return true;
}

const char *name_dns_label(const char *text)
{
	if (is_word(text, strlen(text), LOWER DIGIT, "-", 63))
		return NULL;
	return "must be a DNS label: a-z, 0-9 and '-', alphanumeric at both ends, at most 63 "
	       "characters";
}

static bool is_subdomain(const char *text, size_t len)
{
	const char *end = text + len;

	if (len == 0 || len > 253)
		return false;
	for (;;) {
		const char *dot = memchr(text, '.', (size_t)(end - text));
		size_t part = (size_t)((dot ? dot : end) - text);

		if (!is_word(text, part, LOWER DIGIT, "-", 253))
			return false;
		if (!dot)
			return true;
		text = dot + 1;
	}
}

const char *name_dns_subdomain(const char *text)
{
	if (is_subdomain(text, strlen(text)))
		return NULL;
	return "must be a DNS name: a-z, 0-9, '-' and '.', alphanumeric at both ends, at most 253 "
	       "characters";
}

const char *name_path_segment(const char *text)
{
	if (*text && strcmp(text, ".") != 0 && strcmp(text, "..") != 0 && !strpbrk(text, "/%"))
		return NULL;
	return "must be part of a URL: not '.' or '..', and without '/' and '%'";
}

const char *name_service(const char *text)
{
	if (is_word(text, strlen(text), LOWER DIGIT, "-", 63) && is_one_of(text[0], LOWER))
		return NULL;
	return "must be a DNS label that starts with a letter: a-z, 0-9 and '-', at most 63 "
	       "characters";
}

const char *name_port(const char *text)
{
	if (is_word(text, strlen(text), LOWER DIGIT, "-", 15) && strpbrk(text, LOWER) &&
		!strstr(text, "--"))
		return NULL;
	return "must be a port name: a-z, 0-9 and single '-', with a letter, at most 15 characters";
}

static bool is_label_name(const char *text)
{
	return is_word(text, strlen(text), LOWER UPPER DIGIT, "-_.", 63);
}

const char *name_label_key(const char *text)
{
	const char *slash = strchr(text, '/');

	if (slash ? is_subdomain(text, (size_t)(slash - text)) && is_label_name(slash + 1)
		  : is_label_name(text))
		return NULL;
	return "must be a key like 'example.com/name': the name alphanumeric at both ends, with "
	       "'-', '_', '.', at most 63 characters";
}

const char *name_label_value(const char *text)
{
	if (!*text || is_label_name(text))
		return NULL;
	return "must be a label value: alphanumeric at both ends, with '-', '_', '.', at most 63 "
	       "characters";
}

const char *name_env(const char *text)
{
	for (const char *p = text; *p; p++)
		if (*p < ' ' || *p > '~' || *p == '=')
			return "must be printable ASCII without '='";
	return *text ? NULL : "must not be empty";
}

const char *name_data_key(const char *text)
{
	size_t len = strlen(text);

	if (len > 0 && len <= 253 && consists_of(text, LOWER UPPER DIGIT "-_.") &&
		strcmp(text, ".") != 0 && strncmp(text, "..", 2) != 0)
		return NULL;
	return "must be a key of a-z, A-Z, 0-9, '-', '_' and '.', not starting with '..', at most "
	       "253 characters";
}

const char *name_header(const char *text)
{
	if (*text && consists_of(text, LOWER UPPER DIGIT "-"))
		return NULL;
	return "must be an HTTP header name: a-z, A-Z, 0-9 and '-'";
}

static bool goes_up(const char *path)
{
	for (const char *p = path;;) {
		size_t part = strcspn(p, "/");

		if (part == 2 && p[0] == '.' && p[1] == '.')
			return true;
		if (!p[part])
			return false;
		p += part + 1;
	}
}

const char *name_absolute_path(const char *text)
{
	return text[0] == '/' ? NULL : "must be an absolute path";
}

const char *name_relative_path(const char *text)
{
	if (text[0] == '/')
		return "must be a relative path";
	return goes_up(text) ? "must not contain '..'" : NULL;
}

const char *name_host_path(const char *text)
{
	const char *reason = name_absolute_path(text);

	return !reason && goes_up(text) ? "must not contain '..'" : reason;
}

const char *name_cluster_ip(const char *text)
{
	struct in_addr address;

	if (strcmp(text, "None") == 0 || inet_pton(AF_INET, text, &address) == 1)
		return NULL;
	return "must be an IPv4 address or None";
}

const char *name_ip(const char *text)
{
	struct in6_addr address;

	if (inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1)
		return NULL;
	return "must be an IP address";
}

const char *name_one_line(const char *text)
{
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == '\x7f')
			return "must not contain control characters";
	return NULL;
}

const char *name_word(const char *text)
{
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == '\x7f')
			return "must not contain blanks or control characters";
	return NULL;
}

const char *name_search(const char *text)
{
	size_t len = strlen(text);

	if (strcmp(text, ".") == 0 ||
		is_subdomain(text, len && text[len - 1] == '.' ? len - 1 : len))
		return NULL;
	return "must be a DNS domain";
}

const char *name_capability(const char *text)
{
	static const char *const names[] = {"ALL", "AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE",
		"BLOCK_SUSPEND", "BPF", "CHECKPOINT_RESTORE", "CHOWN", "DAC_OVERRIDE",
		"DAC_READ_SEARCH", "FOWNER", "FSETID", "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE",
		"LINUX_IMMUTABLE", "MAC_ADMIN", "MAC_OVERRIDE", "MKNOD", "NET_ADMIN",
		"NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW", "PERFMON", "SETFCAP", "SETGID",
		"SETPCAP", "SETUID", "SYSLOG", "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT", "SYS_MODULE",
		"SYS_NICE", "SYS_PACCT", "SYS_PTRACE", "SYS_RAWIO", "SYS_RESOURCE", "SYS_TIME",
		"SYS_TTY_CONFIG", "WAKE_ALARM"};

	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(text, names[i]) == 0)
			return NULL;
	return "must be a capability of Linux without CAP_, like NET_BIND_SERVICE, or ALL";
}

/* metadata.labels['KEY'], metadata.annotations['KEY'] */
static bool is_subscript(const char *text, const char *map)
{
	size_t len = strlen(map), end = strlen(text);

	return strncmp(text, map, len) == 0 && end > len + 4 && strncmp(text + len, "['", 2) == 0 &&
	       strcmp(text + end - 2, "']") == 0;
}

const char *name_field_path(const char *text)
{
	static const char *const paths[] = {"metadata.name", "metadata.namespace", "metadata.uid",
		"spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs",
		"status.podIP", "status.podIPs"};

	for (size_t i = 0; i < COUNT(paths); i++)
		if (strcmp(text, paths[i]) == 0)
			return NULL;
	if (is_subscript(text, "metadata.labels") || is_subscript(text, "metadata.annotations"))
		return NULL;
	return "must be metadata.name, .namespace, .uid, .labels['KEY'], .annotations['KEY'], "
	       "spec.nodeName, spec.serviceAccountName, status.hostIP(s) or status.podIP(s)";
}

const char *name_volume_field(const char *text)
{
	static const char *const paths[] = {"metadata.name", "metadata.namespace", "metadata.uid",
		"metadata.labels", "metadata.annotations"};

	for (size_t i = 0; i < COUNT(paths); i++)
		if (strcmp(text, paths[i]) == 0)
			return NULL;
	if (is_subscript(text, "metadata.labels") || is_subscript(text, "metadata.annotations"))
		return NULL;
	return "must be metadata.name, .namespace, .uid, .labels, .annotations, .labels['KEY'] or "
	       ".annotations['KEY']";
}

const char *name_signer(const char *text)
{
	size_t domain = strcspn(text, "/");
	char host[256];

	snprintf(host, sizeof(host), "%.*s", (int)domain, text);
	if (!text[domain] || !text[domain + 1] || domain >= sizeof(host) || !strchr(host, '.') ||
		name_dns_subdomain(host) || name_path_segment(text + domain + 1))
		return "must be a fully qualified domain and path of the form "
		       "\"example.com/signer-name\"";
	return NULL;
}
