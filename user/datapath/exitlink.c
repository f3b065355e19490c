// SPDX-License-Identifier: Apache-2.0
#include "user/datapath/exitlink.h"

#include <errno.h>
#include <bpf/bpf.h>

#include "podnet/pins.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/datapath/pindir.h"

#define PIN_EXIT_LINK PIN_PROCESS_EXIT PIN_LINK_SUFFIX

/* Whether @link_fd has the program @program_fd. */
static int exitlink_is_current(int link_fd, int program_fd, bool *ret, struct err *err)
{
	struct bpf_prog_info program = {};
	struct bpf_link_info link = {};
	__u32 program_size = sizeof(program), link_size = sizeof(link);
	int r;

	r = bpf_obj_get_info_by_fd(program_fd, &program, &program_size);
	if (r == 0)
		r = bpf_obj_get_info_by_fd(link_fd, &link, &link_size);
	*ret = link.prog_id == program.id;
	return r == 0 ? 0 : err_set(err, -r, "read about '" PIN_PROCESS_EXIT "'");
}

int exitlink_attach(const struct datapath_config *config, struct err *err)
{
	AUTO_FD program = -1, pinned = -1, link = -1;
	bool current = false;
	int r;

	r = pindir_get(config, PIN_PROCESS_EXIT, &program, err);
	if (r < 0)
		return r;
	r = pindir_get(config, PIN_EXIT_LINK, &pinned, err);
	if (r == 0)
		r = exitlink_is_current(pinned, program, &current, err);
	if ((r < 0 && r != -ENOENT) || current)
		return r;
	/* Such links cannot be given another program: the old one ends when its pin is replaced. */
	link = bpf_raw_tracepoint_open(NULL, program);
	if (link < 0)
		return err_set(err, -link, "attach '" PIN_PROCESS_EXIT "'");
	return pindir_put(config, PIN_EXIT_LINK, link, err);
}
