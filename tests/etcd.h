/* SPDX-License-Identifier: Apache-2.0 */
/* A real etcd for tests in C: begun when the first one asks for it, ended with the program. */
#pragma once

/* Where it is reached: "http://127.0.0.1:PORT". */
const char *etcd_url(void);
