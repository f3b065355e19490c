// SPDX-License-Identifier: Apache-2.0
/*
 * podnet-pause: owns a Pod's namespaces, does nothing, and reaps what is orphaned into its PID namespace.
 * Ends on SIGTERM.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static const char help[] = "usage: podnet-pause [--help|--version]\n"
			   "Owns the namespaces of a Pod until SIGTERM.  Started by podnet-shim.\n";

static void hold(void)
{
	sigset_t all;
	int signo;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	do {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	} while (sigwait(&all, &signo) != 0 || signo != SIGTERM);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--help") == 0)
		return fputs(help, stdout) < 0;
	if (argc > 1 && strcmp(argv[1], "--version") == 0)
		return puts("podnet-pause " PODNET_VERSION) < 0;
	if (argc > 1)
		return 2;
	hold();
	return 0;
}
