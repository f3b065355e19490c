// SPDX-License-Identifier: Apache-2.0
#include "user/control/preemptbudget.h"

#include <string.h>

#include "user/base/cleanup.h"
#include "user/control/owned.h"
#include "user/control/snapshot.h"
#include "user/control/terms.h"
#include "user/model/selector.h"

/* An empty selector chooses nobody here. */
static int selector_of(const json_t *budget, struct label_selector **ret)
{
	const json_t *selector = json_object_get(json_object_get(budget, "spec"), "selector");
	bool empty = json_object_size(json_object_get(selector, "matchLabels")) == 0 &&
		     json_array_size(json_object_get(selector, "matchExpressions")) == 0;

	return label_selector_read(empty ? NULL : selector, ret, NULL);
}

static bool budget_counts(
	const json_t *budget, const struct label_selector *selector, const struct snapshot_pod *pod)
{
	const json_t *labels = meta_labels(pod->pod);
	const json_t *going = json_object_get(json_object_get(budget, "status"), "disruptedPods");

	return json_object_size(labels) &&
	       strcmp(meta_text(budget, "namespace"), pod->class->namespace) == 0 &&
	       label_selector_matches(selector, labels) &&
	       !json_object_get(going, meta_text(pod->pod, "name"));
}

int budgets_violated(
	const json_t *budgets, struct snapshot_pod *const *pods, size_t count, bool *ret)
{
	const char *key;
	json_t *budget;

	memset(ret, 0, count * sizeof(ret[0]));
	json_object_foreach ((json_t *)budgets, key, budget) {
		AUTO_CLEANUP(term_selector_cleanup) struct label_selector *selector = NULL;
		long long allowed =
			json_integer_at(json_object_get(budget, "status"), "disruptionsAllowed", 0);
		int r = selector_of(budget, &selector);

		if (r < 0)
			return r;
		for (size_t i = 0; i < count; i++)
			if (budget_counts(budget, selector, pods[i]) && --allowed < 0)
				ret[i] = true;
	}
	return 0;
}
