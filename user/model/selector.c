// SPDX-License-Identifier: Apache-2.0
#include "user/model/service.h"

bool selector_matches(const json_t *selector, const json_t *labels)
{
	const char *key;
	json_t *want;

	if (json_object_size(selector) == 0)
		return false;
	json_object_foreach ((json_t *)selector, key, want) {
		const json_t *got = json_object_get(labels, key);

		if (!got || !json_equal(got, want))
			return false;
	}
	return true;
}
