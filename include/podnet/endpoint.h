/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* States of an endpoint, part of the ABI; apart from abi.h for those who need no layouts. */
#pragma once

#define ENDPOINT_DOWN	     0
#define ENDPOINT_READY	     1
#define ENDPOINT_UNREADY     2
#define ENDPOINT_TERMINATING 3
#define ENDPOINT_HELD	     4 /* taken out by hand */
#define ENDPOINT_STATES	     5
