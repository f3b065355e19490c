// SPDX-License-Identifier: Apache-2.0
/*
 * podnet-pull: makes one image present in the store, or removes the images that nobody needs.  Prints one
 * JSON object: what a container needs of the image, or reason and message of the failure.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/base/json.h"
#include "user/base/log.h"
#include "user/image/digest.h"
#include "user/image/pull.h"
#include "user/image/reference.h"
#include "user/image/store.h"

#define KEEP_MAX	    65536 /* references that --collect reads */
#define MIN_AGE_DEFAULT_SEC 120

enum exit_code { EXIT_DONE, EXIT_FAILED, EXIT_USAGE };

static const char usage[] =
	"usage: podnet-pull --dir DIR [--policy POLICY] [options] REFERENCE\n"
	"       podnet-pull --dir DIR --collect [--min-age SECONDS] < REFERENCES-AND-DIGESTS\n"
	"\n"
	"Makes the image present in the store DIR and prints where its layers are, as JSON;\n"
	"with --collect removes every image that no line of the input names.\n"
	"\n"
	"  --dir DIR               the image store\n"
	"  --policy POLICY         Always, IfNotPresent (default) or Never\n"
	"  --registries-conf FILE  registries and mirrors; default: the system's\n"
	"  --skopeo PROGRAM        default: skopeo\n"
	"  --max-bytes N           unpacked bytes allowed, default 10 GiB\n"
	"  --max-files N           files allowed, default 1000000\n"
	"  --min-age SECONDS       keep layers used since, default 120\n"
	"  --help, --version\n";

struct options {
	struct pull_config pull;
	bool collect;
	uint64_t min_age;
	const char *reference;
};

static bool parse_number(const char *text, uint64_t *ret)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0';
}

static bool parse_policy(const char *text, enum pull_when *ret)
{
	static const char *const names[] = {
		[PULL_WHEN_ALWAYS] = "Always",
		[PULL_WHEN_ABSENT] = "IfNotPresent",
		[PULL_WHEN_NEVER] = "Never",
	};

	for (size_t i = 0; i < COUNT(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum pull_when)i;
			return true;
		}
	}
	return false;
}

static void usage_exit(const char *why, const char *what)
{
	fprintf(stderr, "podnet-pull: %s%s\n%s", why, what, usage);
	exit(EXIT_USAGE);
}

static void options_value(struct options *options, int option, const char *value)
{
	bool ok = true;

	switch (option) {
	case 'd': options->pull.dir = value; break;
	case 'p': ok = parse_policy(value, &options->pull.when); break;
	case 'r': options->pull.registries_conf = value; break;
	case 's': options->pull.skopeo = value; break;
	case 'b': ok = parse_number(value, &options->pull.max_bytes); break;
	case 'f': ok = parse_number(value, &options->pull.max_files); break;
	case 'a':
		ok = parse_number(value, &options->min_age) &&
		     options->min_age <= UINT64_MAX / USEC_PER_SEC;
		break;
	case 'c': options->collect = true; break;
	case 'h': fputs(usage, stdout); exit(EXIT_DONE);
	case 'v': puts("podnet-pull " PODNET_VERSION); exit(EXIT_DONE);
	default: exit(EXIT_USAGE);
	}
	if (!ok)
		usage_exit("not a valid value: ", value);
}

static void options_parse(int argc, char **argv, struct options *options)
{
	static const struct option table[] = {
		{"dir", required_argument, NULL, 'd'},
		{"policy", required_argument, NULL, 'p'},
		{"registries-conf", required_argument, NULL, 'r'},
		{"skopeo", required_argument, NULL, 's'},
		{"max-bytes", required_argument, NULL, 'b'},
		{"max-files", required_argument, NULL, 'f'},
		{"collect", no_argument, NULL, 'c'},
		{"min-age", required_argument, NULL, 'a'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", table, NULL)) != -1)
		options_value(options, option, optarg);
	if (!options->pull.dir)
		usage_exit("--dir is missing", "");
	if (argc - optind != (options->collect ? 0 : 1))
		usage_exit(options->collect ? "--collect takes no reference"
					    : "one REFERENCE is expected",
			"");
	options->reference = argv[optind];
}

static void print_json(const json_t *json)
{
	AUTO_FREE char *text = json ? json_text(json) : NULL;

	if (!text || puts(text) < 0 || fflush(stdout) != 0) {
		log_error("cannot print the result");
		exit(EXIT_FAILED);
	}
}

static void warn(const char *text)
{
	log_warning("%s", text);
}

static int run_pull(const struct options *options)
{
	struct pull_failure failure;
	AUTO_JSON json = NULL;

	if (pull_image(&options->pull, options->reference, &json, &failure) == 0) {
		print_json(json);
		return EXIT_DONE;
	}
	json = json_pack("{s:s, s:s}", "reason", failure.reason, "message", failure.message);
	print_json(json);
	return EXIT_FAILED;
}

/* Reads what to keep, a digest or a reference, which is normalised: what is neither can have no image. */
static size_t keep_read(char **keep)
{
	struct reference reference;
	char line[REFERENCE_MAX + 2];
	size_t count = 0;

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (digest_is_valid(line))
			strcpy(reference.text, line);
		else if (reference_parse(line, &reference, NULL) < 0)
			continue;
		if (count == KEEP_MAX || !(keep[count++] = strdup(reference.text))) {
			log_error("too many images to keep");
			exit(EXIT_FAILED);
		}
	}
	return count;
}

static int run_collect(const struct options *options)
{
	AUTO_FREE char **keep = calloc(KEEP_MAX + 1, sizeof(*keep));
	struct err err = {0};
	size_t count;
	int r;

	if (!keep) {
		log_error("memory is out");
		return EXIT_FAILED;
	}
	count = keep_read(keep);
	r = imagestore_collect(options->pull.dir,
		&(struct imagestore_collect){
			.keep = (const char *const *)keep,
			.min_age_usec = options->min_age * USEC_PER_SEC,
		},
		&err);
	for (size_t i = 0; i < count; i++)
		free(keep[i]);
	if (r < 0)
		log_error("%s", err.text);
	return r < 0 ? EXIT_FAILED : EXIT_DONE;
}

int main(int argc, char **argv)
{
	struct options options = {
		.pull =
			{
				.skopeo = "skopeo",
				.when = PULL_WHEN_ABSENT,
				.max_bytes = PULL_DEFAULT_BYTES,
				.max_files = PULL_DEFAULT_FILES,
				.warn = warn,
			},
		.min_age = MIN_AGE_DEFAULT_SEC,
	};

	log_setup("podnet-pull", LOG_LEVEL_INFO);
	options_parse(argc, argv, &options);
	signal(SIGPIPE, SIG_IGN);
	return options.collect ? run_collect(&options) : run_pull(&options);
}
