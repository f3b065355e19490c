// SPDX-License-Identifier: Apache-2.0
#include "user/api/page.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/api/api.h"
#include "user/api/failure.h"
#include "user/api/request.h"
#include "user/base/base64.h"
#include "user/base/cleanup.h"
#include "user/base/json.h"
#include "user/http/server.h"
#include "user/store/store.h"

#define TOKEN_VERSION "podnet/v1"
#define NOW	      (-1) /* as the revision of a token: what is there when it is used */

bool page_revision(const char *text, uint64_t *ret)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return !*end && errno == 0;
}

int page_too_new(uint64_t revision, uint64_t now, struct failure *failure)
{
	failure_set(failure, 504, "Timeout",
		"Timeout: Too large resource version: %" PRIu64 ", current: %" PRIu64, revision,
		now);
	failure->details =
		json_pack("{s:[{s:s, s:s}], s:i}", "causes", "reason", "ResourceVersionTooLarge",
			"message", "Too large resource version", "retryAfterSeconds", 1);
	return -1;
}

int page_too_old(uint64_t revision, uint64_t oldest, struct failure *failure)
{
	return failure_set(failure, 410, "Expired",
		"too old resource version: %" PRIu64 " (%" PRIu64 ")", revision, oldest);
}

int page_token(
	uint64_t revision, const char *after, char ret[PAGE_TOKEN_MAX], struct failure *failure)
{
	AUTO_JSON json = json_pack(
		"{s:s, s:I, s:s}", "v", TOKEN_VERSION, "rv", (json_int_t)revision, "start", after);
	AUTO_FREE char *text = json ? json_text(json) : NULL;
	AUTO_FREE char *token = text ? base64_encode(text, strlen(text)) : NULL;

	if (!token)
		return failure_internal(failure, "out of memory");
	snprintf(ret, PAGE_TOKEN_MAX, "%s", token);
	return 0;
}

static int page_continue(const struct api_request *request, const char *token, struct page *page,
	struct failure *failure)
{
	char prefix[STORED_KEY_MAX];
	AUTO_FREE void *text = NULL;
	AUTO_JSON json = NULL;
	const char *after;
	size_t len;

	if (base64_decode(token, &text, &len) == 0)
		json_parse(text, len, "token", &json, NULL);
	after = json_string_at(json, "start", "");
	stored_prefix(request->kind, request_namespace(request), prefix);
	if (strcmp(json_string_at(json, "v", ""), TOKEN_VERSION) != 0 ||
		strlen(after) >= sizeof(page->after) || strncmp(after, prefix, strlen(prefix)) != 0)
		return failure_set(failure, 400, "BadRequest",
			"invalid continue token: continue key is not valid");
	snprintf(page->after, sizeof(page->after), "%s", after);
	page->exact = json_integer_at(json, "rv", 0) != NOW;
	if (page->exact)
		page->revision = (uint64_t)json_integer_at(json, "rv", 0);
	return 0;
}

static int page_limit(const struct api_request *request, struct page *page, struct failure *failure)
{
	const char *text = http_exchange_query(request->exchange, "limit", 0);
	uint64_t limit = 0;

	if (text && text[0] && !page_revision(text, &limit))
		return failure_set(failure, 400, "BadRequest",
			"limit: Invalid value: \"%.64s\": must be a number that is not negative",
			text);
	page->limit = limit;
	return 0;
}

/* https://kubernetes.io/docs/reference/using-api/api-concepts, "Semantics for get and list". */
static int page_version(
	const struct api_request *request, struct page *page, struct failure *failure)
{
	const char *text = http_exchange_query(request->exchange, "resourceVersion", 0);
	const char *match = http_exchange_query(request->exchange, "resourceVersionMatch", 0);

	page->revision = 0;
	if (text && text[0] && !page_revision(text, &page->revision))
		return failure_set(failure, 400, "BadRequest",
			"resourceVersion: Invalid value: \"%.64s\": must be a number", text);
	if (match && match[0] && !(text && text[0]))
		return failure_set(failure, 422, "Invalid",
			"resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless "
			"resourceVersion is provided");
	if (!match || !match[0])
		page->exact = page->limit && page->revision;
	else if (strcmp(match, "Exact") == 0 && page->revision)
		page->exact = true;
	else if (strcmp(match, "NotOlderThan") != 0)
		return failure_set(failure, 422, "Invalid",
			"resourceVersionMatch: Forbidden: resourceVersionMatch \"%.64s\" is not "
			"possible with resourceVersion \"%.32s\"",
			match, text);
	return 0;
}

/* Who has come too late may go on with what is there now. */
static int page_expired(const struct page *page, bool continued, struct failure *failure)
{
	char token[PAGE_TOKEN_MAX];

	if (!continued)
		return failure_set(failure, 410, "Expired",
			"The resourceVersion for the provided list is too old.");
	if (page_token((uint64_t)NOW, page->after, token, failure) < 0)
		return -1;
	failure_set(failure, 410, "Expired",
		"The provided continue parameter is too old to display a consistent list result. "
		"You can start a new list without the continue parameter, or use the continue "
		"token in this response to retrieve the remainder of the results. Continuing with "
		"the provided token results in an inconsistent list - objects that were created, "
		"modified, or deleted between the time the first chunk was returned and now may "
		"show up in the list.");
	failure->meta = json_pack("{s:s}", "continue", token);
	return -1;
}

int page_read(const struct api_request *request, struct page *ret, struct failure *failure)
{
	const struct store *store = api_store(request->api);
	const char *token = http_exchange_query(request->exchange, "continue", 0);
	uint64_t now = store_revision(store);
	int r;

	*ret = (struct page){0};
	r = page_limit(request, ret, failure);
	if (r == 0 && token && token[0])
		r = page_continue(request, token, ret, failure);
	else if (r == 0)
		r = page_version(request, ret, failure);
	if (r < 0)
		return r;
	if (ret->revision > now)
		return page_too_new(ret->revision, now, failure);
	if (ret->exact && ret->revision < store_compacted(store))
		return page_expired(ret, token && token[0], failure);
	return 0;
}
