// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>

#include "tests/check.h"
#include "user/agent/vips.h"

static struct vips *vips_make(const char *cidr)
{
	struct vips *vips;
	struct err err;

	if (vips_new(cidr, &vips, &err) < 0)
		BAIL(err.text);
	return vips;
}

static const char *text(struct in_addr address)
{
	return inet_ntoa(address);
}

TEST(the_highest_free_address_is_taken_and_kept)
{
	struct vips *vips = vips_make("10.96.0.0/16");
	struct in_addr address;
	struct err err;
	bool changed;

	CHECK_OK("first", vips_take(vips, "default/a", &address, &changed, &err), &err);
	CHECK_STR("highest", text(address), "10.96.255.254");
	CHECK("a new address is to be recorded", changed);
	CHECK_OK("second", vips_take(vips, "default/b", &address, &changed, &err), &err);
	CHECK_STR("next", text(address), "10.96.255.253");
	CHECK_OK("again", vips_take(vips, "default/a", &address, &changed, &err), &err);
	CHECK_STR("the same as before", text(address), "10.96.255.254");
	CHECK("nothing new to record", !changed);
	CHECK_STR("who has it is known", vips_holder(vips, address), "default/a");
	/* The name that it gave is good for this, too. */
	CHECK("release", vips_release(vips, vips_holder(vips, address)));
	CHECK("nobody has it", !vips_holder(vips, address));
	CHECK_OK("third", vips_take(vips, "default/c", &address, &changed, &err), &err);
	CHECK_STR("a released one is free", text(address), "10.96.255.254");
	vips_free(vips);
}

TEST(asked_for_addresses_are_given_or_refused_with_the_reason)
{
	struct vips *vips = vips_make("10.96.0.0/24");
	struct in_addr address = {.s_addr = inet_addr("10.96.0.1")};
	struct err err;
	bool changed;

	CHECK_OK("a reserved one by name", vips_claim(vips, "default/dns", address, &changed, &err),
		&err);
	CHECK_OK(
		"its holder again", vips_claim(vips, "default/dns", address, &changed, &err), &err);
	CHECK("nothing changed", !changed);
	CHECK_FAILS("taken", vips_claim(vips, "default/x", address, &changed, &err), EADDRINUSE,
		&err, "spec.clusterIP: 10.96.0.1 is taken by service 'default/dns'");
	address.s_addr = inet_addr("10.97.0.9");
	CHECK_FAILS("outside", vips_claim(vips, "default/x", address, &changed, &err), ERANGE, &err,
		"not in the service range 10.96.0.0/24");
	address.s_addr = inet_addr("10.96.0.255");
	CHECK_FAILS("the broadcast address", vips_claim(vips, "default/x", address, &changed, &err),
		ERANGE, &err, "10.96.0.255");
	vips_free(vips);
}

TEST(a_full_range_is_refused_and_the_first_sixteen_are_never_chosen)
{
	struct vips *vips = vips_make("10.96.0.0/27");
	struct in_addr address;
	struct err err;
	bool changed;
	char key[32];
	int given = 0;

	for (;; given++) {
		snprintf(key, sizeof(key), "default/s%d", given);
		if (vips_take(vips, key, &address, &changed, &err) < 0)
			break;
		CHECK("above the reserved ones", ntohl(address.s_addr) > 0x0a600010);
	}
	CHECK_EQ("31 - 1 - 16 addresses", given, 14);
	CHECK_HAS("the reason", err.text, "no address is free in 10.96.0.0/27");
	vips_free(vips);
}

TEST(a_record_survives_a_restart_and_bad_entries_are_dropped)
{
	struct vips *vips = vips_make("10.96.0.0/24"), *again = vips_make("10.96.0.0/24");
	struct in_addr address;
	struct err err;
	bool changed;
	json_t *record;

	vips_take(vips, "default/a", &address, &changed, &err);
	vips_take(vips, "default/b", &address, &changed, &err);
	record = vips_record(vips);
	json_object_set_new(record, "default/z", json_string("192.168.0.1"));
	json_object_set_new(record, "default/y", json_integer(7));
	vips_load(again, record);
	CHECK_OK("b", vips_take(again, "default/b", &address, &changed, &err), &err);
	CHECK_STR("remembered", text(address), "10.96.0.253");
	CHECK_OK("z", vips_take(again, "default/z", &address, &changed, &err), &err);
	CHECK_STR("not the one outside", text(address), "10.96.0.252");
	json_decref(record);
	vips_free(vips);
	vips_free(again);
}

TEST(bad_ranges_are_refused)
{
	static const char *const bad[] = {"", "10.96.0.0", "10.96.0.0/8", "10.96.0.0/29", "x/16",
		"10.96.0.0/16abc", "10.96.0.1/16"};
	struct vips *vips;
	struct err err;

	for (size_t i = 0; i < COUNT(bad); i++)
		CHECK_FAILS(bad[i], vips_new(bad[i], &vips, &err), EINVAL, &err, "service range");
}
