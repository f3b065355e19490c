// SPDX-License-Identifier: Apache-2.0
/* The causes of 422, as a recorded kube-apiserver gave them (with the words of the served version). */
#include "tests/check.h"
#include "tests/json.h"
#include "user/model/causes.h"
#include "user/model/codec_json.h"
#include "user/model/defaults.h"
#include "user/model/kinds.h"
#include "user/model/schema.h"
#include "user/model/validate.h"

static const struct kind *kind_of(const json_t *object)
{
	return kind_by_type(
		json_string_at(object, "apiVersion", ""), json_string_at(object, "kind", ""));
}

/* The object of @text as a server has it before validation. */
static json_t *complete(const char *text)
{
	json_t *object = json_quoted(text);
	struct err err = {0};

	if (codec_json_clean(object, kind_of(object)->message, NULL, &err) < 0)
		BAIL(err.text);
	if (defaults_apply(object, kind_of(object)->message) < 0)
		BAIL(text);
	return object;
}

#define POD_WITH(spec) \
	"{'apiVersion':'v1','kind':'Pod','metadata':{'name':'p','namespace':'n'},'spec':{" spec "}}"
/* A Pod with one ephemeral container, d, of which @rest says more. */
#define DEBUGGED(rest)                                                                        \
	POD_WITH("'initContainers':[{'name':'first','image':'i'}],'containers':[{'name':'c'," \
		 "'image':'i'}],'volumes':[{'name':'v','emptyDir':{}}],"                      \
		 "'ephemeralContainers':[{'name':'d','image':'i'," rest "}]")
#define SERVICE(spec)                                                                  \
	"{'apiVersion':'v1','kind':'Service','metadata':{'name':'s','namespace':'n'}," \
	"'spec':{" spec "}}"
#define CONFIG_MAP(rest) \
	"{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'c','namespace':'n'}," rest "}"
#define LEAVING(finalizers)                                                                       \
	"{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'c','namespace':'n',"           \
	"'deletionTimestamp':'2026-01-01T00:00:00Z','deletionGracePeriodSeconds':0,'finalizers':" \
	"[" finalizers "]}}"
#define DEPLOYMENT(selector, labels, strategy)                                                  \
	"{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'d','namespace':"       \
	"'n'},'spec':{'selector':{'matchLabels':{" selector "}},'template':{'metadata':{"       \
	"'labels':{" labels "}},'spec':{'containers':[{'name':'c','image':'nginx'}]}}" strategy \
	"}}"

static const struct {
	const char *object, *want;
} objects[] = {
	{POD_WITH("'containers':[{'name':'c','image':'i'}]"), ""},
	{DEBUGGED("'targetContainerName':'c','resources':{},'tty':true"), ""},
	{DEBUGGED("'targetContainerName':'first'"), ""},
	{DEBUGGED("'targetContainerName':'d'"),
		"spec.ephemeralContainers[0].targetContainerName: Not found: \"d\""},
	{DEBUGGED("'ports':[{'containerPort':80}],'resources':{'limits':{'cpu':'1'}},"
		  "'lifecycle':{'preStop':{'sleep':{'seconds':1}}},'restartPolicy':'Always'"),
		"[spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral "
		"Container, spec.ephemeralContainers[0].resources: Forbidden: cannot be set for an "
		"Ephemeral Container, spec.ephemeralContainers[0].restartPolicy: Forbidden: cannot "
		"be set for an Ephemeral Container, spec.ephemeralContainers[0].lifecycle: "
		"Forbidden: cannot be set for an Ephemeral Container]"},
	{DEBUGGED("'readinessProbe':{'tcpSocket':{'port':1}}"),
		"spec.ephemeralContainers[0].readinessProbe: Forbidden: cannot be set for an "
		"Ephemeral Container"},
	{DEBUGGED("'volumeMounts':[{'name':'v','mountPath':'/v','subPath':'a'}]"),
		"spec.ephemeralContainers[0].volumeMounts[0].subPath: Forbidden: cannot be set for "
		"an Ephemeral Container"},
	{DEBUGGED("'command':['a']},{'name':'d','image':'i'"),
		"spec.ephemeralContainers[1].name: Duplicate value: \"d\""},
	{DEBUGGED("'command':['a']},{'name':'first','image':'i'},{'name':'c','image':'i'"),
		"[spec.ephemeralContainers[1].name: Duplicate value: \"first\", "
		"spec.ephemeralContainers[2].name: Duplicate value: \"c\"]"},
	{POD_WITH("'containers':[{'name':'c','image':'i'}],'affinity':{'nodeAffinity':{"
		  "'requiredDuringSchedulingIgnoredDuringExecution':{'nodeSelectorTerms':[{"
		  "'matchExpressions':[{'key':'k','operator':'Gt'}]}]},"
		  "'preferredDuringSchedulingIgnoredDuringExecution':[{'weight':1,"
		  "'preference':{'matchFields':[{'key':'metadata.name','operator':'In'}]}}]"
		  "}}"),
		"[spec.affinity.nodeAffinity."
		"requiredDuringSchedulingIgnoredDuringExecution."
		"nodeSelectorTerms[0].matchExpressions[0].values: Required value: must be "
		"specified single value when `operator` is 'Lt' or 'Gt', "
		"spec.affinity.nodeAffinity."
		"preferredDuringSchedulingIgnoredDuringExecution[0]"
		".preference.matchFields[0].values: Required value: must be specified when "
		"`operator` is 'In' or 'NotIn']"},
	{POD_WITH("'containers':[{'name':'C_','image':'','ports':[{'containerPort':99999}],"
		  "'volumeMounts':[{'name':'nov','mountPath':'/x'}]}],'restartPolicy':"
		  "'Sometimes'"),
		"[spec.containers[0].name: Invalid value: \"C_\": a lowercase RFC 1123 "
		"label must consist of lower case alphanumeric characters or '-', and must "
		"start and end with an alphanumeric character (e.g. 'my-name',  or "
		"'123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?'), "
		"spec.containers[0].image: Required value, "
		"spec.containers[0].ports[0].containerPort: Invalid value: 99999: must be "
		"between 1 and 65535, inclusive, spec.restartPolicy: Unsupported value: "
		"\"Sometimes\": supported values: \"Always\", \"OnFailure\", \"Never\", "
		"spec.containers[0].volumeMounts[0].name: Not found: \"nov\"]"},
	{POD_WITH("'containers':[]"), "spec.containers: Required value"},
	{POD_WITH("'containers':[{'name':'c','image':'i'},{'name':'c','image':'i'}]"),
		"spec.containers[1].name: Duplicate value: \"c\""},
	{POD_WITH("'containers':[{'name':'c','image':'i','resources':{'limits':{'cpu':'1'},"
		  "'requests':{'cpu':'2'}},'livenessProbe':{}}]"),
		"[spec.containers[0].resources.requests: Invalid value: \"2\": must be "
		"less "
		"than or equal to cpu limit of 1, spec.containers[0].livenessProbe: "
		"Required value: must specify a handler type]"},
	{POD_WITH("'containers':[{'name':'c','image':'i'}],'volumes':[{'name':'v',"
		  "'emptyDir':{},'hostPath':{'path':'/x'}}]"),
		"spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume "
		"type"},
	{"{'apiVersion':'v1','kind':'ConfigMap','metadata':{'namespace':'n'}}",
		"metadata.name: Required value: name or generateName is required"},
	{"{'apiVersion':'v1','kind':'Node','metadata':{'name':'n','namespace':'x'}}",
		"metadata.namespace: Forbidden: not allowed on this type"},
	{"{'apiVersion':'rbac.authorization.k8s.io/v1','kind':'ClusterRole','metadata':{"
	 "'name':'system:node'},'rules':[{'verbs':['get']}]}",
		""},
	{"{'apiVersion':'rbac.authorization.k8s.io/v1','kind':'ClusterRole','metadata':{"
	 "'name':'x'},'rules':[{}]}",
		"rules[0].verbs: Required value"},
	{CONFIG_MAP("'data':{'a/b':'c'}"),
		"data[a/b]: Invalid value: \"a/b\": a valid config key must consist of "
		"alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
		"'KEY_NAME', "
		" or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"},
	{SERVICE("'ports':[{'port':0},{'port':80}]"),
		"[spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, "
		"inclusive, spec.ports[0].name: Required value, spec.ports[1].name: "
		"Required "
		"value]"},
	{SERVICE("'type':'NodePort','ports':[{'port':80,'nodePort':30080}]"), ""},
	{DEPLOYMENT("'app':'d'", "'app':'d'",
		 ",'strategy':{'rollingUpdate':{'maxSurge':'much','maxUnavailable':'101%'}"
		 "}"),
		"[spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"101%\": "
		"must not "
		"be greater than 100%, spec.strategy.rollingUpdate.maxSurge: Invalid "
		"value: "
		"\"much\": a valid percent string must be a numeric string followed by an "
		"ending '%' (e.g. '1%',  or '93%', regex used for validation is "
		"'[0-9]+%')]"},
	{SERVICE("'selector':{'a':'b'}"), "spec.ports: Required value"},
	{SERVICE("'type':'NodePort','ports':[{'name':'a','port':80,'nodePort':30080},{'"
		 "name':"
		 "'b','port':80,'nodePort':30080,'protocol':'UDP'}]"),
		""},
	{SERVICE("'type':'NodePort','ports':[{'name':'a','port':80,'nodePort':30080},{'"
		 "name':"
		 "'b','port':80},{'name':'c','port':81,'nodePort':30080}]"),
		"[spec.ports[1].port: Duplicate value: 80, spec.ports[2].nodePort: "
		"Duplicate "
		"value: 30080]"},
	{DEPLOYMENT("'app':'d'", "'app':'zzz'", ""),
		"spec.template.metadata.labels: Invalid value: "
		"map[string]string{\"app\":\"zzz\"}: `selector` does not match template "
		"`labels`"},
	{DEPLOYMENT("'app':'d'", "'app':'d'", ",'strategy':{'type':'Recreate','rollingUpdate':{}}"),
		"spec.strategy.rollingUpdate: Forbidden: may not be specified when "
		"strategy "
		"`type` is 'Recreate'"},
	{DEPLOYMENT("'app':'d'", "'app':'d'", ",'replicas':-1"),
		"spec.replicas: Invalid value: -1: must be greater than or equal to 0"},
};

TEST(all_that_is_wrong_is_told)
{
	for (size_t i = 0; i < COUNT(objects); i++) {
		AUTO_JSON object = complete(objects[i].object);
		struct causes causes = {0};
		AUTO_FREE char *text = NULL;

		validate_object(object, kind_of(object), &causes);
		text = causes_text(&causes);
		CHECK_STR(objects[i].object, text, objects[i].want);
		causes_clear(&causes);
	}
}

TEST(an_update_keeps_what_is_immutable)
{
	static const struct {
		const char *old, *new, *want;
	} rows[] = {
		{CONFIG_MAP("'immutable':true,'data':{'a':'1'}"),
			CONFIG_MAP("'immutable':true,'data':{'a':'2'}"),
			"data: Forbidden: field is immutable when `immutable` is set"},
		{CONFIG_MAP("'data':{'a':'1'}"), CONFIG_MAP("'data':{'a':'2'}"), ""},
		{SERVICE("'clusterIP':'10.0.0.1','ports':[{'port':80}]"),
			SERVICE("'clusterIP':'10.0.0.2','ports':[{'port':80}]"),
			"spec.clusterIP: Invalid value: \"10.0.0.2\": field is immutable"},
		{DEPLOYMENT("'app':'d'", "'app':'d'", ""), DEPLOYMENT("'app':'e'", "'app':'e'", ""),
			"spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"e\"}}: field is "
			"immutable"},
		{POD_WITH("'containers':[{'name':'c','image':'a'}]"),
			POD_WITH(
				"'containers':[{'name':'c','image':'b'}],'tolerations':[{'key':'k',"
				"'operator':'Exists'}],'activeDeadlineSeconds':5"),
			""},
		{POD_WITH("'nodeName':'n1','containers':[{'name':'c','image':'a'}]"),
			POD_WITH("'nodeName':'n5','containers':[{'name':'c','image':'a'}]"),
			"spec: Forbidden: pod updates may not change fields other than"},
		{POD_WITH("'containers':[{'name':'c','image':'a'}],'tolerations':[{'key':'k',"
			  "'operator':'Exists'}]"),
			POD_WITH("'containers':[{'name':'c','image':'a'}]"),
			"spec: Forbidden: pod updates may not change fields other than"},
		{POD_WITH("'containers':[{'name':'c','image':'a'}]"),
			POD_WITH("'containers':[{'name':'c','image':'a'}],"
				 "'terminationGracePeriodSeconds':3600"),
			"spec: Forbidden: pod updates may not change fields other than"},
		{POD_WITH("'containers':[{'name':'c','image':'a'}],"
			  "'terminationGracePeriodSeconds':-5"),
			POD_WITH("'containers':[{'name':'c','image':'a'}],"
				 "'terminationGracePeriodSeconds':1"),
			""},
		{POD_WITH("'containers':[{'name':'c','image':'a'}],'schedulingGates':[{'name':'a'},"
			  "{'name':'b'}]"),
			POD_WITH("'containers':[{'name':'c','image':'a'}],'schedulingGates':"
				 "[{'name':'b'}]"),
			""},
		{POD_WITH("'containers':[{'name':'c','image':'a'}],'schedulingGates':[{'name':'a'}"
			  "]"),
			POD_WITH("'containers':[{'name':'c','image':'a'}],'schedulingGates':"
				 "[{'name':'a'},{'name':'b'}]"),
			"spec.schedulingGates: Forbidden: only deletion is allowed, but found new "
			"scheduling gate 'b'"},
		{LEAVING("'a/b'"), LEAVING("'a/b','c/d','e/f'"),
			"metadata.finalizers: Forbidden: no new finalizers can be added if the "
			"object is being deleted, found new finalizers []string{\"c/d\", "
			"\"e/f\"}"},
		{LEAVING("'a/b','c/d'"), LEAVING("'c/d'"), ""},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_JSON old = complete(rows[i].old);
		AUTO_JSON object = complete(rows[i].new);
		struct causes causes = {0};
		AUTO_FREE char *text = NULL;

		validate_update(old, object, kind_of(object), &causes);
		text = causes_text(&causes);
		if (*rows[i].want)
			CHECK_HAS(rows[i].new, text, rows[i].want);
		else
			CHECK_STR(rows[i].new, text, "");
		causes_clear(&causes);
	}
}

/* A Pod that waits, with @rest in its spec; and one that does not. */
#define GATED(rest)                                                             \
	POD_WITH("'containers':[{'name':'c','image':'a'}],'schedulingGates':[{" \
		 "'name':'a'}]" rest)
#define FREE(rest) POD_WITH("'containers':[{'name':'c','image':'a'}]" rest)
#define TERMS(terms)                                                                      \
	",'affinity':{'nodeAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':{" \
	"'nodeSelectorTerms':[" terms "]}}}"
#define A  "{'key':'a','operator':'Exists'}"
#define B  "{'key':'b','operator':'Exists'}"
#define IT "{'matchExpressions':[" A "]}"
#define WEAKER                                                                              \
	",'affinity':{'nodeAffinity':{'preferredDuringSchedulingIgnoredDuringExecution':[{" \
	"'weight':1,'preference':" IT "}]}}"
#define AT	"spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution."
#define MAY_NOT "spec: Forbidden: pod updates may not change fields other than"

TEST(a_pod_that_waits_may_be_told_more_of_its_node)
{
	static const struct {
		const char *what, *old, *new, *want;
	} rows[] = {
		{"a selector", GATED(""), GATED(",'nodeSelector':{'a':'b'}"), ""},
		{"more of one", GATED(",'nodeSelector':{'a':'b'}"),
			GATED(",'nodeSelector':{'a':'b','c':'d'}"), ""},
		{"another one", GATED(",'nodeSelector':{'a':'b'}"),
			GATED(",'nodeSelector':{'a':'c'}"), "spec.nodeSelector: Invalid value"},
		{"none any more", GATED(",'nodeSelector':{'a':'b'}"), GATED(""),
			"spec.nodeSelector: Invalid value"},
		{"without a gate", FREE(""), FREE(",'nodeSelector':{'a':'b'}"), MAY_NOT},
		{"with the last gate opened", GATED(""), FREE(",'nodeSelector':{'a':'b'}"), ""},
		{"an affinity", GATED(""), GATED(TERMS(IT)), ""},
		{"one where there were wishes", GATED(WEAKER), GATED(TERMS(IT)), ""},
		{"other wishes", GATED(TERMS(IT)), GATED(TERMS(IT)), ""},
		{"more of a term", GATED(TERMS(IT)),
			GATED(TERMS("{'matchExpressions':[" A "," B "]}")), ""},
		{"another term", GATED(TERMS(IT)), GATED(TERMS("{'matchExpressions':[" B "]}")),
			AT "nodeSelectorTerms[0]: Invalid value"},
		{"one more term allows more nodes", GATED(TERMS(IT)), GATED(TERMS(IT "," IT)),
			AT "nodeSelectorTerms: Invalid value"},
		{"an empty term matches nothing", GATED(TERMS("{}")), GATED(TERMS(IT)),
			AT "nodeSelectorTerms[0]: Invalid value"},
		{"a field", GATED(TERMS(IT)),
			GATED(TERMS("{'matchExpressions':[" A
				    "],'matchFields':[{'key':'metadata.name','operator':'In',"
				    "'values':['n']}]}")),
			AT "nodeSelectorTerms[0]: Invalid value"},
		{"no affinity any more", GATED(TERMS(IT)), GATED(""),
			AT "nodeSelectorTerms: Invalid value"},
		{"to Pods, nothing", GATED(""),
			GATED(",'affinity':{'podAffinity':{'requiredDuringSchedulingIgnored"
			      "DuringExecution':[{'topologyKey':'k'}]}}"),
			MAY_NOT},
		{"nor anything else", GATED(""), GATED(",'hostNetwork':true"), MAY_NOT},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_JSON old = complete(rows[i].old);
		AUTO_JSON object = complete(rows[i].new);
		struct causes causes = {0};
		AUTO_FREE char *text = NULL;

		validate_update(old, object, kind_of(object), &causes);
		text = causes_text(&causes);
		if (*rows[i].want)
			CHECK_HAS(rows[i].what, text, rows[i].want);
		else
			CHECK_STR(rows[i].what, text, "");
		causes_clear(&causes);
	}
}

TEST(containers_are_only_added_to_look_into_a_pod)
{
	static const struct {
		const char *old, *new, *want;
	} rows[] = {
		{POD_WITH("'containers':[{'name':'c','image':'i'}]"), DEBUGGED("'tty':true"), ""},
		{DEBUGGED("'tty':true"), DEBUGGED("'tty':true"), ""},
		{DEBUGGED("'tty':true},{'name':'e','image':'i'"),
			DEBUGGED("'tty':true},{'name':'f','image':'i'},{'name':'e','image':'i'"),
			""},
		{DEBUGGED("'tty':true"), DEBUGGED("'stdin':true"),
			"spec.ephemeralContainers: Forbidden: existing ephemeral containers \"d\" "
			"may not be changed"},
		{DEBUGGED("'tty':true"), POD_WITH("'containers':[{'name':'c','image':'i'}]"),
			"spec.ephemeralContainers: Forbidden: existing ephemeral containers \"d\" "
			"may not be removed"},
		{"{'apiVersion':'v1','kind':'Pod','metadata':{'annotations':"
		 "{'kubernetes.io/config.mirror':'u'}},'spec':{}}",
			DEBUGGED("'tty':true"),
			"Forbidden: static pods do not support ephemeral containers"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_JSON old = complete(rows[i].old);
		AUTO_JSON object = complete(rows[i].new);
		struct causes causes = {0};
		AUTO_FREE char *text = NULL;

		validate_ephemeral_update(old, object, &causes);
		text = causes_text(&causes);
		if (*rows[i].want)
			CHECK_HAS(rows[i].new, text, rows[i].want);
		else
			CHECK_STR(rows[i].new, text, "");
		causes_clear(&causes);
	}
}

TEST(causes_say_their_reason_for_a_status)
{
	AUTO_JSON object = complete(POD_WITH("'containers':[]"));
	struct causes causes = {0};
	AUTO_JSON list = NULL;

	validate_object(object, kind_of(object), &causes);
	list = causes_json(&causes);
	CHECK_STR("reason", json_string_at(json_array_get(list, 0), "reason", ""),
		"FieldValueRequired");
	CHECK_STR("field", json_string_at(json_array_get(list, 0), "field", ""), "spec.containers");
	CHECK_STR("message", json_string_at(json_array_get(list, 0), "message", ""),
		"Required value");
	causes_clear(&causes);
}
