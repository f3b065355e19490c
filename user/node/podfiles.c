// SPDX-License-Identifier: Apache-2.0
#include "user/node/podfiles.h"

#include <arpa/inet.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"

#define RESOLV_MAX_BYTES   (10u << 20)
#define RESOLV_MAX_OPTIONS 64

static const char hosts_header[] = "# Kubernetes-managed hosts file.\n"
				   "127.0.0.1\tlocalhost\n"
				   "::1\tlocalhost ip6-localhost ip6-loopback\n"
				   "fe00::0\tip6-localnet\n"
				   "fe00::0\tip6-mcastprefix\n"
				   "fe00::1\tip6-allnodes\n"
				   "fe00::2\tip6-allrouters\n";

static int text_close(FILE *text, const char *what, char **data, char **ret, struct err *err)
{
	bool ok = text && !ferror(text);

	if (text && fclose(text) != 0)
		ok = false;
	if (ok) {
		*ret = *data;
		return 0;
	}
	free(*data);
	return err_set(err, ENOMEM, "write %s", what);
}

int podfiles_hosts(const struct pod *pod, struct in_addr pod_ip, char **ret, struct err *err)
{
	char address[INET_ADDRSTRLEN], *data = NULL;
	size_t len;
	FILE *text = open_memstream(&data, &len);

	if (!text)
		return err_set(err, ENOMEM, "write /etc/hosts");
	fputs(hosts_header, text);
	fprintf(text, "%s\t%s\n", inet_ntop(AF_INET, &pod_ip, address, sizeof(address)),
		pod->hostname);
	if (pod->host_alias_count)
		fputs("\n# Entries added by HostAliases.\n", text);
	for (size_t i = 0; i < pod->host_alias_count; i++) {
		fputs(pod->host_aliases[i].ip, text);
		for (const char **name = pod->host_aliases[i].names; *name; name++)
			fprintf(text, "\t%s", *name);
		fputc('\n', text);
	}
	return text_close(text, "/etc/hosts", &data, ret, err);
}

/* Borrowed words, in order. */
struct resolv {
	const char *servers[RESOLV_MAX_SERVERS];
	const char *searches[RESOLV_MAX_SEARCHES];
	const char *options[RESOLV_MAX_OPTIONS];
	size_t server_count, search_count, search_chars, option_count;
};

static bool words_have(const char *const *words, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

static void resolv_add_server(struct resolv *resolv, const char *word)
{
	if (resolv->server_count < RESOLV_MAX_SERVERS &&
		!words_have(resolv->servers, resolv->server_count, word))
		resolv->servers[resolv->server_count++] = word;
}

static void resolv_add_search(struct resolv *resolv, const char *word)
{
	size_t chars = strlen(word) + (resolv->search_count > 0);

	if (resolv->search_count == RESOLV_MAX_SEARCHES ||
		resolv->search_chars + chars > RESOLV_MAX_SEARCH_CHARS ||
		words_have(resolv->searches, resolv->search_count, word))
		return;
	resolv->search_chars += chars;
	resolv->searches[resolv->search_count++] = word;
}

/* "ndots:2" takes the place of "ndots:5". */
static void resolv_add_option(struct resolv *resolv, const char *word)
{
	size_t len = strcspn(word, ":"), i = 0;

	while (i < resolv->option_count && (strcspn(resolv->options[i], ":") != len ||
						   strncmp(resolv->options[i], word, len) != 0))
		i++;
	if (i == RESOLV_MAX_OPTIONS)
		return;
	resolv->options[i] = word;
	resolv->option_count += i == resolv->option_count;
}

/* The last "search" line counts, as for resolvers. */
static void resolv_read_line(struct resolv *resolv, char *line)
{
	char *rest, *key = strtok_r(line, " \t", &rest), *word;

	if (!key || key[0] == '#' || key[0] == ';')
		return;
	if (strcmp(key, "search") == 0)
		resolv->search_count = resolv->search_chars = 0;
	while ((word = strtok_r(NULL, " \t", &rest)) && word[0] != '#' && word[0] != ';') {
		if (strcmp(key, "nameserver") == 0)
			resolv_add_server(resolv, word);
		else if (strcmp(key, "search") == 0)
			resolv_add_search(resolv, word);
		else if (strcmp(key, "options") == 0)
			resolv_add_option(resolv, word);
	}
}

static void words_write(FILE *text, const char *key, const char *const *words, size_t count)
{
	if (count)
		fputs(key, text);
	for (size_t i = 0; i < count; i++)
		fprintf(text, " %s", words[i]);
	if (count)
		fputc('\n', text);
}

int podfiles_resolv(const struct pod *pod, const char *host, char **ret, struct err *err)
{
	AUTO_FREE char *copy = strdup(pod->dns_policy == DNS_NONE ? "" : host);
	struct resolv resolv = {0};
	char *rest = copy, *line, *data = NULL;
	size_t len;
	FILE *text = open_memstream(&data, &len);

	if (!copy || !text)
		return text_close(text, "resolv.conf", &data, ret, err);
	while ((line = strsep(&rest, "\r\n")))
		resolv_read_line(&resolv, line);
	for (const char **word = pod->dns_servers; *word; word++)
		resolv_add_server(&resolv, *word);
	for (const char **word = pod->dns_searches; *word; word++)
		resolv_add_search(&resolv, *word);
	for (const char **word = pod->dns_options; *word; word++)
		resolv_add_option(&resolv, *word);
	words_write(text, "search", resolv.searches, resolv.search_count);
	for (size_t i = 0; i < resolv.server_count; i++)
		fprintf(text, "nameserver %s\n", resolv.servers[i]);
	words_write(text, "options", resolv.options, resolv.option_count);
	return text_close(text, "resolv.conf", &data, ret, err);
}

/* systemd-resolved's stub listens on the machine's loopback: Pods need the servers behind it. */
static int resolv_host(char **ret, struct err *err)
{
	AUTO_FREE char *text = NULL;
	int r = fs_read("/etc/resolv.conf", RESOLV_MAX_BYTES, &text, NULL, err);

	if (r == -ENOENT) {
		*ret = strdup("");
		return *ret ? 0 : err_set(err, ENOMEM, "read '/etc/resolv.conf'");
	}
	if (r < 0)
		return r;
	if (strstr(text, "nameserver 127.0.0.53") &&
		fs_read("/run/systemd/resolve/resolv.conf", RESOLV_MAX_BYTES, ret, NULL, NULL) == 0)
		return 0;
	*ret = take_ptr(text);
	return 0;
}

/* Containers hold the file itself, so it is left alone while it is right. */
static int file_update(const char *dir, const char *name, const char *text, struct err *err)
{
	AUTO_FREE char *path = fs_format("%s/%s", dir, name);
	AUTO_FREE char *now = NULL;

	if (!path)
		return err_set(err, ENOMEM, "write '%s'", name);
	if (fs_read(path, RESOLV_MAX_BYTES, &now, NULL, NULL) == 0 && strcmp(now, text) == 0)
		return 0;
	return fs_replace(path, text, strlen(text), 0644, FS_VOLATILE, err);
}

int podfiles_write(const struct pod *pod, struct in_addr pod_ip, const char *dir, struct err *err)
{
	AUTO_FREE char *host = NULL;
	AUTO_FREE char *hosts = NULL;
	AUTO_FREE char *resolv = NULL;
	AUTO_FREE char *hostname = fs_format("%s\n", pod->hostname);
	int r = hostname ? fs_mkdir(dir, 0700, err) : err_set(err, ENOMEM, "write 'hostname'");

	if (r == 0)
		r = resolv_host(&host, err);
	if (r == 0)
		r = podfiles_hosts(pod, pod_ip, &hosts, err);
	if (r == 0)
		r = podfiles_resolv(pod, host, &resolv, err);
	if (r == 0)
		r = file_update(dir, "etc-hosts", hosts, err);
	if (r == 0)
		r = file_update(dir, "hostname", hostname, err);
	return r < 0 ? r : file_update(dir, "resolv.conf", resolv, err);
}
