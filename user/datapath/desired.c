// SPDX-License-Identifier: Apache-2.0
#include "user/datapath/desired.h"

#include <arpa/inet.h>
#include <errno.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/datapath/datapath.h"

struct name {
	uint64_t key;
	size_t index;
};

static int name_compare(const void *a, const void *b)
{
	uint64_t one = ((const struct name *)a)->key, other = ((const struct name *)b)->key;

	return one < other ? -1 : one > other;
}

/* The index of an element whose key another one has too, or @count.  Sorts @names. */
static size_t names_repeat(struct name *names, size_t count)
{
	qsort(names, count, sizeof(*names), name_compare);
	for (size_t i = 1; i < count; i++) {
		if (names[i - 1].key == names[i].key)
			return names[i].index;
	}
	return count;
}

static int endpoints_check(const struct dp_desired *desired, struct name *names, struct err *err)
{
	size_t count = desired->endpoint_count, twice;
	char address[INET_ADDRSTRLEN];

	for (size_t i = 0; i < count; i++) {
		const struct dp_endpoint *endpoint = &desired->endpoints[i];

		if (!endpoint->address.s_addr || endpoint->state >= ENDPOINT_STATES)
			return err_refuse(err, EINVAL, "endpoint %zu: bad address or state", i);
		names[i] = (struct name){endpoint->address.s_addr, i};
	}
	twice = names_repeat(names, count);
	if (twice == count)
		return 0;
	inet_ntop(AF_INET, &desired->endpoints[twice].address, address, sizeof(address));
	return err_refuse(err, EINVAL, "endpoint %s is given twice", address);
}

static int services_check(const struct dp_desired *desired, struct name *names, struct err *err)
{
	size_t count = desired->service_count, twice;
	char address[INET_ADDRSTRLEN];

	for (size_t i = 0; i < count; i++) {
		const struct dp_service *service = &desired->services[i];

		if (!service->vip.s_addr || (service->accepts & 1 << ENDPOINT_DOWN))
			return err_refuse(err, EINVAL,
				"service %zu: no address, or one that accepts DOWN", i);
		names[i] = (struct name){(uint64_t)service->vip.s_addr << 32 |
						 (uint32_t)service->port << 8 | service->protocol,
			i};
	}
	twice = names_repeat(names, count);
	if (twice == count)
		return 0;
	inet_ntop(AF_INET, &desired->services[twice].vip, address, sizeof(address));
	return err_refuse(err, EINVAL, "service %s:%u is given twice", address,
		ntohs(desired->services[twice].port));
}

int desired_check(const struct dp_desired *desired, struct err *err)
{
	size_t most = desired->endpoint_count > desired->service_count ? desired->endpoint_count
								       : desired->service_count;
	AUTO_FREE struct name *names = calloc(most + 1, sizeof(*names));
	int r;

	if (!names)
		return err_set(err, ENOMEM, "check the desired data plane");
	r = endpoints_check(desired, names, err);
	return r < 0 ? r : services_check(desired, names, err);
}

static int address_compare(const void *a, const void *b, void *desired)
{
	const struct dp_endpoint *endpoints = ((const struct dp_desired *)desired)->endpoints;
	uint32_t one = endpoints[*(const size_t *)a].address.s_addr;
	uint32_t other = endpoints[*(const size_t *)b].address.s_addr;

	return one < other ? -1 : one > other;
}

size_t *desired_sort(const struct dp_desired *desired)
{
	size_t *by_address = calloc(desired->endpoint_count + 1, sizeof(*by_address));

	if (!by_address)
		return NULL;
	for (size_t i = 0; i < desired->endpoint_count; i++)
		by_address[i] = i;
	qsort_r(by_address, desired->endpoint_count, sizeof(*by_address), address_compare,
		(void *)desired);
	return by_address;
}

size_t desired_look_up(
	const struct dp_desired *desired, const size_t *by_address, struct in_addr address)
{
	size_t low = 0, high = desired->endpoint_count;

	while (low < high) {
		size_t middle = (low + high) / 2, index = by_address[middle];

		if (desired->endpoints[index].address.s_addr == address.s_addr)
			return index;
		if (desired->endpoints[index].address.s_addr < address.s_addr)
			low = middle + 1;
		else
			high = middle;
	}
	return DESIRED_NONE;
}
