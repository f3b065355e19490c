// SPDX-License-Identifier: Apache-2.0
#include "user/model/describe.h"

#include <stdbool.h>
#include <string.h>

#include "user/base/cleanup.h"

struct text {
	const char *name;
	const char *text;
};

/* A message: what it is, and its fields. */
struct texts {
	const char *message; /* NULL: fields that are the same everywhere */
	const char *text;
	const struct text *fields; /* ended by a row without name */
};

#define FIELDS(...) ((const struct text[]){__VA_ARGS__, {NULL, NULL}})
#define NO_FIELDS   ((const struct text[]){{NULL, NULL}})

/* clang-format off */
static const struct texts texts[] = {
	{"ConfigMap", "Settings that Pods read, by name.", FIELDS(
		{"data", "Texts by key."},
		{"binaryData", "Bytes by key, as base64."},
		{"immutable", "If true, the data can never be changed again."})},
	{"Secret", "Passwords, tokens and keys that Pods read, by name.", FIELDS(
		{"data", "Bytes by key, as base64."},
		{"stringData", "Texts by key, which are put into data when they are written."},
		{"type", "Which keys there have to be."},
		{"immutable", "If true, the data can never be changed again."})},
	{"Namespace", "A room for names: objects in two of them may have the same name.", NO_FIELDS},
	{"Endpoints", "The addresses behind a Service (EndpointSlices hold the same, in parts).", FIELDS(
		{"subsets", "Addresses that serve the same ports."})},
	{"EndpointSlice", "Some of the addresses behind a Service.", FIELDS(
		{"addressType", "Of which kind all its addresses are."},
		{"endpoints", "Who serves, and in which condition."},
		{"ports", "On which ports all of them serve."})},
	{"Event", "What happened to an object, and how often.", FIELDS(
		{"involvedObject", "To whom it happened."},
		{"regarding", "To whom it happened."},
		{"reason", "In one word, for programs."},
		{"message", "In a sentence, for people."},
		{"note", "In a sentence, for people."},
		{"type", "Normal or Warning."},
		{"count", "How often it has happened."})},
	{"ServiceAccount", "Who the processes of a Pod are to the API server.", NO_FIELDS},
	{"Lease", "A claim that is held as long as it is renewed, such as a node's sign of life.", NO_FIELDS},
	{"PriorityClass", "A name for how much a Pod matters.", FIELDS(
		{"value", "Larger is scheduled sooner, and may displace smaller."},
		{"globalDefault", "Whether Pods that name no class are of this one."},
		{"preemptionPolicy", "Whether its Pods may displace others."})},
	{"PodDisruptionBudget", "How many Pods may be evicted at a time.", NO_FIELDS},
	{"PodDisruptionBudgetSpec", "Which Pods, and how many.", FIELDS(
		{"selector", "Whose Pods are counted."},
		{"minAvailable", "So many have to stay, as a number or a percentage."},
		{"maxUnavailable", "So many may be missing, as a number or a percentage."})},
	{"CertificateSigningRequest", "A request that somebody signs a certificate.", NO_FIELDS},
	{"Role", "What may be done in one namespace.", FIELDS({"rules", "Each allows something."})},
	{"ClusterRole", "What may be done in all namespaces, and beside them.", FIELDS(
		{"rules", "Each allows something."},
		{"aggregationRule", "From which other roles its rules are gathered."})},
	{"RoleBinding", "Gives a role to users, in one namespace.", FIELDS(
		{"subjects", "Who gets it."}, {"roleRef", "Which role."})},
	{"ClusterRoleBinding", "Gives a role to users, everywhere.", FIELDS(
		{"subjects", "Who gets it."}, {"roleRef", "Which role."})},

	{"Deployment", "Keeps a number of Pods alike running, and replaces them step by step when what they run changes.", NO_FIELDS},
	{"DeploymentSpec", "How many Pods of which template, and how they are replaced.", FIELDS(
		{"replicas", "How many Pods there are to be."},
		{"selector", "By which labels its Pods are known. It cannot be changed."},
		{"template", "What each Pod is made from."},
		{"strategy", "How Pods are replaced by those of a new template."},
		{"minReadySeconds", "So long has a new Pod to be ready before it counts as available."},
		{"revisionHistoryLimit", "How many old ReplicaSets are kept to go back to."},
		{"paused", "While true, a new template is not rolled out."},
		{"progressDeadlineSeconds", "After so long without progress a roll-out is said to have failed."})},
	{"DeploymentStrategy", "How Pods are replaced.", FIELDS(
		{"type", "RollingUpdate: some at a time; Recreate: all old ones end before new ones begin."},
		{"rollingUpdate", "How many at a time. Only with RollingUpdate."})},
	{"RollingUpdateDeployment", "How far the number of Pods may differ meanwhile.", FIELDS(
		{"maxSurge", "So many more than wanted, as a number or a percentage."},
		{"maxUnavailable", "So many fewer than wanted, as a number or a percentage."})},
	{"DeploymentStatus", "How far it has come.", FIELDS(
		{"replicas", "Pods that there are."},
		{"updatedReplicas", "Those of the present template."},
		{"readyReplicas", "Those that are ready."},
		{"availableReplicas", "Those that have been ready for long enough."})},
	{"ReplicaSet", "Keeps a number of Pods alike running. Deployments make them.", NO_FIELDS},
	{"ReplicaSetSpec", "How many Pods of which template.", FIELDS(
		{"replicas", "How many Pods there are to be."},
		{"selector", "By which labels its Pods are known. It cannot be changed."},
		{"template", "What a missing Pod is made from."},
		{"minReadySeconds", "So long has a Pod to be ready before it counts as available."})},

	{"Service", "One address and name for Pods that come and go.", NO_FIELDS},
	{"ServiceSpec", "Which Pods serve, and where they are found.", FIELDS(
		{"ports", "Where clients connect, and where that leads to."},
		{"selector", "By which labels the Pods are known. None: somebody else writes the endpoints."},
		{"clusterIP", "The address inside the cluster; None: names lead to the Pods themselves."},
		{"clusterIPs", "The same, one for each family of addresses."},
		{"type", "ClusterIP, NodePort, LoadBalancer or ExternalName: from where it is reached."},
		{"sessionAffinity", "ClientIP: a client stays with the Pod it had first."},
		{"externalName", "The name that an ExternalName Service stands for."},
		{"externalIPs", "More addresses that lead to it, which somebody else brings to the nodes."},
		{"externalTrafficPolicy", "Local: what comes from outside stays on the node it came to."},
		{"internalTrafficPolicy", "Local: what comes from inside stays on the node it comes from."},
		{"publishNotReadyAddresses", "Whether Pods that are not ready belong to it, too."})},
	{"ServicePort", "A port of the Service and of its Pods.", FIELDS(
		{"name", "Needed when there are several."},
		{"port", "Where clients connect."},
		{"targetPort", "The Pods' port, as a number or by the name that their container gives it."},
		{"nodePort", "The port on every node, of a NodePort Service."},
		{"protocol", "TCP, UDP or SCTP."})},

	{"Node", "A machine that runs Pods.", NO_FIELDS},
	{"NodeSpec", "What is said of the machine.", FIELDS(
		{"podCIDR", "From where its Pods have their addresses."},
		{"taints", "What keeps Pods away that do not tolerate it."},
		{"unschedulable", "If true, no more Pods come. kubectl cordon sets it."})},
	{"Taint", "Keeps Pods away that do not tolerate it.", FIELDS(
		{"key", "Its name."},
		{"value", "What a toleration may be compared with."},
		{"effect", "NoSchedule: none come; PreferNoSchedule: none if it can be; NoExecute: those that are there leave, too."},
		{"timeAdded", "Since when it holds, of NoExecute."})},
	{"Toleration", "Taints that a Pod bears.", FIELDS(
		{"key", "Of which name. Empty, with Exists: of any."},
		{"operator", "Equal: with that value; Exists: with any."},
		{"value", "What the taint's has to be."},
		{"effect", "Of which effect. Empty: of any."},
		{"tolerationSeconds", "How long a NoExecute taint is borne. Missing: for ever."})},

	{"Pod", "Containers that run together on one node, with one network address.", NO_FIELDS},
	{"PodTemplateSpec", "What Pods are made from.", NO_FIELDS},
	{"PodSpec", "What runs, where, and how it is treated.", FIELDS(
		{"containers", "What runs side by side. At least one."},
		{"initContainers", "What runs before, one after the other, each to its end."},
		{"ephemeralContainers", "What was added to a running Pod to look into it."},
		{"volumes", "What containers may mount."},
		{"restartPolicy", "When an ended container starts again: Always, OnFailure or Never."},
		{"terminationGracePeriodSeconds", "So long may containers take to end before they are killed."},
		{"activeDeadlineSeconds", "So long may the Pod run before it is ended as failed."},
		{"dnsPolicy", "Where names are looked up."},
		{"dnsConfig", "What is added to that."},
		{"nodeSelector", "Labels that the node has to have."},
		{"nodeName", "The node. Set by who schedules."},
		{"affinity", "Near what it wants to be, and far from what."},
		{"tolerations", "Which taints of a node it bears."},
		{"topologySpreadConstraints", "How evenly Pods alike are spread."},
		{"schedulerName", "Who finds its node."},
		{"schedulingGates", "While there is one, no node is looked for."},
		{"priorityClassName", "How much it matters, by name."},
		{"priority", "How much it matters. Set from the class."},
		{"serviceAccountName", "Who its processes are to the API server."},
		{"automountServiceAccountToken", "Whether the containers get a token for that."},
		{"hostNetwork", "Whether it uses the node's own network."},
		{"hostPID", "Whether it sees the node's processes."},
		{"hostIPC", "Whether it shares the node's IPC."},
		{"shareProcessNamespace", "Whether its containers see each other's processes."},
		{"hostname", "Its host name. Missing: the Pod's name."},
		{"subdomain", "With a headless Service of that name it has a name in DNS."},
		{"hostAliases", "More lines for /etc/hosts."},
		{"imagePullSecrets", "With which Secrets images are pulled."},
		{"readinessGates", "Conditions that also have to hold before it is ready."},
		{"securityContext", "Users, groups and rights of all its containers."})},
	{"PodStatus", "What its node says of it.", FIELDS(
		{"phase", "Pending, Running, Succeeded, Failed or Unknown."},
		{"conditions", "What holds, and since when."},
		{"podIP", "Its address."},
		{"hostIP", "Its node's address."},
		{"startTime", "Since when its node knows it."},
		{"containerStatuses", "How each container is."})},
	{"Container", "A program in an image, and how it is run.", FIELDS(
		{"name", "By which it is known in the Pod."},
		{"image", "What runs, as registry, repository, and tag or digest."},
		{"imagePullPolicy", "Whether the image is asked for again: Always, IfNotPresent or Never."},
		{"command", "What is run instead of the image's entry point."},
		{"args", "What it is told instead of the image's arguments."},
		{"workingDir", "Where it begins."},
		{"ports", "Where it listens. Others are open all the same."},
		{"env", "Variables of its environment."},
		{"envFrom", "ConfigMaps and Secrets whose keys become variables."},
		{"resources", "What it needs, and what it may use at most."},
		{"volumeMounts", "Which volumes it sees, and where."},
		{"livenessProbe", "When this fails, it is started again."},
		{"readinessProbe", "While this fails, no traffic is sent to it."},
		{"startupProbe", "Until this succeeds, the other probes wait."},
		{"lifecycle", "What is done after it starts and before it ends."},
		{"securityContext", "Its user and rights."},
		{"stdin", "Whether its input stays open."},
		{"tty", "Whether it has a terminal."},
		{"terminationMessagePath", "The file from which its last words are read."})},
	{"ContainerPort", "A port on which a container listens.", FIELDS(
		{"name", "By which Services and probes may name it."},
		{"containerPort", "Its number."},
		{"hostPort", "The node's port that leads to it."},
		{"protocol", "TCP, UDP or SCTP."})},
	{"EnvVar", "A variable of the environment.", FIELDS(
		{"name", "Its name."}, {"value", "Its value; $(NAME) stands for another's."},
		{"valueFrom", "From where the value comes, if it is not given."})},
	{"VolumeMount", "A volume at a place in a container.", FIELDS(
		{"name", "Which of the Pod's volumes."}, {"mountPath", "Where."},
		{"subPath", "Which part of the volume."}, {"readOnly", "Whether it may only be read."})},
	{"ResourceRequirements", "What is needed, and what is allowed.", FIELDS(
		{"requests", "What a node must have free for it."},
		{"limits", "What it cannot go beyond."})},
	{"Probe", "A question that is asked again and again.", FIELDS(
		{"exec", "A command in the container: 0 is a success."},
		{"httpGet", "A request: 200 to 399 are successes."},
		{"tcpSocket", "A connection: a success if it opens."},
		{"grpc", "A question to a gRPC health service."},
		{"initialDelaySeconds", "So long after the start it is asked first."},
		{"periodSeconds", "So often it is asked."},
		{"timeoutSeconds", "An answer that takes longer is a failure."},
		{"successThreshold", "So many successes on end are believed."},
		{"failureThreshold", "So many failures on end are believed."},
		{"terminationGracePeriodSeconds", "So long has the container to end when this has failed."})},
	{"Affinity", "What attracts a Pod, and what repels it.", FIELDS(
		{"nodeAffinity", "Nodes with such labels attract it."},
		{"podAffinity", "Nodes near such Pods attract it."},
		{"podAntiAffinity", "Nodes near such Pods repel it."})},
	{"NodeSelectorTerm", "Requirements that hold together.", FIELDS(
		{"matchExpressions", "Of the node's labels."}, {"matchFields", "Of its fields."})},
	{"NodeSelectorRequirement", "A label, an operator and values.", FIELDS(
		{"key", "Which label."},
		{"operator", "In, NotIn, Exists, DoesNotExist, Gt or Lt."},
		{"values", "Those it is compared with."})},
	{"PodAffinityTerm", "Which Pods, and what near means.", FIELDS(
		{"labelSelector", "By which labels the Pods are known."},
		{"topologyKey", "Nodes that have the same value of this label are near each other."},
		{"namespaces", "Where they are looked for. Missing: where the Pod is."},
		{"namespaceSelector", "The same, by the namespaces' labels."})},
	{"LabelSelector", "Objects with such labels.", FIELDS(
		{"matchLabels", "Labels with these values."},
		{"matchExpressions", "More requirements, which have to hold as well."})},
	{"ObjectMeta", "What every object says of itself.", FIELDS(
		{"name", "By which it is known in its namespace."},
		{"generateName", "How its name begins, when the server is to find one."},
		{"namespace", "Where it is."},
		{"labels", "Words by which it is selected."},
		{"annotations", "What programs and people note of it."},
		{"uid", "Unlike every other object's, also of the same name. The server gives it."},
		{"resourceVersion", "Changes with every change."},
		{"generation", "Counts changes of what is wanted."},
		{"creationTimestamp", "When it was made."},
		{"deletionTimestamp", "When it is to be gone."},
		{"finalizers", "Who has to agree before it goes."},
		{"ownerReferences", "Whose it is: it goes when they are gone."},
		{"managedFields", "Who has set which field."})},
	{NULL, NULL, FIELDS(
		{"apiVersion", "Group and version in which the object is written."},
		{"kind", "What the object is."},
		{"metadata", "Its name, labels and what else every object has."},
		{"spec", "What is wanted."},
		{"status", "What is. The system writes it."},
		{"requiredDuringSchedulingIgnoredDuringExecution", "What has to hold."},
		{"preferredDuringSchedulingIgnoredDuringExecution", "What would be better, by weight."})},
};
/* clang-format on */

static const char *field_text(const struct texts *of, const char *field)
{
	for (const struct text *row = of->fields; row->name; row++)
		if (strcmp(row->name, field) == 0)
			return row->text;
	return NULL;
}

const char *describe(const char *message, const char *field)
{
	for (size_t i = 0; i < COUNT(texts); i++) {
		bool common = !texts[i].message;
		const char *text;

		if (!common && strcmp(texts[i].message, message) != 0)
			continue;
		text = field ? field_text(&texts[i], field) : texts[i].text;
		if (text || common)
			return text;
	}
	return NULL;
}
