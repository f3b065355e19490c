// SPDX-License-Identifier: Apache-2.0
#include "user/api/health.h"

#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/http/server.h"

struct check {
	const char *name;
	bool for_ready; /* alone */
	bool fails;
};

bool health_is(const char *root)
{
	return strcmp(root, "healthz") == 0 || strcmp(root, "livez") == 0 ||
	       strcmp(root, "readyz") == 0;
}

static bool is_excluded(const struct http_exchange *exchange, const char *name)
{
	const char *excluded;

	for (size_t i = 0; (excluded = http_exchange_query(exchange, "exclude", i)) != NULL; i++)
		if (strcmp(excluded, name) == 0)
			return true;
	return false;
}

static const char *verdict_of(const struct http_exchange *exchange, const struct check *check)
{
	if (is_excluded(exchange, check->name))
		return " excluded: ok";
	return check->fails ? " failed: reason withheld" : " ok";
}

void health_answer(const char *root, const char *store_problem, struct http_exchange *exchange)
{
	const struct check checks[] = {{"ping", false, false}, {"store", true, store_problem}};
	char text[512];
	size_t len = 0;
	bool fails = false;

	for (const struct check *check = checks; check < checks + COUNT(checks); check++) {
		bool counts = check->fails && !is_excluded(exchange, check->name);

		if (check->for_ready && strcmp(root, "readyz") != 0)
			continue;
		fails |= counts;
		len += (size_t)snprintf(text + len, sizeof(text) - len, "[%c]%s%s\n",
			counts ? '-' : '+', check->name, verdict_of(exchange, check));
	}
	snprintf(
		text + len, sizeof(text) - len, "%s check %s\n", root, fails ? "failed" : "passed");
	if (fails || http_exchange_query(exchange, "verbose", 0))
		http_answer_text(exchange, fails ? 500 : 200, text);
	else
		http_answer_text(exchange, 200, "ok");
}
