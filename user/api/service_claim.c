// SPDX-License-Identifier: Apache-2.0
/* Addresses and node ports of Services, each a key of the store. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "user/api/service.h"
#include "user/api/state.h"
#include "user/api/write.h"
#include "user/model/causes.h"
#include "user/model/place.h"

#define SPEC PLACE_KEY(PLACE_ROOT(NULL), "spec")

/* Digits of one width: the order of keys is that of numbers. */
static void address_key(uint32_t address, char ret[CLAIM_KEY_MAX])
{
	snprintf(ret, CLAIM_KEY_MAX, "/claims/addresses/%08" PRIx32, address);
}

static void port_key(long long number, char ret[CLAIM_KEY_MAX])
{
	snprintf(ret, CLAIM_KEY_MAX, "/claims/nodeports/%05lld", number);
}

/* --- what a Service has --- */

static int address_hold(const json_t *spec, struct claims *held)
{
	char key[CLAIM_KEY_MAX];
	uint32_t address;

	if (!range_read_address(json_string_at(spec, "clusterIP", ""), &address))
		return 0;
	address_key(address, key);
	return claims_add(held, CLAIM_TAKE, key, 0);
}

static int port_hold(long long number, struct claims *held)
{
	char key[CLAIM_KEY_MAX];

	if (!number)
		return 0;
	port_key(number, key);
	return claims_take(held, key) ? 0 : claims_add(held, CLAIM_TAKE, key, 0);
}

static int service_hold(const json_t *service, struct claims *held)
{
	const json_t *spec = json_object_get(service, "spec");
	json_t *port;
	size_t i;
	int r = address_hold(spec, held);

	json_array_foreach (json_object_get(spec, "ports"), i, port)
		if (r == 0)
			r = port_hold(json_integer_at(port, "nodePort", 0), held);
	return r == 0 ? port_hold(json_integer_at(spec, "healthCheckNodePort", 0), held) : r;
}

/* --- what it gets --- */

struct allotment {
	struct write *write;
	const struct claims *held; /* before */
	struct causes *causes;
	struct failure *failure;
	long long tried; /* node ports up to this one are taken */
};

static int no_memory(struct allotment *allotment)
{
	return failure_internal(allotment->failure, "out of memory");
}

/* Takes what is new; what it has already is taken. */
static int allot(struct allotment *allotment, const char *key)
{
	struct claims *claims = &allotment->write->claims;

	if (claims_take(allotment->held, key) || claims_take(claims, key))
		return 0;
	return claims_add(claims, CLAIM_TAKE, key, 0) < 0 ? no_memory(allotment) : 0;
}

static bool is_free(const struct allotment *allotment, const char *key)
{
	return claim_is_free(allotment->write->request.api, key) &&
	       !claims_take(&allotment->write->claims, key);
}

static int address_set(struct allotment *allotment, json_t *spec, uint32_t address)
{
	char text[RANGE_ADDRESS_LEN];

	range_write_address(address, text);
	if (json_object_set_new(spec, "clusterIP", json_string(text)) < 0 ||
		json_object_set_new(spec, "clusterIPs", json_pack("[s]", text)) < 0)
		return no_memory(allotment);
	return 0;
}

static int address_find(struct allotment *allotment, json_t *spec)
{
	const struct address_range *range = &allotment->write->request.api->services;
	char key[CLAIM_KEY_MAX];

	for (uint32_t address = range->first + RANGE_NAMED; address <= range->last; address++) {
		address_key(address, key);
		if (!is_free(allotment, key))
			continue;
		if (address_set(allotment, spec, address) < 0)
			return -1;
		return allot(allotment, key);
	}
	return failure_internal(allotment->failure,
		"Internal error occurred: failed to allocate a serviceIP: range is full");
}

static int address_check(struct allotment *allotment, const json_t *value)
{
	const struct address_range *range = &allotment->write->request.api->services;
	const struct place *place = PLACE_KEY(SPEC, "clusterIP");
	char words[120], key[CLAIM_KEY_MAX];
	uint32_t address;

	if (!range_read_address(json_string_value(value), &address))
		return 0; /* None */
	address_key(address, key);
	if (claims_take(allotment->held, key))
		return 0;
	if (!range_has(range, address)) {
		snprintf(words, sizeof(words),
			"provided IP is not in the valid range. The range of valid IPs is %s",
			range->text);
		cause_invalid(allotment->causes, place, value, words);
		return 0;
	}
	if (!is_free(allotment, key)) {
		cause_invalid(allotment->causes, place, value, "provided IP is already allocated");
		return 0;
	}
	return allot(allotment, key);
}

static int address_allot(struct allotment *allotment, json_t *spec)
{
	json_t *value = json_object_get(spec, "clusterIP");

	return value ? address_check(allotment, value) : address_find(allotment, spec);
}

static int port_check(struct allotment *allotment, const json_t *value, const struct place *place)
{
	long long number = json_integer_value(value);
	char words[120], key[CLAIM_KEY_MAX];

	port_key(number, key);
	/* One Service may have the same number for several protocols. */
	if (claims_take(allotment->held, key) || claims_take(&allotment->write->claims, key))
		return 0;
	if (number < NODE_PORT_FIRST || number > NODE_PORT_LAST) {
		snprintf(words, sizeof(words),
			"provided port is not in the valid range. The range of valid ports is "
			"%d-%d",
			NODE_PORT_FIRST, NODE_PORT_LAST);
		cause_invalid(allotment->causes, place, value, words);
		return 0;
	}
	if (!is_free(allotment, key)) {
		cause_invalid(
			allotment->causes, place, value, "provided port is already allocated");
		return 0;
	}
	return allot(allotment, key);
}

/* Goes on where the search for the port before it ended: what was taken then still is. */
static long long port_search(struct allotment *allotment, long long first, long long last)
{
	char key[CLAIM_KEY_MAX];

	if (allotment->tried >= first && allotment->tried <= last)
		first = allotment->tried + 1;
	for (long long number = first; number <= last; number++) {
		port_key(number, key);
		if (!is_free(allotment, key))
			continue;
		allotment->tried = number;
		return number;
	}
	return 0;
}

static int port_find(struct allotment *allotment, json_t *object, const char *field)
{
	long long number =
		port_search(allotment, NODE_PORT_FIRST + NODE_PORT_NAMED, NODE_PORT_LAST);
	char key[CLAIM_KEY_MAX];

	if (!number)
		number = port_search(
			allotment, NODE_PORT_FIRST, NODE_PORT_FIRST + NODE_PORT_NAMED - 1);
	if (!number)
		return failure_internal(allotment->failure,
			"Internal error occurred: failed to allocate a nodePort: range is full");
	port_key(number, key);
	if (json_object_set_new(object, field, json_integer(number)) < 0)
		return no_memory(allotment);
	return allot(allotment, key);
}

/* One number serves a port for all its protocols.  @numbers: port -> its node port. */
static void sibling_note(json_t *numbers, const json_t *port)
{
	json_t *number = json_object_get(port, "nodePort");
	char key[24];

	snprintf(key, sizeof(key), "%lld", json_integer_at(port, "port", 0));
	if (number)
		json_object_set(numbers, key, number);
}

static json_t *sibling_number(const json_t *numbers, const json_t *port)
{
	char key[24];

	snprintf(key, sizeof(key), "%lld", json_integer_at(port, "port", 0));
	return json_object_get(numbers, key);
}

static int ports_allot(struct allotment *allotment, json_t *ports)
{
	AUTO_JSON numbers = json_object();
	json_t *port, *value;
	size_t i;

	json_array_foreach (ports, i, port) { /* those that are named go first */
		value = json_object_get(port, "nodePort");
		sibling_note(numbers, port);
		if (value && port_check(allotment, value,
				     PLACE_KEY(PLACE_INDEX(PLACE_KEY(SPEC, "ports"), i),
					     "nodePort")) < 0)
			return -1;
	}
	json_array_foreach (ports, i, port) {
		json_t *sibling = sibling_number(numbers, port);

		if (json_object_get(port, "nodePort"))
			continue;
		if (sibling)
			json_object_set(port, "nodePort", sibling);
		else if (port_find(allotment, port, "nodePort") < 0)
			return -1;
		sibling_note(numbers, port);
	}
	return 0;
}

static int health_allot(struct allotment *allotment, json_t *spec)
{
	json_t *value = json_object_get(spec, "healthCheckNodePort");

	if (strcmp(json_string_at(spec, "externalTrafficPolicy", ""), "Local") != 0)
		return 0;
	return value ? port_check(allotment, value, PLACE_KEY(SPEC, "healthCheckNodePort"))
		     : port_find(allotment, spec, "healthCheckNodePort");
}

static int service_allot(struct allotment *allotment, json_t *service)
{
	json_t *spec = json_object_get(service, "spec");
	const char *type = json_string_at(spec, "type", "");
	bool balancer = strcmp(type, "LoadBalancer") == 0;
	bool ports = strcmp(type, "NodePort") == 0 ||
		     (balancer && !json_is_false(
					  json_object_get(spec, "allocateLoadBalancerNodePorts")));

	if (strcmp(type, "ExternalName") == 0)
		return 0;
	if (address_allot(allotment, spec) < 0 ||
		(ports && ports_allot(allotment, json_object_get(spec, "ports")) < 0))
		return -1;
	return balancer ? health_allot(allotment, spec) : 0;
}

/* Keys of @held that @now has not. */
static int claims_leave(struct claims *claims, const struct claims *held, const struct claims *now)
{
	int r = 0;

	for (size_t i = 0; i < held->count && r == 0; i++)
		if (!claims_take(now, held->list[i].key))
			r = claims_add(claims, CLAIM_LEAVE, held->list[i].key, 0);
	return r;
}

int service_claim(struct write *write, json_t *object, const json_t *old, struct causes *causes,
	struct failure *failure)
{
	AUTO_CLAIMS held = {0};
	AUTO_CLAIMS now = {0};
	struct allotment allotment = {
		.write = write, .held = &held, .causes = causes, .failure = failure};

	if (service_hold(old, &held) < 0)
		return no_memory(&allotment);
	if (object && service_allot(&allotment, object) < 0)
		return -1;
	if (service_hold(object, &now) < 0 || claims_leave(&write->claims, &held, &now) < 0)
		return no_memory(&allotment);
	return 0;
}
