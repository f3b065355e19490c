// SPDX-License-Identifier: Apache-2.0
/* podnetctl: asks podnetd over its control socket.  Composition only. */
#include "user/cli/commands.h"

int main(int argc, char **argv)
{
	return cli_run(argc, argv);
}
