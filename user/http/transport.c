// SPDX-License-Identifier: Apache-2.0
#include "user/http/transport.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include "user/base/cleanup.h"
#include "user/http/tls.h"

/* Here, and not beside tls_new: a client may have none, and needs no library to free it. */
struct tls *tls_free(struct tls *tls)
{
	if (tls)
		tls->ops->credentials_free(tls);
	return NULL;
}

int transport_handshake(struct transport *transport, struct err *err)
{
	return transport->tls ? transport->tls->ops->handshake(transport->tls, err) : 0;
}

unsigned transport_events(const struct transport *transport)
{
	return transport->tls && transport->tls->ops->wants_write(transport->tls) ? EPOLLOUT
										  : EPOLLIN;
}

ssize_t transport_recv(struct transport *transport, void *data, size_t len)
{
	return transport->tls ? transport->tls->ops->recv(transport->tls, data, len)
			      : recv(transport->fd, data, len, 0);
}

ssize_t transport_send(struct transport *transport, const void *data, size_t len, bool more)
{
	return transport->tls
		       ? transport->tls->ops->send(transport->tls, data, len)
		       : send(transport->fd, data, len, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
}

bool transport_has_more(const struct transport *transport)
{
	return transport->tls && transport->tls->ops->has_more(transport->tls);
}

static void transport_farewell(struct transport *transport)
{
	if (transport->tls)
		transport->tls->ops->free(transport->tls);
	transport->tls = NULL;
}

void transport_finish(struct transport *transport)
{
	transport_farewell(transport);
	shutdown(transport->fd, SHUT_WR);
}

void transport_close(struct transport *transport)
{
	transport_farewell(transport);
	close_fd(&transport->fd);
}

struct transport transport_take(struct transport *transport)
{
	struct transport taken = *transport;

	*transport = (struct transport){.fd = -1};
	return taken;
}
