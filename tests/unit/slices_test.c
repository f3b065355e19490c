// SPDX-License-Identifier: Apache-2.0
/* EndpointSlices as the data plane wants them, and which objects a Pod names. */
#include <arpa/inet.h>

#include "tests/check.h"
#include "tests/json.h"
#include "user/cluster/references.h"
#include "user/cluster/slices.h"

#define SLICE(name, ports, endpoints)                                                       \
	"'default/" name "':{'metadata':{'namespace':'default','name':'" name "','labels':" \
	"{'kubernetes.io/service-name':'web'}},'addressType':'IPv4','ports':[" ports "],"   \
	"'endpoints':[" endpoints "]}"

struct seen {
	char text[512];
};

static void see(void *userdata, const struct slice_endpoint *endpoint)
{
	static const char *const states[] = {"ready", "unready", "terminating"};
	struct seen *seen = userdata;
	size_t len = strlen(seen->text);
	char address[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &endpoint->address, address, sizeof(address));
	snprintf(seen->text + len, sizeof(seen->text) - len, "%s%s:%u %s%s%s%s", len ? ", " : "",
		address, endpoint->port, states[endpoint->state], endpoint->here ? " here" : "",
		endpoint->pod[0] ? " " : "", endpoint->pod);
}

static const struct {
	const char *what, *slices, *port;
	enum protocol protocol;
	const char *want;
} cases[] = {
	{"endpoints of all slices, wherever they are",
		"{" SLICE("a", "{'name':'http','port':8080,'protocol':'TCP'}",
			"{'addresses':['10.0.0.1'],'nodeName':'n1','targetRef':{'kind':'Pod','name'"
			":'p'}}") "," SLICE("b", "{'name':'http','port':8081}",
			"{'addresses':['10.0.1.1']}") "}",
		"http", PROTOCOL_TCP, "10.0.0.1:8080 ready here p, 10.0.1.1:8081 ready"},
	{"a port of another name or protocol is another",
		"{" SLICE("a",
			"{'name':'dns','port':53,'protocol':'UDP'},{'name':'http','port':53}",
			"{'addresses':['10.0.0.1']}") "}",
		"dns", PROTOCOL_TCP, ""},
	{"a port without a name",
		"{" SLICE("a", "{'port':53,'protocol':'UDP'}", "{'addresses':['10.0.0.1']}") "}",
		"", PROTOCOL_UDP, "10.0.0.1:53 ready"},
	{"states",
		"{" SLICE("a", "{'name':'','port':1}",
			"{'addresses':['10.0.0.1'],'conditions':{'ready':false}},"
			"{'addresses':['10.0.0.2'],'conditions':{'ready':false,'serving':true,'"
			"terminating':true}},"
			"{'addresses':['10.0.0.3'],'conditions':{'ready':true,'terminating':false}}"
			",{'addresses':['10.0.0.4'],'conditions':{'ready':false,'terminating':true}"
			"},"
			"{'addresses':['10.0.0.5'],'conditions':{'ready':false,'serving':false,"
			"'terminating':true}},"
			"{'addresses':['10.0.0.6'],'conditions':{'ready':true,'terminating':true}},"
			"{'addresses':['nonsense'],'conditions':{}}") "}",
		"", PROTOCOL_TCP,
		"10.0.0.1:1 unready, 10.0.0.2:1 terminating, 10.0.0.3:1 ready, "
		"10.0.0.4:1 terminating, 10.0.0.5:1 unready, 10.0.0.6:1 ready"},
	{"slices of no Service, or with other addresses, are left out",
		"{'default/x':{'metadata':{'namespace':'default','name':'x'},'addressType':'IPv4'},"
		"'default/y':{'metadata':{'namespace':'default','name':'y','labels':"
		"{'kubernetes.io/service-name':'web'}},'addressType':'IPv6','ports':[{'port':1}],"
		"'endpoints':[{'addresses':['fd00::1']}]}}",
		"", PROTOCOL_TCP, ""},
};

TEST(endpoints_of_a_port)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_JSON slices = json_quoted(cases[i].slices);
		AUTO_JSON index = slices_index(slices);
		struct service_port port = {.name = cases[i].port, .protocol = cases[i].protocol};
		struct seen seen = {""};

		slices_each(json_object_get(index, "default/web"), &port, "n1", see, &seen);
		CHECK_STR(cases[i].what, seen.text, cases[i].want);
	}
}

TEST(what_is_kept_is_enough)
{
	AUTO_JSON object =
		json_quoted("{'kind':'Service','apiVersion':'v1','metadata':{'name':'web',"
			    "'namespace':'default','uid':'u','annotations':{'a':'b'},"
			    "'managedFields':[]},'spec':{'clusterIP':'10.96.0.1'},"
			    "'status':{'loadBalancer':{}}}");
	AUTO_JSON slim = slices_slim(object);
	AUTO_FREE char *text = json_text(slim);

	CHECK_STR("no more", text,
		"{\"kind\":\"Service\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"web\","
		"\"namespace\":\"default\",\"uid\":\"u\"},\"spec\":{\"clusterIP\":\"10.96.0.1\"}}");
}

TEST(a_pod_names_its_sources)
{
	AUTO_JSON pod = json_quoted(
		"{'metadata':{'namespace':'ns'},'spec':{'initContainers':[{'envFrom':"
		"[{'configMapRef':{'name':'a'}},{'secretRef':{'name':'b'}}]}],'containers':[{'env':"
		"[{'name':'X','value':'x'},{'name':'Y','valueFrom':{'configMapKeyRef':{'name':'c',"
		"'key':'k'}}},{'name':'Z','valueFrom':{'secretKeyRef':{'name':'b','key':'k'}}}]}],"
		"'volumes':[{'name':'v','configMap':{'name':'d'}},{'name':'w','secret':"
		"{'secretName':'e'}},{'name':'x','emptyDir':{}}]}}");
	AUTO_JSON keys = json_object();
	AUTO_FREE char *text = NULL;

	CHECK_EQ("they are found", references_of(pod, keys), 0);
	text = json_dumps(keys, JSON_COMPACT | JSON_SORT_KEYS);
	CHECK_STR("each once", text,
		"{\"ConfigMap/ns/a\":true,\"ConfigMap/ns/c\":true,\"ConfigMap/ns/d\":true,"
		"\"Secret/ns/b\":true,\"Secret/ns/e\":true}");
}
