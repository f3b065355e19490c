// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"

#include "user/http/address.h"

TEST(addresses_are_taken_apart)
{
	static const struct {
		const char *text, *host, *again; /* host NULL: it is refused */
		unsigned port;
	} cases[] = {
		{"127.0.0.1:6443", "127.0.0.1", "127.0.0.1:6443", 6443},
		{"[::1]:0", "::1", "[::1]:0", 0},
		{"api.example:65535", "api.example", "api.example:65535", 65535},
		{"::1:6443", NULL, NULL, 0},
		{"[::1]", NULL, NULL, 0},
		{"[:6443", NULL, NULL, 0},
		{":6443", NULL, NULL, 0},
		{"host", NULL, NULL, 0},
		{"host:", NULL, NULL, 0},
		{"host:65536", NULL, NULL, 0},
		{"host:64x", NULL, NULL, 0},
		{"host:-1", NULL, NULL, 0},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_address address;
		char text[HTTP_ADDRESS_TEXT];
		struct err err;
		int r = http_address_parse(cases[i].text, &address, &err);

		if (!cases[i].host) {
			CHECK_FAILS(cases[i].text, r, EINVAL, &err, "is no ADDRESS:PORT");
			continue;
		}
		CHECK_OK(cases[i].text, r, &err);
		http_address_text(&address, text);
		CHECK_STR(cases[i].text, address.host, cases[i].host);
		CHECK_EQ(cases[i].text, address.port, cases[i].port);
		CHECK_STR(cases[i].text, text, cases[i].again);
	}
}

TEST(urls_of_servers_are_taken_apart)
{
	static const struct {
		const char *url, *again, *why; /* why NULL: it is one */
	} cases[] = {
		{"https://10.0.0.1:6443", "10.0.0.1:6443", NULL},
		{"https://api.example", "api.example:443", NULL},
		{"https://api.example/", "api.example:443", NULL},
		{"https://[::1]", "[::1]:443", NULL},
		{"https://[::1]:8443/", "[::1]:8443", NULL},
		{"http://10.0.0.1:6443", NULL, "does not begin with https://"},
		{"10.0.0.1:6443", NULL, "does not begin with https://"},
		{"https://api.example/k8s", NULL, "a server has no path"},
		{"https://", NULL, "is no ADDRESS:PORT"},
		{"https://:6443", NULL, "is no ADDRESS:PORT"},
		{"https://a:b", NULL, "is no ADDRESS:PORT"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_address address;
		char text[HTTP_ADDRESS_TEXT];
		struct err err;
		int r = http_address_of_url(cases[i].url, &address, &err);

		if (cases[i].why) {
			CHECK_FAILS(cases[i].url, r, EINVAL, &err, cases[i].why);
			continue;
		}
		CHECK_OK(cases[i].url, r, &err);
		http_address_text(&address, text);
		CHECK_STR(cases[i].url, text, cases[i].again);
	}
}
