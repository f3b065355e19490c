// SPDX-License-Identifier: Apache-2.0
#include "cni/config.h"

#include <arpa/inet.h>
#include <limits.h>
#include <string.h>

#include "cni/names.h"
#include "podnet/cniwire.h"
#include "user/base/cleanup.h"
#include "user/base/fs.h"

#define CONFIG_MTU_MIN	  68	/* IPv4's own minimum */
#define CONFIG_MTU_MAX	  65535 /* veth's maximum */
#define CONFIG_PREFIX_MAX 30	/* a subnet has network, gateway, broadcast and something left */
#define CONFIG_PREFIX_MIN 8

const char *const config_versions[] = {"0.3.1", "0.4.0", "1.0.0", "1.1.0", NULL};

static int config_version_index(const char *version)
{
	for (int i = 0; config_versions[i]; i++)
		if (strcmp(config_versions[i], version) == 0)
			return i;
	return -1;
}

bool config_version_is_since(const char *version, const char *than)
{
	return config_version_index(version) >= config_version_index(than);
}

int config_read_version(const json_t *json, const char **ret, struct fault *fault)
{
	const json_t *version = json_object_get(json, "cniVersion");

	if (!json_is_object(json))
		return fault_set(fault, CNI_DECODING_FAILURE,
			"the network configuration is not a JSON object");
	if (version && !json_is_string(version))
		return fault_set(fault, CNI_DECODING_FAILURE, "cniVersion is not a string");
	*ret = version ? json_string_value(version) : "0.1.0";
	return 0;
}

/* A key that is missing keeps *@ret; one of another type is refused. */
static int config_string(
	const json_t *object, const char *key, const char **ret, struct fault *fault)
{
	const json_t *value = json_object_get(object, key);

	if (!value)
		return 0;
	if (!json_is_string(value))
		return fault_set(fault, CNI_INVALID_CONFIG, "%s: not a string", key);
	*ret = json_string_value(value);
	return 0;
}

static int config_path(const json_t *json, const char *key, const char **ret, struct fault *fault)
{
	int r = config_string(json, key, ret, fault);

	if (r == 0 && ((*ret)[0] != '/' || strlen(*ret) > PATH_MAX / 2))
		return fault_set(
			fault, CNI_INVALID_CONFIG, "%s: '%.64s' is no absolute path", key, *ret);
	return r;
}

static int config_prefix(const char *key, const char *text, struct prefix *ret, struct fault *fault)
{
	struct err err;

	if (prefix_parse(text, ret, &err) < 0)
		return fault_set(fault, CNI_INVALID_CONFIG, "%s: %.200s", key, err.text);
	return 0;
}

/* "rangeStart" and "rangeEnd" narrow what the subnet offers. */
static int config_bound(const json_t *range, const char *key, const struct prefix *subnet,
	uint32_t *ret, struct fault *fault)
{
	const char *text = NULL;
	struct in_addr address;
	int r = config_string(range, key, &text, fault);

	if (r < 0 || !text)
		return r;
	if (inet_pton(AF_INET, text, &address) != 1)
		return fault_set(fault, CNI_INVALID_CONFIG,
			"ipam.ranges: %s '%.64s' is not an IPv4 address", key, text);
	if (!prefix_holds(subnet, address))
		return fault_set(fault, CNI_INVALID_CONFIG,
			"ipam.ranges: %s '%s' is outside of its subnet", key, text);
	*ret = ntohl(address.s_addr);
	return 0;
}

/* The network's first address is the gateway by custom and is never given out, nor is the last. */
static int config_range(
	const json_t *json, struct prefix *ret_subnet, struct ipam_range *ret, struct fault *fault)
{
	const char *text = "";
	uint32_t base, size;
	int r;

	if (!json_is_object(json))
		return fault_set(
			fault, CNI_INVALID_CONFIG, "ipam.ranges: a range is not an object");
	r = config_string(json, "subnet", &text, fault);
	if (r == 0)
		r = config_prefix("ipam.ranges: subnet", text, ret_subnet, fault);
	if (r < 0)
		return r;
	if (ret_subnet->len < CONFIG_PREFIX_MIN || ret_subnet->len > CONFIG_PREFIX_MAX)
		return fault_set(fault, CNI_INVALID_CONFIG,
			"ipam.ranges: subnet '%s' must be between /%d and /%d", text,
			CONFIG_PREFIX_MIN, CONFIG_PREFIX_MAX);
	base = ntohl(ret_subnet->address.s_addr);
	size = UINT32_C(1) << (32 - ret_subnet->len);
	*ret = (struct ipam_range){base + 2, base + size - 2};
	r = config_bound(json, "rangeStart", ret_subnet, &ret->first, fault);
	if (r == 0)
		r = config_bound(json, "rangeEnd", ret_subnet, &ret->last, fault);
	if (r == 0 && ret->first > ret->last)
		return fault_set(
			fault, CNI_INVALID_CONFIG, "ipam.ranges: the range in '%s' is empty", text);
	return r;
}

/* host-local's shape: a list of sets, an address from each set.  Pods have one IPv4 address: one set. */
static int config_ranges(const json_t *ipam, struct config *config, struct fault *fault)
{
	const json_t *sets = json_object_get(ipam, "ranges"), *set = json_array_get(sets, 0);
	int r = 0;

	if (!json_is_array(set) || json_array_size(set) == 0)
		return fault_set(fault, CNI_INVALID_CONFIG,
			"ipam.ranges: must be [[{\"subnet\": \"10.244.0.0/24\"}]]");
	if (json_array_size(sets) > 1)
		return fault_set(fault, CNI_INVALID_CONFIG,
			"ipam.ranges: more than one set: Pods have one IPv4 address");
	if (json_array_size(set) > CONFIG_RANGES_MAX)
		return fault_set(fault, CNI_INVALID_CONFIG, "ipam.ranges: more than %d ranges",
			CONFIG_RANGES_MAX);
	for (size_t i = 0; r == 0 && i < json_array_size(set); i++)
		r = config_range(
			json_array_get(set, i), &config->subnets[i], &config->ranges[i], fault);
	config->range_count = json_array_size(set);
	return r;
}

static int config_ipam(const json_t *json, struct config *config, struct fault *fault)
{
	const json_t *ipam = json_object_get(json, "ipam");
	const char *type = "";
	int r;

	if (!json_is_object(ipam))
		return fault_set(fault, CNI_INVALID_CONFIG, "ipam: missing, or not an object");
	r = config_string(ipam, "type", &type, fault);
	if (r < 0)
		return r;
	if (strcmp(type, "podnet") != 0)
		return fault_set(fault, CNI_INVALID_CONFIG,
			"ipam.type: '%.64s' is not supported, only 'podnet' is", type);
	return config_ranges(ipam, config, fault);
}

static int config_name(const json_t *json, struct config *config, struct fault *fault)
{
	int r;

	config->name = "";
	r = config_string(json, "name", &config->name, fault);
	if (r == 0 && !name_is_id(config->name))
		return fault_set(fault, CNI_INVALID_CONFIG, "name: '%.64s' is not a network name",
			config->name);
	if (r < 0)
		return r;
	config->instance = CNI_DEFAULT_INSTANCE;
	r = config_string(json, "instance", &config->instance, fault);
	/* Dots are not allowed in names of bpffs; the length leaves room in nf_tables' names. */
	if (r == 0 && (!name_is_id(config->instance) || strchr(config->instance, '.') ||
			      strlen(config->instance) > 63))
		return fault_set(fault, CNI_INVALID_CONFIG,
			"instance: '%.64s' is not an instance name", config->instance);
	return r;
}

static int config_directories(const json_t *json, struct config *config, struct fault *fault)
{
	const char *state = CNI_DEFAULT_STATE_DIR;
	int r;

	config->bpf_dir = CNI_DEFAULT_BPF_DIR;
	r = config_path(json, "bpfDir", &config->bpf_dir, fault);
	if (r == 0)
		r = config_path(json, "stateDir", &state, fault);
	if (r < 0)
		return r;
	config->pool_dir = fs_format("%s/ipam/%s", state, config->name);
	return config->pool_dir ? 0 : err_set(&fault->err, ENOMEM, "read the configuration");
}

static int config_mtu(const json_t *json, struct config *config, struct fault *fault)
{
	const json_t *mtu = json_object_get(json, "mtu");
	json_int_t bytes = json_integer_value(mtu);

	if (mtu && !json_is_integer(mtu))
		return fault_set(fault, CNI_INVALID_CONFIG, "mtu: not an integer");
	if (bytes != 0 && (bytes < CONFIG_MTU_MIN || bytes > CONFIG_MTU_MAX))
		return fault_set(fault, CNI_INVALID_CONFIG,
			"mtu: must be 0 (the uplink's) or between %d and %d", CONFIG_MTU_MIN,
			CONFIG_MTU_MAX);
	config->mtu = (unsigned)bytes;
	return 0;
}

/* What earlier plugins of the chain made: only its outline is checked, it is passed on as it is. */
static int config_previous(const json_t *json, struct config *config, struct fault *fault)
{
	static const char *const arrays[] = {"interfaces", "ips", "routes"};
	json_t *previous = json_object_get(json, "prevResult");

	if (!previous || json_is_null(previous))
		return 0;
	if (!json_is_object(previous))
		return fault_set(fault, CNI_DECODING_FAILURE, "prevResult: not an object");
	for (size_t i = 0; i < COUNT(arrays); i++) {
		const json_t *array = json_object_get(previous, arrays[i]);

		if (array && !json_is_array(array))
			return fault_set(fault, CNI_DECODING_FAILURE, "prevResult.%s: not an array",
				arrays[i]);
	}
	config->previous = previous;
	return 0;
}

static int config_rest(const json_t *json, struct config *config, struct fault *fault)
{
	const json_t *masquerade = json_object_get(json, "ipMasq");
	const char *service = CNI_DEFAULT_SERVICE_CIDR;
	int r;

	if (masquerade && !json_is_boolean(masquerade))
		return fault_set(fault, CNI_INVALID_CONFIG, "ipMasq: not a boolean");
	config->masquerade = !masquerade || json_is_true(masquerade);
	config->dns = json_object_get(json, "dns");
	if (config->dns && !json_is_object(config->dns))
		return fault_set(fault, CNI_INVALID_CONFIG, "dns: not an object");
	r = config_string(json, "serviceCIDR", &service, fault);
	if (r == 0)
		r = config_prefix("serviceCIDR", service, &config->service, fault);
	return r;
}

int config_read(json_t *json, struct config *ret, struct fault *fault)
{
	AUTO_CONFIG config = {.json = json_incref(json)};
	int r;

	r = config_read_version(json, &config.version, fault);
	if (r < 0)
		return r;
	if (config_version_index(config.version) < 0)
		return fault_set(fault, CNI_INCOMPATIBLE_VERSION,
			"incompatible CNI versions: the configuration's is '%.32s', the plugin "
			"supports 0.3.1, 0.4.0, 1.0.0, 1.1.0",
			config.version);
	r = config_name(json, &config, fault);
	if (r == 0)
		r = config_directories(json, &config, fault);
	if (r == 0)
		r = config_ipam(json, &config, fault);
	if (r == 0)
		r = config_rest(json, &config, fault);
	if (r == 0)
		r = config_mtu(json, &config, fault);
	if (r == 0)
		r = config_previous(json, &config, fault);
	if (r < 0)
		return r;
	*ret = config;
	config = CONFIG_EMPTY;
	return 0;
}

void config_free(struct config *config)
{
	json_decref(config->json);
	free(config->pool_dir);
	*config = CONFIG_EMPTY;
}
