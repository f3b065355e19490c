/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets share.  A target runs in a directory of its own that it may fill (see
 * tests/fuzz/run), links the parser as the programs do, and aborts when a promise of its header is broken.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

/* libFuzzer calls it once per input, and the other (if there is one) before all. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define FUZZ_CHECK(what, condition)            \
	do {                                   \
		if (!(condition))              \
			fuzz_broken(what, ""); \
	} while (0)

/* Ends the run: this promise does not hold, or (with a reason) the target itself could not go on. */
void fuzz_broken(const char *what, const char *reason) __attribute__((noreturn));

/* What is left of an input. */
struct fuzz_input {
	const char *data;
	size_t size;
};

/* The next byte; 0 when there is none. */
uint8_t fuzz_byte(struct fuzz_input *input);

/* The bytes up to @separator, which is dropped, or all that are left.  Borrowed; not NUL-terminated. */
struct fuzz_input fuzz_part(struct fuzz_input *input, char separator);

/* A copy that ends with NUL, so that reading beyond it is seen.  The caller frees it. */
char *fuzz_string(struct fuzz_input input);

/* Makes @path hold just @input. */
void fuzz_file(const char *path, struct fuzz_input input);

/* Sends all that the socket takes at once. */
void fuzz_send(int fd, struct fuzz_input input);

/*
 * Takes one packet off @input and sends it: one byte (so many copies of @fd come along), two bytes (its
 * length, little endian), then itself.
 */
void fuzz_packet(int fd, struct fuzz_input *input);

/* Runs @loop until nothing is ready. */
void fuzz_loop(sd_event *loop);
