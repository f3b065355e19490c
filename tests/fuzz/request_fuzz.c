// SPDX-License-Identifier: Apache-2.0
/* Requests for certificates, which a stranger with a bootstrap token may send: what is read is whole, and within limits. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "user/base/cleanup.h"
#include "user/pki/request.h"

static size_t count(char **names)
{
	size_t n = 0;

	while (names[n])
		n++;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = fuzz_string((struct fuzz_input){(const char *)data, size});
	struct certificate_request request = {0};

	if (certificate_request_read(text, &request, NULL) < 0) {
		FUZZ_CHECK("a refused one leaves nothing", !request.name && !request.organizations);
		return 0;
	}
	FUZZ_CHECK("it was not too long", strlen(text) <= REQUEST_MOST);
	FUZZ_CHECK("it has a name", request.name);
	FUZZ_CHECK("there are not too many organizations",
		count(request.organizations) <= REQUEST_NAMES);
	FUZZ_CHECK("nor subject names", count(request.subject_names) <= REQUEST_NAMES);
	certificate_request_clear(&request);
	return 0;
}
