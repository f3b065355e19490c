// SPDX-License-Identifier: Apache-2.0
/*
 * verifier FILE.bpf.o...: loads the programs in each, pins nothing, and prints how many instructions the
 * verifier has processed: "PROGRAM<TAB>COUNT" lines.
 */
#include <stdio.h>
#include <string.h>
#include <bpf/libbpf.h>

#define LOG_STATS     4 /* nothing but the numbers */
#define PROGRAMS_MOST 16

static int complain(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, arguments) : 0;
}

/* Of one program: @log is what the verifier said of it. */
static int program_print(const struct bpf_program *program, const char *log)
{
	const char *numbers = strstr(log, "processed ");
	unsigned count;

	if (!numbers || sscanf(numbers, "processed %u insns", &count) != 1)
		return -1;
	printf("%s\t%u\n", bpf_program__name(program), count);
	return 0;
}

static int object_load(const char *path)
{
	static char logs[PROGRAMS_MOST][65536];
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;
	size_t count = 0;
	int r = object ? 0 : -1;

	bpf_object__for_each_program(program, object)
	{
		if (count == PROGRAMS_MOST)
			break;
		bpf_program__set_log_level(program, LOG_STATS);
		bpf_program__set_log_buf(program, logs[count], sizeof(logs[count]));
		logs[count++][0] = '\0';
	}
	if (r == 0)
		r = bpf_object__load(object);
	count = 0;
	bpf_object__for_each_program(program, object)
	{
		if (r == 0)
			r = program_print(program, logs[count]);
		if (r < 0)
			fprintf(stderr, "verifier: cannot load '%s': %s\n", path, logs[count]);
		if (r < 0 || ++count == PROGRAMS_MOST)
			break;
	}
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
