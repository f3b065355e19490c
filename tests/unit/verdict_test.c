// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"
#include "user/base/clock.h"
#include "user/probe/deadline.h"
#include "user/probe/verdict.h"

#define S(seconds) ((uint64_t)((seconds)*1000000.0))

static const struct probe_spec usual = {
	.initial_delay = 0,
	.timeout = 1,
	.period = 10,
	.success_threshold = 1,
	.failure_threshold = 3,
};

static struct verdict fresh(enum probe_kind kind, const struct probe_spec *spec)
{
	struct verdict verdict;

	verdict_init(&verdict, kind, spec, S(100), S(100), kind == PROBE_LIVENESS, 0);
	return verdict;
}

/* A script is one letter a probe: s(uccess), f(ailure), u(nknown); the answer has one letter for each:
 * '.' nothing changed, '+' became ok, '-' became not ok. */
static void play(struct verdict *verdict, const char *script, char *ret)
{
	for (; *script; script++) {
		enum probe_result result = *script == 's'   ? PROBE_SUCCESS
					   : *script == 'f' ? PROBE_FAILURE
							    : PROBE_UNKNOWN;
		bool changed = verdict_feed(verdict, result, verdict->due);

		*ret++ = !changed ? '.' : verdict->ok ? '+' : '-';
	}
	*ret = '\0';
}

TEST(thresholds_decide_what_results_mean)
{
	static const struct {
		const char *what;
		enum probe_kind kind;
		uint32_t success, failure;
		const char *script, *want;
	} cases[] = {
		{"one success makes ready", PROBE_READINESS, 1, 3, "s", "+"},
		{"readiness begins as failed: failures change nothing", PROBE_READINESS, 1, 3,
			"fff", "..."},
		{"the third failure in a row makes unready", PROBE_READINESS, 1, 3, "sfffs",
			"+..-+"},
		{"a success between starts the count anew", PROBE_READINESS, 1, 3, "sffsfff",
			"+.....-"},
		{"successThreshold 3 wants three in a row", PROBE_READINESS, 3, 3, "ssfsss",
			".....+"},
		{"below successThreshold an unready Pod stays so", PROBE_READINESS, 2, 1, "ssfsfss",
			".+-...+"},
		{"failureThreshold 1 acts at once", PROBE_READINESS, 1, 1, "sfsf", "+-+-"},
		{"liveness begins as ok: success changes nothing", PROBE_LIVENESS, 1, 3, "sss",
			"..."},
		{"liveness fails once and then holds", PROBE_LIVENESS, 1, 3, "sffffffs",
			"...-...."},
		{"errors neither count nor reset", PROBE_READINESS, 1, 3, "sffuuuf", "+.....-"},
		{"errors alone never change a verdict", PROBE_LIVENESS, 1, 1, "uuuuuuuuu",
			"........."},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct probe_spec spec = usual;
		struct verdict verdict;
		char got[32];

		spec.success_threshold = cases[i].success;
		spec.failure_threshold = cases[i].failure;
		verdict = fresh(cases[i].kind, &spec);
		play(&verdict, cases[i].script, got);
		CHECK_STR(cases[i].what, got, cases[i].want);
	}
}

TEST(the_first_probe_is_due_when_it_should)
{
	static const struct {
		const char *what;
		uint32_t delay;
		double now, started, spread, want;
	} cases[] = {
		{"at once without initialDelaySeconds", 0, 100, 100, 0, 100},
		{"initialDelaySeconds after the container's start", 5, 100, 100, 0, 105},
		{"counted from the start of the container, not of the prober", 5, 103, 100, 0, 105},
		{"at once when the delay has passed already", 5, 200, 100, 0, 200},
		{"adopted: spread over the period", 0, 200, 100, 7.5, 207.5},
		{"adopted while the delay still runs: the later of both", 30, 110, 100, 7.5, 130},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct probe_spec spec = usual;
		struct verdict verdict;

		spec.initial_delay = cases[i].delay;
		verdict_init(&verdict, PROBE_READINESS, &spec, S(cases[i].now), S(cases[i].started),
			false, S(cases[i].spread));
		CHECK_EQ(cases[i].what, verdict_due(&verdict), S(cases[i].want));
	}
}

TEST(only_the_first_probe_is_not_due_at_a_tick)
{
	struct verdict verdict;

	verdict_init(&verdict, PROBE_READINESS, &usual, S(100.23), S(100.23), false, 0);
	CHECK_EQ("the first does not wait", verdict_due(&verdict), S(100.23));
	verdict_feed(&verdict, PROBE_SUCCESS, S(100.24));
	CHECK_EQ("the second is at the next tick", verdict_due(&verdict), S(110.4));
	verdict_feed(&verdict, PROBE_SUCCESS, S(110.44));
	CHECK_EQ("the third a period later", verdict_due(&verdict), S(120.4));
	verdict_feed(&verdict, PROBE_SUCCESS, S(157));
	CHECK_EQ("and so after a stall", verdict_due(&verdict), S(160.4));
}

TEST(the_next_probe_is_due_at_a_boundary_of_the_period)
{
	static const struct {
		const char *what;
		double fed, want;
	} cases[] = {
		{"one period after the last due time, not after the result", 100.7, 110},
		{"a result on the boundary means the next one", 110, 120},
		{"boundaries that a stall ran over are dropped", 137, 140},
		{"after an hour's stall there is one probe, not 360", 3700, 3710},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct verdict verdict = fresh(PROBE_READINESS, &usual);

		verdict_feed(&verdict, PROBE_SUCCESS, S(cases[i].fed));
		CHECK_EQ(cases[i].what, verdict_due(&verdict), S(cases[i].want));
	}
}

TEST(a_prober_error_is_tried_three_times_at_once_then_dropped)
{
	struct verdict verdict = fresh(PROBE_READINESS, &usual);

	verdict_feed(&verdict, PROBE_UNKNOWN, S(100.1));
	CHECK_EQ("the second try is at once", verdict_due(&verdict), S(100));
	verdict_feed(&verdict, PROBE_UNKNOWN, S(100.2));
	CHECK_EQ("the third try too", verdict_due(&verdict), S(100));
	verdict_feed(&verdict, PROBE_UNKNOWN, S(100.3));
	CHECK_EQ("then the next period", verdict_due(&verdict), S(110));
	verdict_feed(&verdict, PROBE_UNKNOWN, S(110.1));
	CHECK_EQ("which has its own tries", verdict_due(&verdict), S(110));
	CHECK("a success after an error counts", verdict_feed(&verdict, PROBE_SUCCESS, S(110.2)));
	CHECK_EQ("and ends the tries", verdict_due(&verdict), S(120));
}

TEST(liveness_on_hold_is_never_due)
{
	struct verdict verdict = fresh(PROBE_LIVENESS, &usual);
	char got[8];

	play(&verdict, "fff", got);
	CHECK("failed", !verdict.ok);
	CHECK("never due", verdict_due(&verdict) == USEC_NEVER);
	CHECK("late results are ignored", !verdict_feed(&verdict, PROBE_SUCCESS, S(200)));
	CHECK("still failed", !verdict.ok);
}

TEST(an_adopted_verdict_is_kept_until_results_say_otherwise)
{
	struct verdict ready, dead;
	char got[8];

	verdict_init(&ready, PROBE_READINESS, &usual, S(100), S(50), true, S(3));
	play(&ready, "sffsf", got);
	CHECK_STR("a ready Pod stays ready through two failures", got, ".....");
	verdict_init(&dead, PROBE_LIVENESS, &usual, S(100), S(50), false, S(3));
	play(&dead, "fff", got);
	CHECK_STR("a container that was to be killed is reported again", got, "..-");
}

TEST(the_deadline_passes_when_the_loop_was_on_time)
{
	struct deadline deadline;
	uint64_t look = deadline_start(&deadline, S(10), S(1));
	unsigned looks = 0;

	while (look && looks < 100) {
		CHECK("looks ahead, never beyond the end", look > S(10) && look <= S(11));
		looks++;
		look = deadline_look(&deadline, look + 200);
	}
	CHECK_EQ("it looked four times", looks, 4);
}

TEST(time_in_which_the_loop_could_not_look_does_not_count)
{
	struct deadline deadline;
	uint64_t look = deadline_start(&deadline, S(10), S(1));

	CHECK_EQ("the first look", look, S(10.25));
	look = deadline_look(&deadline, S(14.25));
	CHECK_EQ("a stall of 4 s at the first look: a quarter more", look, S(14.5));
	look = deadline_look(&deadline, look);
	look = deadline_look(&deadline, look);
	CHECK_EQ("the end has moved by the stall", look, S(15));
	look = deadline_look(&deadline, S(15.5));
	CHECK_EQ("late at the end: one more look for what came meanwhile", look, S(15.75));
	CHECK_EQ("then it is over", deadline_look(&deadline, look), 0);
}
