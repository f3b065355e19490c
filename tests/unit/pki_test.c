// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"

#include <sys/stat.h>
#include <time.h>

#include "user/base/fs.h"
#include "user/pki/pki.h"
#include "user/pki/signature.h"

static void directory_make(char *ret)
{
	strcpy(ret, "/tmp/podnet-pki-XXXXXX");
	if (!mkdtemp(ret))
		BAIL("make a directory");
}

static const char *const names[] = {"localhost", "127.0.0.1", "::1", "kubernetes", NULL};

static void open_keys(const char *directory, const char *const *server_names, struct pki *ret)
{
	struct err err;

	if (!CHECK_OK("open", pki_open(directory, server_names, ret, &err), &err))
		BAIL(err.text);
}

static unsigned mode_of(const char *directory, const char *name)
{
	AUTO_FREE char *path = fs_format("%s/%s", directory, name);
	struct stat st;

	return stat(path, &st) < 0 ? 0 : st.st_mode & 0777;
}

TEST(keys_are_made_once_and_found_again)
{
	char directory[64];
	struct pki first, second;

	directory_make(directory);
	open_keys(directory, names, &first);
	open_keys(directory, names, &second);
	CHECK_STR("authority", second.authority.text, first.authority.text);
	CHECK_STR("server", second.server.text, first.server.text);
	CHECK_STR("administrator", second.admin.key, first.admin.key);
	CHECK_STR("tokens", second.token_key, first.token_key);
	CHECK_EQ("nobody else reads a key", mode_of(directory, "ca.key"), 0600);
	CHECK_EQ("nor a certificate", mode_of(directory, "server.crt"), 0600);
	pki_clear(&first);
	pki_clear(&second);
	fs_remove(directory, NULL);
}

TEST(a_new_name_makes_a_new_certificate_of_the_server_alone)
{
	static const char *const more[] = {"localhost", "api.example", NULL};
	char directory[64];
	struct pki first, second;

	directory_make(directory);
	open_keys(directory, names, &first);
	open_keys(directory, more, &second);
	CHECK_STR("the authority stays", second.authority.text, first.authority.text);
	CHECK_STR("the administrator stays", second.admin.text, first.admin.text);
	CHECK("the server's is new", strcmp(second.server.text, first.server.text) != 0);
	pki_clear(&first);
	pki_clear(&second);
	fs_remove(directory, NULL);
}

TEST(what_is_nearly_over_is_made_anew_while_the_server_works)
{
	struct certificate_spec spec = {.use = CERTIFICATE_SERVER,
		.name = "podnet-control",
		.subject_names = names,
		.days = 59};
	char directory[64];
	AUTO_FREE char *before = NULL, *nodes = NULL;
	bool renewed = true;
	struct pki pki;
	struct err err;

	directory_make(directory);
	open_keys(directory, names, &pki);
	before = strdup(pki.server.text);
	nodes = strdup(pki.node_client.text);
	CHECK_OK("early", pki_renew(&pki, names, &renewed, &err), &err);
	CHECK("nothing is", !renewed && strcmp(pki.server.text, before) == 0);
	certificate_clear(&pki.server);
	certificate_make(&spec, &pki.authority, &pki.server, NULL);
	free(before);
	before = strdup(pki.server.text);
	CHECK_OK("59 days before its end", pki_renew(&pki, names, &renewed, &err), &err);
	CHECK("the server's is", renewed && strcmp(pki.server.text, before) != 0);
	CHECK_STR("the other one is not", pki.node_client.text, nodes);
	spec.days = 365;
	CHECK("by the same authority, for the same names",
		certificate_is_good(&pki.server, &spec, &pki.authority, 300, time(NULL),
			&(const char *){NULL}));
	pki_clear(&pki);
	fs_remove(directory, NULL);
}

TEST(an_authority_without_its_key_is_not_replaced)
{
	char directory[64];
	AUTO_FREE char *key = NULL;
	struct pki pki = {0};
	struct err err;

	directory_make(directory);
	open_keys(directory, names, &pki);
	pki_clear(&pki);
	key = fs_format("%s/ca.key", directory);
	unlink(key);
	CHECK_FAILS("refused", pki_open(directory, names, &pki, &err), ENOKEY, &err,
		"has no 'ca.key' beside it");
	fs_remove(directory, NULL);
}

TEST(what_is_cut_off_is_made_again)
{
	char directory[64];
	AUTO_FREE char *path = NULL;
	struct pki first, second;

	directory_make(directory);
	open_keys(directory, names, &first);
	path = fs_format(
		"%s/server.crt", directory); /* as by a crash between key and certificate */
	unlink(path);
	open_keys(directory, names, &second);
	CHECK("the server's key is new", strcmp(second.server.key, first.server.key) != 0);
	CHECK_STR("the authority stays", second.authority.text, first.authority.text);
	pki_clear(&first);
	pki_clear(&second);
	fs_remove(directory, NULL);
}

TEST(certificates_are_looked_at)
{
	static const struct {
		const char *what;
		int days;
		unsigned left;
		bool other_authority, other_key, other_names;
		const char *why; /* NULL: it is good */
	} cases[] = {
		{"fresh", 365, 60, false, false, false, NULL},
		{"nearly over", 59, 60, false, false, false, "its time is nearly over"},
		{"just long enough", 61, 60, false, false, false, NULL},
		{"over", -1, 0, false, false, false, "its time is nearly over"},
		{"by another authority", 365, 60, true, false, false,
			"another authority signed it"},
		{"with another key", 365, 60, false, true, false, "its key is another one's"},
		{"without a name", 365, 60, false, false, true, "it lacks a name"},
	};
	static const char *const others[] = {"other.example", NULL};
	static const struct certificate_spec authority = {
		.use = CERTIFICATE_AUTHORITY, .name = "test", .days = 10};
	AUTO_CERTIFICATE ours = {0};
	AUTO_CERTIFICATE theirs = {0};
	struct err err;

	if (certificate_make(&authority, NULL, &ours, &err) < 0 ||
		certificate_make(&authority, NULL, &theirs, &err) < 0)
		BAIL(err.text);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct certificate_spec spec = {.use = CERTIFICATE_SERVER,
			.name = "s",
			.subject_names = names,
			.days = cases[i].days};
		AUTO_CERTIFICATE made = {0};
		struct certificate seen;
		const char *why;

		if (certificate_make(
			    &spec, cases[i].other_authority ? &theirs : &ours, &made, &err) < 0)
			BAIL(err.text);
		seen = (struct certificate){made.text, cases[i].other_key ? ours.key : made.key};
		spec.subject_names = cases[i].other_names ? others : names;
		CHECK_EQ(cases[i].what,
			certificate_is_good(&seen, &spec, &ours, cases[i].left, time(NULL), &why),
			!cases[i].why);
		CHECK_STR(cases[i].what, why ? why : "", cases[i].why ? cases[i].why : "");
	}
}

TEST(the_server_has_the_names_by_which_it_is_asked_for)
{
	static const struct {
		const char *what, *host, *cidr, *listen, *more;
		const char *joined; /* NULL: it is refused */
	} cases[] = {
		{"all addresses", "box", "10.96.0.0/16", "0.0.0.0", "",
			"localhost 127.0.0.1 ::1 kubernetes kubernetes.default "
			"kubernetes.default.svc kubernetes.default.svc.cluster.local box "
			"10.96.0.1 "},
		{"one address, and more names", "box", "fd00:1::/112", "192.0.2.1",
			"a.example,,box,192.0.2.2",
			"localhost 127.0.0.1 ::1 kubernetes kubernetes.default "
			"kubernetes.default.svc kubernetes.default.svc.cluster.local box "
			"192.0.2.1 a.example 192.0.2.2 fd00:1::1 "},
		{"loopback stands there already", "", "10.0.0.0/24", "127.0.0.1", "",
			"localhost 127.0.0.1 ::1 kubernetes kubernetes.default "
			"kubernetes.default.svc kubernetes.default.svc.cluster.local 10.0.0.1 "},
		{"no range", "box", "10.96/16", "::", "", NULL},
		{"no prefix", "box", "10.96.0.0", "::", "", NULL},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char **list, joined[1000] = "";
		struct err err;
		int r = pki_names(
			cases[i].host, cases[i].cidr, cases[i].listen, cases[i].more, &list, &err);

		if (!cases[i].joined) {
			CHECK_FAILS(cases[i].what, r, EINVAL, &err, "is no range of addresses");
			continue;
		}
		if (!CHECK_OK(cases[i].what, r, &err))
			continue;
		for (char **name = list; *name; name++)
			sprintf(joined + strlen(joined), "%s ", *name);
		CHECK_STR(cases[i].what, joined, cases[i].joined);
		pki_names_free(list);
	}
}

TEST(the_administrator_s_kubeconfig_is_for_him_alone)
{
	char directory[64];
	AUTO_FREE char *path = NULL;
	AUTO_FREE char *text = NULL;
	struct pki pki;
	struct err err;

	directory_make(directory);
	open_keys(directory, names, &pki);
	path = fs_format("%s/etc/admin.conf", directory);
	CHECK_OK("write", pki_write_admin(&pki, path, "0.0.0.0", 6443, &err), &err);
	CHECK_EQ("mode", mode_of(directory, "etc/admin.conf"), 0600);
	CHECK_OK("read", fs_read(path, 100000, &text, NULL, &err), &err);
	CHECK_HAS("all addresses are asked at loopback", text,
		"    server: https://127.0.0.1:6443\n");
	CHECK_HAS("who", text, "current-context: kubernetes-admin@podnet\n");
	CHECK_HAS("whom to trust", text, "    certificate-authority-data: LS0tLS1CRUdJTi");
	pki_clear(&pki);
	fs_remove(directory, NULL);
}

/* --- signatures --- */

static struct signer *signer_of(const char *key)
{
	struct signer *signer;
	struct err err;

	if (signer_new(key, &signer, &err) < 0)
		BAIL(err.text);
	return signer;
}

static char *key_make(void)
{
	struct err err;
	char *key;

	if (signer_make_key(&key, &err) < 0)
		BAIL(err.text);
	return key;
}

/* Halves of a signature may begin with zeros or a set bit: many are tried. */
TEST(what_was_signed_is_read_again)
{
	AUTO_FREE char *key = key_make();
	struct signer *signer = signer_of(key);
	struct err err;
	unsigned good = 0;

	for (unsigned i = 0; i < 600; i++) {
		AUTO_FREE char *token = NULL;
		AUTO_FREE char *payload = NULL;
		char text[32];

		snprintf(text, sizeof(text), "{\"n\":%u}", i);
		if (signer_sign(signer, text, &token, &err) == 0 &&
			signer_verify(signer, token, &payload, &err) == 0)
			good += strcmp(payload, text) == 0;
	}
	CHECK_EQ("all of them", good, 600);
	signer_free(signer);
}

TEST(what_was_not_signed_is_refused)
{
	static const struct {
		const char *what, *token, *why; /* "%s": the parts of a good one */
	} cases[] = {
		{"empty", "", "is no signed one"},
		{"no dots", "abc", "is no signed one"},
		{"too many dots", "a.b.c.d", "is no signed one"},
		{"no JSON", "abc.abc.abc", "not signed with a key of ours"},
		{"no algorithm", "eyJhbGciOiJub25lIn0.e30.", "not signed with a key of ours"},
		{"a shared secret", "eyJhbGciOiJIUzI1NiJ9.e30.abc",
			"not signed with a key of ours"},
	};
	AUTO_FREE char *key = key_make();
	AUTO_FREE char *other_key = key_make();
	AUTO_FREE char *token = NULL;
	AUTO_FREE char *payload = NULL;
	struct signer *signer = signer_of(key), *other = signer_of(other_key);
	struct err err;
	char *dot;

	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK_FAILS(cases[i].what, signer_verify(signer, cases[i].token, &payload, &err),
			EBADMSG, &err, cases[i].why);
	if (signer_sign(signer, "{\"a\":1}", &token, &err) < 0)
		BAIL(err.text);
	CHECK_FAILS("another's key", signer_verify(other, token, &payload, &err), EBADMSG, &err,
		"not signed with a key of ours");
	dot = strchr(token, '.');
	dot[3] = dot[3] == 'A' ? 'B' : 'A';
	CHECK_FAILS("another payload", signer_verify(signer, token, &payload, &err), EBADMSG, &err,
		"signature is wrong");
	strrchr(token, '.')[1] = '\0';
	CHECK_FAILS("no signature", signer_verify(signer, token, &payload, &err), EBADMSG, &err,
		"signature is wrong");
	signer_free(signer);
	signer_free(other);
}

TEST(a_key_must_be_one)
{
	struct signer *signer;
	struct err err;

	CHECK_FAILS("no key", signer_new("nothing", &signer, &err), EINVAL, &err,
		"read the signing key");
}
