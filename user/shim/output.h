/* SPDX-License-Identifier: Apache-2.0 */
/* From a container's pipe to its log. */
#pragma once

struct container_output;
struct reactor;
struct err;

/* Consumes the reading end of the pipe. */
int output_watch(struct reactor *reactor, struct container_output *output, int fd, struct err *err);
/* Takes what is in the pipe now: for a container that has ended. */
void output_drain(struct container_output *output);
/* Ends the stream.  Accepts one that has ended or never began. */
void output_close(struct container_output *output);
