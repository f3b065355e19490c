// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"

#include <unistd.h>

#define CHECK_CASES_MAX 512
#define CHECK_CASE_SECONDS \
	120 /* a case that waits for longer is ended by SIGALRM, and the run with it */

static struct {
	const char *name;
	check_case_fn fn;
} cases[CHECK_CASES_MAX];
static size_t case_count;
static unsigned checks, failures;

void check_register(const char *name, check_case_fn fn)
{
	if (case_count == CHECK_CASES_MAX)
		BAIL("too many cases");
	cases[case_count].name = name;
	cases[case_count++].fn = fn;
}

static bool check_result(bool ok)
{
	checks++;
	failures += !ok;
	return ok;
}

bool check_true(const char *file, int line, const char *what, bool ok, const char *expression)
{
	if (!ok)
		printf("# %s:%d: %s: not true: %s\n", file, line, what, expression);
	return check_result(ok);
}

bool check_int(const char *file, int line, const char *what, long long got, long long want)
{
	if (got != want)
		printf("# %s:%d: %s: got %lld, want %lld\n", file, line, what, got, want);
	return check_result(got == want);
}

bool check_str(const char *file, int line, const char *what, const char *got, const char *want)
{
	bool ok = got == want || (got && want && strcmp(got, want) == 0);

	if (!ok)
		printf("# %s:%d: %s: got '%s', want '%s'\n", file, line, what, got ? got : "(none)",
			want ? want : "(none)");
	return check_result(ok);
}

bool check_has(const char *file, int line, const char *what, const char *got, const char *part)
{
	bool ok = got && strstr(got, part);

	if (!ok)
		printf("# %s:%d: %s: got '%s', want something with '%s'\n", file, line, what,
			got ? got : "(none)", part);
	return check_result(ok);
}

void check_bail(const char *file, int line, const char *why)
{
	printf("Bail out! %s:%d: %s\n", file, line, why);
	exit(255);
}

int main(void)
{
	unsigned failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%zu\n", case_count);
	for (size_t i = 0; i < case_count; i++) {
		checks = failures = 0;
		alarm(CHECK_CASE_SECONDS);
		cases[i].fn();
		if (checks == 0)
			printf("# %s checked nothing\n", cases[i].name);
		if (checks == 0 || failures)
			failed++;
		printf("%sok %zu - ", checks == 0 || failures ? "not " : "", i + 1);
		for (const char *p = cases[i].name; *p; p++)
			putchar(*p == '_' ? ' ' : *p);
		putchar('\n');
	}
	return failed ? 1 : 0;
}
