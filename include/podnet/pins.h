/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where things are pinned and how they are attached: BPFDIR/podnet/INSTANCE/vABI/NAME.  Maps are
 * pinned under their own names.  bpffs allows no dots in names.
 */
#pragma once

#define PIN_DIRECTORY "podnet"

#define PIN_POD_OUT	 "pod_out" /* programs */
#define PIN_POD_IN	 "pod_in"
#define PIN_CONNECT4	 "sock_connect4" /* these have links, NAME_link */
#define PIN_SENDMSG4	 "sock_sendmsg4"
#define PIN_RECVMSG4	 "sock_recvmsg4"
#define PIN_RECVMSG6	 "sock_recvmsg6"
#define PIN_GETPEERNAME4 "sock_getpeername4"
#define PIN_CONNECT6	 "sock_connect6"
#define PIN_GETPEERNAME6 "sock_getpeername6"
#define PIN_PROCESS_EXIT "process_exit"
#define PIN_LINK_SUFFIX	 "_link"
#define PIN_NEW_SUFFIX	 "_new"	 /* a program on its way to replace another one */
#define PIN_BUILD	 "build" /* ARRAY of one __u64: which build the pinned programs are from */

/* The same filter of ours is found and replaced by these two; others' filters stand beside it. */
#define TC_PRIORITY 4913
#define TC_HANDLE   1
