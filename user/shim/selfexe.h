/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that enters a container can be looked at by the container, and through /proc/PID/exe the
 * program it came from could be overwritten (CVE-2019-5736).  So the shim runs from a read-only view of itself.
 */
#pragma once

struct err;

/* Executes the program anew from that view; returns 0 when it runs from it already. */
int selfexe_protect(char **argv, struct err *err);
