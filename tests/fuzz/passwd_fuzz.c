// SPDX-License-Identifier: Apache-2.0
/* An image's word on who its process is: one byte (runAsNonRoot, runAsUser), USER, passwd, group; 0x1e between. */
#include "tests/fuzz/fuzz.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/node/passwd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {(const char *)data, size};
	uint8_t choice = fuzz_byte(&input);
	const struct security security = {.user = choice & 2 ? 1000 : -1,
		.group = choice & 4 ? 1000 : -1,
		.run_as_non_root = choice & 1};
	AUTO_FREE char *user = fuzz_string(fuzz_part(&input, 0x1e));
	AUTO_FREE char *passwd = fuzz_string(fuzz_part(&input, 0x1e));
	AUTO_FREE char *group = fuzz_string(input);
	struct identity identity;
	struct err err;

	if (identity_find(passwd, group, user, &security, &identity, &err) < 0)
		return 0;
	FUZZ_CHECK("who may not be root is not", !security.run_as_non_root || identity.uid != 0);
	FUZZ_CHECK("an id is none that means 'unchanged'",
		identity.uid != (uid_t)-1 && identity.gid != (gid_t)-1);
	FUZZ_CHECK("groups have a limit", identity.group_count <= IDENTITY_MAX_GROUPS);
	FUZZ_CHECK("the primary group comes first",
		identity.group_count > 0 && identity.groups[0] == identity.gid);
	return 0;
}
