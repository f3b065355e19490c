// SPDX-License-Identifier: Apache-2.0
#include "user/cluster/machine.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"

/* The first line of a file, or "". */
static void line_read(const char *path, char *ret, size_t size)
{
	AUTO_FILE file = fopen(path, "re");

	if (!file || !fgets(ret, (int)size, file))
		ret[0] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
}

static uint64_t number_read(const char *path)
{
	char line[32];

	line_read(path, line, sizeof(line));
	return strtoull(line, NULL, 10);
}

/* PRETTY_NAME="..." of os-release(5). */
static void os_image_read(char *ret, size_t size)
{
	AUTO_FILE file = fopen("/etc/os-release", "re");
	char line[256];
	int quoted;

	snprintf(ret, size, "Linux");
	while (file && fgets(line, sizeof(line), file)) {
		const char *value = line + strlen("PRETTY_NAME=");

		if (strncmp(line, "PRETTY_NAME=", strlen("PRETTY_NAME=")) != 0)
			continue;
		quoted = *value == '"' || *value == '\'';
		value += quoted;
		snprintf(ret, size, "%.*s", (int)strcspn(value, quoted ? "\"'\n" : "\n"), value);
	}
}

/* As Go, and so Kubernetes, calls it. */
static const char *architecture_name(const char *machine)
{
	static const struct {
		const char *machine, *name;
	} names[] = {
		{"x86_64", "amd64"},
		{"aarch64", "arm64"},
		{"armv7l", "arm"},
		{"i686", "386"},
		{"ppc64le", "ppc64le"},
		{"riscv64", "riscv64"},
		{"s390x", "s390x"},
	};

	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(names[i].machine, machine) == 0)
			return names[i].name;
	return machine;
}

static void memory_read(struct machine *ret)
{
	AUTO_FILE file = fopen("/proc/meminfo", "re");
	unsigned long long value;
	char line[128];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "MemTotal: %llu kB", &value) == 1)
			ret->memory = value * 1024;
		else if (sscanf(line, "MemAvailable: %llu kB", &value) == 1)
			ret->memory_available = value * 1024;
	}
}

/* The fourth word of loadavg is RUNNING/THREADS. */
static void pids_read(struct machine *ret)
{
	unsigned long long threads = 0;
	char line[128];

	ret->pids = number_read("/proc/sys/kernel/pid_max");
	line_read("/proc/loadavg", line, sizeof(line));
	if (sscanf(line, "%*s %*s %*s %*u/%llu", &threads) == 1 && threads < ret->pids)
		ret->pids_available = ret->pids - threads;
}

void machine_read(const char *state_dir, struct machine *ret)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct utsname names;
	struct statvfs disk;

	*ret = (struct machine){.cpus = cpus > 0 ? (unsigned)cpus : 1};
	os_image_read(ret->os_image, sizeof(ret->os_image));
	if (uname(&names) == 0) {
		snprintf(ret->kernel, sizeof(ret->kernel), "%.64s", names.release);
		snprintf(ret->architecture, sizeof(ret->architecture), "%.31s",
			architecture_name(names.machine));
	}
	line_read("/etc/machine-id", ret->machine_id, sizeof(ret->machine_id));
	line_read("/sys/class/dmi/id/product_uuid", ret->system_uuid, sizeof(ret->system_uuid));
	snprintf(ret->boot_id, sizeof(ret->boot_id), "%s", clock_boot_id());
	memory_read(ret);
	pids_read(ret);
	if (statvfs(state_dir, &disk) == 0) {
		ret->disk = (uint64_t)disk.f_blocks * disk.f_frsize;
		ret->disk_available = (uint64_t)disk.f_bavail * disk.f_frsize;
	}
}
