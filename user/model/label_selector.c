// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/model/name.h"
#include "user/model/selector.h"

#define TERM_PAIR_MAX 512 /* a longer key and value are no label's */

enum label_operator { OP_IN, OP_NOT_IN, OP_EXISTS, OP_NOT_EXISTS, OP_GREATER, OP_LESS };

struct term {
	enum label_operator op;
	char *key;
	json_t *values; /* strings; empty without any */
};

struct label_selector {
	struct term *terms;
	size_t count;
	bool nothing; /* matches no labels at all */
};

struct label_selector *label_selector_free(struct label_selector *selector)
{
	if (!selector)
		return NULL;
	for (size_t i = 0; i < selector->count; i++) {
		free(selector->terms[i].key);
		json_decref(selector->terms[i].values);
	}
	free(selector->terms);
	free(selector);
	return NULL;
}

static struct term *term_add(struct label_selector *selector)
{
	struct term *term;

	if ((selector->count & (selector->count - 1)) == 0) {
		struct term *grown = reallocarray(selector->terms,
			selector->count ? selector->count * 2 : 1, sizeof(*selector->terms));

		if (!grown)
			return NULL;
		selector->terms = grown;
	}
	term = &selector->terms[selector->count];
	*term = (struct term){.values = json_array()};
	if (!term->values)
		return NULL;
	selector->count++;
	return term;
}

static bool is_integer(const char *text)
{
	const char *digits = text + (*text == '-');
	size_t len = strspn(digits, "0123456789");

	return len > 0 && len < 19 && digits[len] == '\0';
}

/* Key, values and their number fit the operator. */
static int term_check(const struct term *term, struct err *err)
{
	bool compares = term->op == OP_GREATER || term->op == OP_LESS;
	const char *reason = name_label_key(term->key);
	json_t *value;
	size_t i;

	if (reason)
		return err_refuse(
			err, EINVAL, "key: Invalid value: \"%.80s\": %s", term->key, reason);
	if ((term->op == OP_IN || term->op == OP_NOT_IN) && json_array_size(term->values) == 0)
		return err_refuse(err, EINVAL,
			"values: Invalid value: []: for 'in', 'notin' "
			"operators, values set can't be empty");
	json_array_foreach (term->values, i, value) {
		const char *text = json_string_value(value);

		reason = name_label_value(text);
		if (reason)
			return err_refuse(err, EINVAL,
				"values[%zu][%s]: Invalid value: \"%.80s\": %s", i, term->key, text,
				reason);
		if (compares && !is_integer(text))
			return err_refuse(err, EINVAL,
				"values[%zu]: Invalid value: \"%.80s\": for 'Gt', 'Lt' operators, "
				"the value must be an integer",
				i, text);
	}
	return 0;
}

/* --- text ---------------------------------------------------------------------------------------- */

enum token {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_COMMA,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_NOT,
	TOKEN_EQUAL,
	TOKEN_UNEQUAL,
	TOKEN_GREATER,
	TOKEN_LESS
};

#define SPECIAL "!=(),<>"
#define BLANKS	" \t\r\n"

struct lexer {
	const char *at;
	enum token token;
	const char *text; /* of the token */
	size_t len;
	struct err *err;
};

static enum token symbol_read(const char *text, size_t *ret_len)
{
	static const struct {
		const char *text;
		enum token token;
	} symbols[] = {{"!=", TOKEN_UNEQUAL}, {"==", TOKEN_EQUAL}, {"=", TOKEN_EQUAL},
		{"!", TOKEN_NOT}, {",", TOKEN_COMMA}, {"(", TOKEN_OPEN}, {")", TOKEN_CLOSE},
		{">", TOKEN_GREATER}, {"<", TOKEN_LESS}};

	for (size_t i = 0; i < COUNT(symbols); i++)
		if (strncmp(text, symbols[i].text, strlen(symbols[i].text)) == 0) {
			*ret_len = strlen(symbols[i].text);
			return symbols[i].token;
		}
	*ret_len = strcspn(text, SPECIAL BLANKS);
	return *ret_len ? TOKEN_WORD : TOKEN_END;
}

static void lexer_next(struct lexer *lexer)
{
	lexer->at += strspn(lexer->at, BLANKS);
	lexer->text = lexer->at;
	lexer->token = symbol_read(lexer->at, &lexer->len);
	lexer->at += lexer->len;
}

static bool lexer_is(const struct lexer *lexer, const char *word)
{
	return lexer->token == TOKEN_WORD && lexer->len == strlen(word) &&
	       memcmp(lexer->text, word, lexer->len) == 0;
}

static int unexpected(const struct lexer *lexer, const char *expected)
{
	return err_refuse(lexer->err, EINVAL,
		"unable to parse requirement: found '%.*s', expected: %s",
		lexer->len > 80 ? 80 : (int)lexer->len, lexer->text, expected);
}

static int no_memory(struct err *err)
{
	return err_set(err, ENOMEM, "read a selector");
}

static int value_take(struct lexer *lexer, struct term *term)
{
	bool word = lexer->token == TOKEN_WORD;

	if (json_array_append_new(term->values, json_stringn(lexer->text, word ? lexer->len : 0)) <
		0)
		return err_refuse(lexer->err, EINVAL, "a value is not UTF-8");
	if (word)
		lexer_next(lexer);
	return 0;
}

/* "(a, b,)": an empty value is one. */
static int values_take(struct lexer *lexer, struct term *term)
{
	int r;

	lexer_next(lexer);
	if (lexer->token != TOKEN_OPEN)
		return unexpected(lexer, "'('");
	do {
		lexer_next(lexer);
		if (lexer->token == TOKEN_CLOSE && json_array_size(term->values) == 0)
			break;
		r = value_take(lexer, term);
		if (r < 0)
			return r;
	} while (lexer->token == TOKEN_COMMA);
	if (lexer->token != TOKEN_CLOSE)
		return unexpected(lexer, "',' or ')'");
	lexer_next(lexer);
	return 0;
}

static int operator_take(struct lexer *lexer, struct term *term)
{
	if (lexer->token == TOKEN_END || lexer->token == TOKEN_COMMA) {
		term->op = OP_EXISTS;
		return 0;
	}
	if (lexer_is(lexer, "in") || lexer_is(lexer, "notin")) {
		term->op = lexer_is(lexer, "in") ? OP_IN : OP_NOT_IN;
		return values_take(lexer, term);
	}
	switch (lexer->token) {
	case TOKEN_EQUAL: term->op = OP_IN; break;
	case TOKEN_UNEQUAL: term->op = OP_NOT_IN; break;
	case TOKEN_GREATER: term->op = OP_GREATER; break;
	case TOKEN_LESS: term->op = OP_LESS; break;
	default: return unexpected(lexer, "'=', '!=', '==', 'in', notin'");
	}
	lexer_next(lexer);
	return value_take(lexer, term);
}

static int term_take(struct lexer *lexer, struct label_selector *selector)
{
	bool negated = lexer->token == TOKEN_NOT;
	struct term *term;
	int r = 0;

	if (selector->count == SELECTOR_MAX_TERMS)
		return err_refuse(
			lexer->err, EINVAL, "a selector has at most %d terms", SELECTOR_MAX_TERMS);
	if (negated)
		lexer_next(lexer);
	if (lexer->token != TOKEN_WORD)
		return unexpected(lexer, "identifier");
	term = term_add(selector);
	if (!term)
		return no_memory(lexer->err);
	term->key = strndup(lexer->text, lexer->len);
	if (!term->key)
		return no_memory(lexer->err);
	lexer_next(lexer);
	if (negated)
		term->op = OP_NOT_EXISTS;
	else
		r = operator_take(lexer, term);
	if (r < 0)
		return r;
	if (lexer->token != TOKEN_END && lexer->token != TOKEN_COMMA)
		return unexpected(lexer, "',' or 'end of string'");
	r = term_check(term, lexer->err);
	return r < 0 ? err_wrap(lexer->err, "unable to parse requirement") : 0;
}

int label_selector_parse(const char *text, struct label_selector **ret, struct err *err)
{
	struct label_selector *selector = calloc(1, sizeof(*selector));
	struct lexer lexer = {.at = text, .err = err};
	int r = 0;

	if (!selector)
		return no_memory(err);
	lexer_next(&lexer);
	while (r == 0 && lexer.token != TOKEN_END) {
		r = term_take(&lexer, selector);
		if (r < 0 || lexer.token != TOKEN_COMMA)
			continue;
		lexer_next(&lexer);
		if (lexer.token == TOKEN_END || lexer.token == TOKEN_COMMA)
			r = err_refuse(err, EINVAL, "found '%.*s', expected: identifier after ','",
				(int)lexer.len, lexer.text);
	}
	if (r < 0) {
		label_selector_free(selector);
		return r;
	}
	*ret = selector;
	return 0;
}

/* --- objects ------------------------------------------------------------------------------------- */

static int expression_read(
	struct label_selector *selector, const json_t *expression, struct err *err)
{
	static const char *const names[] = {[OP_IN] = "In",
		[OP_NOT_IN] = "NotIn",
		[OP_EXISTS] = "Exists",
		[OP_NOT_EXISTS] = "DoesNotExist"};
	const char *name = json_string_at(expression, "operator", "");
	struct term *term;
	json_t *value;
	size_t op = 0, i;

	while (op < COUNT(names) && strcmp(names[op], name) != 0)
		op++;
	if (op == COUNT(names))
		return err_refuse(
			err, EINVAL, "\"%.60s\" is not a valid label selector operator", name);
	term = term_add(selector);
	if (!term)
		return no_memory(err);
	term->op = (enum label_operator)op;
	term->key = strdup(json_string_at(expression, "key", ""));
	if (!term->key)
		return no_memory(err);
	json_array_foreach (json_object_get(expression, "values"), i, value)
		if (json_is_string(value) && json_array_append(term->values, value) < 0)
			return no_memory(err);
	return term_check(term, err);
}

static int labels_read(struct label_selector *selector, json_t *labels, struct err *err)
{
	const char *key;
	json_t *value;

	json_object_foreach (labels, key, value) {
		struct term *term = term_add(selector);

		if (!term)
			return no_memory(err);
		term->op = OP_IN;
		term->key = strdup(key);
		if (!term->key || json_array_append(term->values, value) < 0)
			return no_memory(err);
		if (!json_is_string(value))
			return err_refuse(err, EINVAL, "a label's value must be a string");
	}
	return 0;
}

int label_selector_read(const json_t *object, struct label_selector **ret, struct err *err)
{
	struct label_selector *selector = calloc(1, sizeof(*selector));
	json_t *expression;
	size_t i;
	int r;

	if (!selector)
		return no_memory(err);
	selector->nothing = !json_is_object(object);
	r = labels_read(selector, json_object_get(object, "matchLabels"), err);
	json_array_foreach (json_object_get(object, "matchExpressions"), i, expression)
		if (r == 0)
			r = expression_read(selector, expression, err);
	if (r < 0) {
		label_selector_free(selector);
		return r;
	}
	*ret = selector;
	return 0;
}

/* --- matching ------------------------------------------------------------------------------------ */

static bool has_value(const json_t *values, const char *text)
{
	for (size_t i = 0; i < json_array_size(values); i++)
		if (strcmp(json_string_value(json_array_get(values, i)), text) == 0)
			return true;
	return false;
}

static bool term_matches(const struct term *term, const json_t *labels)
{
	const char *got = json_string_at(labels, term->key, NULL);
	const char *first = json_string_value(json_array_get(term->values, 0));

	switch (term->op) {
	case OP_IN: return got && has_value(term->values, got);
	case OP_NOT_IN: return !got || !has_value(term->values, got);
	case OP_EXISTS: return got != NULL;
	case OP_NOT_EXISTS: return !got;
	case OP_GREATER: return got && is_integer(got) && atoll(got) > atoll(first);
	case OP_LESS: return got && is_integer(got) && atoll(got) < atoll(first);
	}
	return false;
}

bool label_selector_matches(const struct label_selector *selector, const json_t *labels)
{
	for (size_t i = 0; i < selector->count; i++)
		if (!term_matches(&selector->terms[i], labels))
			return false;
	return !selector->nothing;
}

/* Keys and values of labels stand in JSON as they are. */
static bool term_may_match(const struct term *term, const char *text, size_t size)
{
	bool one = term->op == OP_IN && json_array_size(term->values) == 1;
	const char *value = one ? json_string_value(json_array_get(term->values, 0)) : "";
	char pair[TERM_PAIR_MAX];
	int len =
		snprintf(pair, sizeof(pair), one ? "\"%s\":\"%s\"" : "\"%s\":%s", term->key, value);

	return term->op == OP_NOT_IN || term->op == OP_NOT_EXISTS || len < 0 ||
	       (size_t)len >= sizeof(pair) || memmem(text, size, pair, (size_t)len);
}

bool label_selector_may_match(const struct label_selector *selector, const char *text, size_t size)
{
	for (size_t i = 0; i < selector->count; i++)
		if (!term_may_match(&selector->terms[i], text, size))
			return false;
	return !selector->nothing;
}

static void term_print(FILE *out, const struct term *term)
{
	size_t count = json_array_size(term->values);
	const char *first = json_string_value(json_array_get(term->values, 0));
	static const char *const signs[] = {
		[OP_IN] = "=", [OP_NOT_IN] = "!=", [OP_GREATER] = ">", [OP_LESS] = "<"};

	if (term->op == OP_EXISTS || term->op == OP_NOT_EXISTS) {
		fprintf(out, "%s%s", term->op == OP_EXISTS ? "" : "!", term->key);
		return;
	}
	if (count == 1) {
		fprintf(out, "%s%s%s", term->key, signs[term->op], first);
		return;
	}
	fprintf(out, "%s %s (", term->key, term->op == OP_IN ? "in" : "notin");
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s%s", i ? "," : "",
			json_string_value(json_array_get(term->values, i)));
	fputc(')', out);
}

char *label_selector_text(const struct label_selector *selector)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (size_t i = 0; i < selector->count; i++) {
		if (i)
			fputc(',', out);
		term_print(out, &selector->terms[i]);
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
