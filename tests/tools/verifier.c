// SPDX-License-Identifier: Apache-2.0
/*
 * verifier FILE.bpf.o...: loads the programs in each, pins nothing, and prints how many instructions the
 * verifier has processed: "PROGRAM<TAB>COUNT" lines.
 */
#include <stdio.h>
#include <string.h>
#include <bpf/libbpf.h>

#define LOG_STATS 4 /* nothing but the numbers */

static int complain(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, arguments) : 0;
}

static int object_load(const char *path)
{
	static char log[65536];
	LIBBPF_OPTS(bpf_object_open_opts, options, .kernel_log_buf = log,
		.kernel_log_size = sizeof(log), .kernel_log_level = LOG_STATS);
	struct bpf_object *object = bpf_object__open_file(path, &options);
	const char *numbers;
	unsigned count;
	int r = -1;

	if (object && bpf_object__load(object) == 0) {
		numbers = strstr(log, "processed ");
		if (numbers && sscanf(numbers, "processed %u insns", &count) == 1) {
			printf("%s\t%u\n",
				bpf_program__name(bpf_object__next_program(object, NULL)), count);
			r = 0;
		}
	}
	if (r < 0)
		fprintf(stderr, "verifier: cannot load '%s': %s\n", path, log);
	bpf_object__close(object);
	return r;
}

int main(int argc, char **argv)
{
	int r = argc > 1 ? 0 : -1;

	libbpf_set_print(complain);
	for (int i = 1; i < argc; i++)
		r |= object_load(argv[i]);
	return r < 0;
}
