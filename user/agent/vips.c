// SPDX-License-Identifier: Apache-2.0
#include "user/agent/vips.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/net/prefix.h"

struct vips {
	char cidr[PREFIX_TEXT];
	uint32_t first, last; /* host byte order; network and broadcast address included */
	json_t *taken;	      /* key -> address as text */
	json_t *holders;      /* address as text -> key */
};

int vips_new(const char *cidr, struct vips **ret, struct err *err)
{
	struct vips *vips = calloc(1, sizeof(*vips));
	struct prefix range;
	int r;

	if (!vips)
		return err_set(err, ENOMEM, "service range");
	r = prefix_parse(cidr, &range, err);
	if (r == 0 && (range.len < 12 || range.len > 28))
		r = err_refuse(err, EINVAL, "'%s': want 12 to 28 bits", cidr);
	if (r < 0) {
		free(vips);
		return err_wrap(err, "service range");
	}
	prefix_print(&range, vips->cidr);
	vips->first = ntohl(range.address.s_addr);
	vips->last = vips->first | (UINT32_MAX >> range.len);
	vips->taken = json_object();
	vips->holders = json_object();
	if (!vips->taken || !vips->holders) {
		vips_free(vips);
		return err_set(err, ENOMEM, "service range");
	}
	*ret = vips;
	return 0;
}

struct vips *vips_free(struct vips *vips)
{
	if (vips) {
		json_decref(vips->taken);
		json_decref(vips->holders);
		free(vips);
	}
	return NULL;
}

static bool vips_contains(const struct vips *vips, uint32_t address)
{
	return address > vips->first && address < vips->last;
}

static const char *vips_text(uint32_t address, char ret[INET_ADDRSTRLEN])
{
	struct in_addr in = {.s_addr = htonl(address)};

	inet_ntop(AF_INET, &in, ret, INET_ADDRSTRLEN);
	return ret;
}

static int vips_set(struct vips *vips, const char *key, uint32_t address)
{
	char text[INET_ADDRSTRLEN];

	vips_text(address, text);
	vips_release(vips, key);
	if (json_object_set_new(vips->taken, key, json_string(text)) < 0 ||
		json_object_set_new(vips->holders, text, json_string(key)) < 0)
		return -ENOMEM;
	return 0;
}

void vips_load(struct vips *vips, const json_t *record)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)record, key, value) {
		struct in_addr address;
		const char *text = json_string_value(value);

		if (text && inet_pton(AF_INET, text, &address) == 1 &&
			vips_contains(vips, ntohl(address.s_addr)) &&
			!json_object_get(vips->holders, text))
			vips_set(vips, key, ntohl(address.s_addr));
	}
}

json_t *vips_record(const struct vips *vips)
{
	return json_deep_copy(vips->taken);
}

int vips_take(
	struct vips *vips, const char *key, struct in_addr *ret, bool *ret_changed, struct err *err)
{
	const char *mine = json_string_value(json_object_get(vips->taken, key));
	char text[INET_ADDRSTRLEN];

	*ret_changed = false;
	if (mine)
		return inet_pton(AF_INET, mine, ret) == 1 ? 0 : -EINVAL;
	for (uint32_t address = vips->last - 1; address > vips->first + VIPS_RESERVED; address--) {
		if (json_object_get(vips->holders, vips_text(address, text)))
			continue;
		if (vips_set(vips, key, address) < 0)
			return err_set(err, ENOMEM, "give service '%s' an address", key);
		ret->s_addr = htonl(address);
		*ret_changed = true;
		return 0;
	}
	return err_refuse(err, ENOSPC, "service '%s': no address is free in %s", key, vips->cidr);
}

int vips_claim(struct vips *vips, const char *key, struct in_addr address, bool *ret_changed,
	struct err *err)
{
	uint32_t host = ntohl(address.s_addr);
	char text[INET_ADDRSTRLEN];
	const char *holder;

	*ret_changed = false;
	vips_text(host, text);
	if (!vips_contains(vips, host))
		return err_refuse(err, ERANGE,
			"service '%s': spec.clusterIP: %s is not in the service range %s", key,
			text, vips->cidr);
	holder = json_string_value(json_object_get(vips->holders, text));
	if (holder && strcmp(holder, key) != 0)
		return err_refuse(err, EADDRINUSE,
			"service '%s': spec.clusterIP: %s is taken by service '%s'", key, text,
			holder);
	if (holder)
		return 0;
	*ret_changed = true;
	if (vips_set(vips, key, host) < 0)
		return err_set(err, ENOMEM, "give service '%s' an address", key);
	return 0;
}

const char *vips_holder(const struct vips *vips, struct in_addr address)
{
	char text[INET_ADDRSTRLEN];

	return json_string_value(
		json_object_get(vips->holders, vips_text(ntohl(address.s_addr), text)));
}

bool vips_release(struct vips *vips, const char *key)
{
	const char *taken = json_string_value(json_object_get(vips->taken, key));
	char text[INET_ADDRSTRLEN];

	if (!taken)
		return false;
	/* @key may be what vips_holder gave: it goes last. */
	snprintf(text, sizeof(text), "%s", taken);
	json_object_del(vips->taken, key);
	json_object_del(vips->holders, text);
	return true;
}
