// SPDX-License-Identifier: Apache-2.0
#include "cni/fault.h"

#include <stdarg.h>
#include <stdio.h>

int fault_set(struct fault *fault, enum cni_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fault->err.text, sizeof(fault->err.text), fmt, ap);
	va_end(ap);
	fault->err.code = EINVAL;
	fault->code = code;
	return -EINVAL;
}
