/* SPDX-License-Identifier: Apache-2.0 */
/* Quantities of Kubernetes: "100m", "1.5Gi", "2e3".  Kept exactly, in billionths of a unit. */
#pragma once

#include <stdint.h>

enum quantity_form {
	QUANTITY_DECIMAL, /* n u m k M G T P E */
	QUANTITY_BINARY,  /* Ki Mi Gi Ti Pi Ei */
	QUANTITY_EXPONENT /* e3 */
};

struct quantity {
	__int128 nano; /* finer digits were rounded away from zero */
	enum quantity_form form;
};

/* -EINVAL: not a quantity; -ERANGE: 2^63 units or more. */
int quantity_parse(const char *text, struct quantity *ret);

/* Thousandths and whole units, rounded up.  -ERANGE when the result does not fit. */
int quantity_milli(const struct quantity *quantity, int64_t *ret);
int quantity_units(const struct quantity *quantity, int64_t *ret);

#define QUANTITY_TEXT_LEN 48

/* The canonical text, as Kubernetes prints it: "1000m" is "1", "1024Mi" is "1Gi", "0.5" is "500m". */
void quantity_text(const struct quantity *quantity, char ret[QUANTITY_TEXT_LEN]);
