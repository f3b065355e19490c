/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the server: one connection and the request it carries at the moment. */
#pragma once

#include <systemd/sd-event.h>

struct http_exchange;
struct http_server;
struct http_server_config;

/* Serves @fd (taken on success) and puts itself at the head of *@list.  0 or a negative errno. */
int exchange_new(struct http_server *server, sd_event *loop, int fd, struct http_exchange **list);

/* Closes the connection and leaves the list; a handler that still has the exchange hears `gone`. */
void exchange_free(struct http_exchange *exchange);

/* For the exchange: its server's limits and handler, and word that a connection ended. */
const struct http_server_config *server_config(const struct http_server *server);
void server_released(void *server);
