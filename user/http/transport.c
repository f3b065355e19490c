// SPDX-License-Identifier: Apache-2.0
#include "user/http/transport.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include "user/base/cleanup.h"
#include "user/http/tls.h"

int transport_handshake(struct transport *transport, struct err *err)
{
	return transport->tls ? tls_handshake(transport->tls, err) : 0;
}

unsigned transport_events(const struct transport *transport)
{
	return transport->tls && tls_wants_write(transport->tls) ? EPOLLOUT : EPOLLIN;
}

ssize_t transport_recv(struct transport *transport, void *data, size_t len)
{
	return transport->tls ? tls_recv(transport->tls, data, len)
			      : recv(transport->fd, data, len, 0);
}

ssize_t transport_send(struct transport *transport, const void *data, size_t len, bool more)
{
	return transport->tls
		       ? tls_send(transport->tls, data, len)
		       : send(transport->fd, data, len, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
}

bool transport_has_more(const struct transport *transport)
{
	return transport->tls && tls_has_more(transport->tls);
}

void transport_close(struct transport *transport)
{
	transport->tls = tls_session_free(transport->tls);
	close_fd(&transport->fd);
}

struct transport transport_take(struct transport *transport)
{
	struct transport taken = *transport;

	*transport = (struct transport){.fd = -1};
	return taken;
}
