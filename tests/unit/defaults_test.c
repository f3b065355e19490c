// SPDX-License-Identifier: Apache-2.0
/*
 * What Kubernetes fills in: each row is a body and what a kube-apiserver made of it, without what comes
 * from admission and allocation.  Fields younger than the recorded server (ipFamilies, ...) were added.
 */
#include "tests/check.h"
#include "tests/json.h"
#include "user/model/codec_json.h"
#include "user/model/defaults.h"
#include "user/model/kinds.h"
#include "user/model/schema.h"

static const struct row {
	const char *what, *body, *want;
} rows[] = {
	{"a Pod",
		"{'apiVersion':'v1','kind':'Pod','metadata':{'name':'p1','labels':{'app':'web'}},"
		"'spec':{'automountServiceAccountToken':false,'containers':[{'name':'c','image':"
		"'nginx','ports':[{'containerPort':80}],'readinessProbe':{'httpGet':{'path':'/',"
		"'port':80}},'resources':{'limits':{'cpu':'100m','memory':'64Mi'}}}]}}",
		"{'kind':'Pod','apiVersion':'v1','metadata':{'name':'p1','creationTimestamp':null,"
		"'labels':{'app':'web'}},'spec':{'containers':[{'name':'c','image':'nginx','ports':"
		"[{'containerPort':80,'protocol':'TCP'}],'resources':{'limits':{'cpu':'100m',"
		"'memory':'64Mi'},'requests':{'cpu':'100m','memory':'64Mi'}},'readinessProbe':"
		"{'httpGet':{'path':'/','port':80,'scheme':'HTTP'},'timeoutSeconds':1,"
		"'periodSeconds':10,'successThreshold':1,'failureThreshold':3},"
		"'terminationMessagePath':'/dev/termination-log','terminationMessagePolicy':'File',"
		"'imagePullPolicy':'Always'}],'restartPolicy':'Always',"
		"'terminationGracePeriodSeconds':30,'dnsPolicy':'ClusterFirst',"
		"'automountServiceAccountToken':false,'securityContext':{},'schedulerName':"
		"'default-scheduler','enableServiceLinks':true},'status':{'phase':'Pending'}}"},
	{"a Deployment: its template is no Pod",
		"{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'d'},'spec':{"
		"'selector':{'matchLabels':{'app':'d'}},'template':{'metadata':{'labels':{'app':"
		"'d'}},'spec':{'containers':[{'name':'c','image':'nginx:1'}]}}}}",
		"{'kind':'Deployment','apiVersion':'apps/v1','metadata':{'name':'d',"
		"'creationTimestamp':null},'spec':{'replicas':1,'selector':{'matchLabels':{'app':"
		"'d'}},'template':{'metadata':{'creationTimestamp':null,'labels':{'app':'d'}},"
		"'spec':{'containers':[{'name':'c','image':'nginx:1','resources':{},"
		"'terminationMessagePath':'/dev/termination-log','terminationMessagePolicy':'File',"
		"'imagePullPolicy':'IfNotPresent'}],'restartPolicy':'Always',"
		"'terminationGracePeriodSeconds':30,'dnsPolicy':'ClusterFirst','securityContext':{}"
		","
		"'schedulerName':'default-scheduler'}},'strategy':{'type':'RollingUpdate',"
		"'rollingUpdate':{'maxUnavailable':'25%','maxSurge':'25%'}},"
		"'revisionHistoryLimit':10,'progressDeadlineSeconds':600},'status':{}}"},
	{"a Service with node ports",
		"{'apiVersion':'v1','kind':'Service','metadata':{'name':'np'},'spec':{'type':"
		"'NodePort','sessionAffinity':'ClientIP','externalTrafficPolicy':'Local','selector'"
		":"
		"{'app':'web'},'ports':[{'name':'a','port':80,'targetPort':'http','nodePort':30080}"
		","
		"{'name':'b','port':53,'protocol':'UDP'}]}}",
		"{'kind':'Service','apiVersion':'v1','metadata':{'name':'np','creationTimestamp':"
		"null},'spec':{'ports':[{'name':'a','protocol':'TCP','port':80,'targetPort':'http',"
		"'nodePort':30080},{'name':'b','protocol':'UDP','port':53,'targetPort':53}],"
		"'selector':{'app':'web'},'type':'NodePort','sessionAffinity':'ClientIP',"
		"'externalTrafficPolicy':'Local','sessionAffinityConfig':{'clientIP':{"
		"'timeoutSeconds':10800}},'internalTrafficPolicy':'Cluster'},'status':{"
		"'loadBalancer':{}}}"},
	{"a Node's range is told twice",
		"{'apiVersion':'v1','kind':'Node','metadata':{'name':'n'},'spec':{'podCIDR':"
		"'10.88.9.0/24'},'status':{'daemonEndpoints':{'kubeletEndpoint':{}}}}",
		"{'kind':'Node','apiVersion':'v1','metadata':{'name':'n','creationTimestamp':null},"
		"'spec':{'podCIDR':'10.88.9.0/24','podCIDRs':['10.88.9.0/24']},'status':"
		"{'daemonEndpoints':{'kubeletEndpoint':{'Port':0}},'nodeInfo':{'machineID':'',"
		"'systemUUID':'','bootID':'','kernelVersion':'','osImage':'',"
		"'containerRuntimeVersion':'','kubeletVersion':'','kubeProxyVersion':'',"
		"'operatingSystem':'','architecture':''}}}"},
	{"the first of many is the one",
		"{'apiVersion':'v1','kind':'Node','metadata':{'name':'n'},'spec':{'podCIDRs':"
		"['10.1.0.0/24','fd00::/64']}}",
		"{'kind':'Node','apiVersion':'v1','metadata':{'name':'n','creationTimestamp':null},"
		"'spec':{'podCIDR':'10.1.0.0/24','podCIDRs':['10.1.0.0/24','fd00::/64']},'status':"
		"{'daemonEndpoints':{'kubeletEndpoint':{'Port':0}},'nodeInfo':{'machineID':'',"
		"'systemUUID':'','bootID':'','kernelVersion':'','osImage':'',"
		"'containerRuntimeVersion':'','kubeletVersion':'','kubeProxyVersion':'',"
		"'operatingSystem':'','architecture':''}}}"},
	{"a Namespace's name is a label",
		"{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'x'}}",
		"{'kind':'Namespace','apiVersion':'v1','metadata':{'name':'x','creationTimestamp':"
		"null,'labels':{'kubernetes.io/"
		"metadata.name':'x'}},'spec':{},'status':{'phase':'Active'}}"},
	{"a Service that is only a name",
		"{'apiVersion':'v1','kind':'Service','metadata':{'name':'en'},'spec':{'type':"
		"'ExternalName','externalName':'example.com'}}",
		"{'kind':'Service','apiVersion':'v1','metadata':{'name':'en','creationTimestamp':"
		"null},'spec':{'type':'ExternalName','sessionAffinity':'None','externalName':"
		"'example.com'},'status':{'loadBalancer':{}}}"},
	{"a Secret",
		"{'apiVersion':'v1','kind':'Secret','metadata':{'name':'s'},'stringData':{'p':'q'},"
		"'data':{'p':'b2xk','u':'dQ=='}}",
		"{'kind':'Secret','apiVersion':'v1','metadata':{'name':'s','creationTimestamp':"
		"null},'type':'Opaque','data':{'p':'cQ==','u':'dQ=='}}"},
	{"a binding of roles",
		"{'apiVersion':'rbac.authorization.k8s.io/v1','kind':'RoleBinding','metadata':"
		"{'name':'b'},'subjects':[{'kind':'User','name':'u'},{'kind':'ServiceAccount',"
		"'name':'s','namespace':'n'}],'roleRef':{'kind':'Role','name':'r'}}",
		"{'kind':'RoleBinding','apiVersion':'rbac.authorization.k8s.io/v1','metadata':"
		"{'name':'b','creationTimestamp':null},'subjects':[{'kind':'User','apiGroup':"
		"'rbac.authorization.k8s.io','name':'u'},{'kind':'ServiceAccount','name':'s',"
		"'namespace':'n'}],'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'Role',"
		"'name':'r'}}"},
};

TEST(a_body_is_completed_as_kubernetes_does)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_JSON object = json_quoted(rows[i].body);
		AUTO_JSON want = json_quoted(rows[i].want);
		const struct kind *kind = kind_by_type(json_string_at(object, "apiVersion", ""),
			json_string_at(object, "kind", ""));
		AUTO_FREE char *got_text = NULL;
		AUTO_FREE char *want_text = json_dumps(want, JSON_SORT_KEYS);
		struct err err = {0};

		CHECK_OK(rows[i].what, codec_json_clean(object, kind->message, NULL, &err), &err);
		CHECK_EQ(rows[i].what, defaults_apply(object, kind->message), 0);
		got_text = json_dumps(object, JSON_SORT_KEYS);
		CHECK_STR(rows[i].what, got_text, want_text);
	}
}

TEST(completing_twice_changes_nothing)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_JSON object = json_quoted(rows[i].want);
		AUTO_JSON want = json_quoted(rows[i].want);
		const struct kind *kind = kind_by_type(json_string_at(object, "apiVersion", ""),
			json_string_at(object, "kind", ""));
		struct err err = {0};

		CHECK_OK(rows[i].what, codec_json_clean(object, kind->message, NULL, &err), &err);
		CHECK_EQ(rows[i].what, defaults_apply(object, kind->message), 0);
		CHECK(rows[i].what, json_equal(object, want));
	}
}
