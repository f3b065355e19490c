// SPDX-License-Identifier: Apache-2.0
#include "user/store/etcd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/base/loop.h"
#include "user/http/buffer.h"
#include "user/store/etcdstate.h"

#define OPEN_WITHIN   (20 * USEC_PER_SEC)
#define COMPACT_EVERY 1000  /* revisions, as with other backends */
#define MARK_OLD      86400 /* seconds since a mark's last write: its writer has gone */
#define MARKS_MOST \
	100 /* that are deleted at a start: as many operations one transaction may have */
#define PREFIX_MOST 256
#define ID_BYTES    8

static void keeper_claim(void *userdata);

/* --- what is asked beside reads and writes --- */

/* Asks @path, if the body could be composed. */
static int keeper_ask(struct etcd *etcd, const char *path, const struct buffer *body,
	void (*done)(void *userdata, const struct etcd_answer *answer))
{
	struct etcd_question question = {.path = path,
		.body = body,
		.line = &etcd->keeper.line,
		.done = done,
		.userdata = etcd};

	return etcd_ask(etcd->peers, &question, &etcd->keeper.call);
}

static void keeper_compacted(void *userdata, const struct etcd_answer *answer)
{
	struct etcd *etcd = userdata;

	etcd->keeper.call = etcd_call_free(etcd->keeper.call);
	/* A refusal means that somebody else has been there. */
	if (answer->result == 0 || answer->result == -EREMOTEIO)
		etcd->store->compact_done = etcd->keeper.compacting;
}

void etcd_keep(struct etcd *etcd)
{
	struct store *store = etcd->store;
	uint64_t compacted = store->history.compacted;
	AUTO_BUFFER body = {0};

	if (etcd->keeper.call || compacted < store->compact_done + COMPACT_EVERY)
		return;
	etcd->keeper.compacting = compacted;
	if (etcd_compose_compaction(compacted, &body) == 0)
		keeper_ask(etcd, "/v3/kv/compaction", &body, keeper_compacted);
}

/* --- marks of those who are gone --- */

static void keeper_swept(void *userdata, const struct etcd_answer *answer)
{
	struct etcd *etcd = userdata;

	etcd->keeper.call = etcd_call_free(etcd->keeper.call);
	if (answer->result < 0)
		log_debug("store: old marks stay: %s", answer->text);
}

static bool mark_is_old(const struct etcd_kv *kv)
{
	uint64_t then = strtoull(kv->value->data, NULL, 10);

	return then + MARK_OLD < clock_wall() / USEC_PER_SEC;
}

static void keeper_sweep(struct etcd *etcd, const json_t *kvs)
{
	struct etcd_kv old[MARKS_MOST];
	char *keys[MARKS_MOST];
	AUTO_BUFFER body = {0};
	const json_t *entry;
	size_t i, count = 0;

	json_array_foreach (kvs, i, entry) {
		if (count == MARKS_MOST || etcd_parse_kv(entry, &old[count]) < 0)
			continue;
		keys[count] = old[count].key;
		if (mark_is_old(&old[count]))
			count++;
		else
			etcd_kv_clear(&old[count]);
	}
	if (count > 0 && etcd_compose_deletions(keys, count, &body) == 0)
		keeper_ask(etcd, "/v3/kv/txn", &body, keeper_swept);
	while (count > 0)
		etcd_kv_clear(&old[--count]);
}

static void keeper_marks(void *userdata, const struct etcd_answer *answer)
{
	struct etcd *etcd = userdata;

	etcd->keeper.call = etcd_call_free(etcd->keeper.call);
	if (answer->result == 0)
		keeper_sweep(etcd, json_object_get(answer->json, "kvs"));
}

static void keeper_look(struct etcd *etcd)
{
	AUTO_BUFFER body = {0};

	if (etcd_compose_range(etcd->writers, etcd->writers, 0, 10 * MARKS_MOST, &body) == 0)
		keeper_ask(etcd, "/v3/kv/range", &body, keeper_marks);
}

/* --- the beginning --- */

static void opened(void *userdata, int result, uint64_t revision)
{
	struct etcd *etcd = userdata;

	(void)revision;
	if (result == 0)
		etcd->open = true;
	else
		err_set(&etcd->refused, -result, "write to etcd");
}

/* The layout is ours.  Memory is complete when it has come to a write of now: an empty one. */
static void keeper_begin(struct etcd *etcd, uint64_t revision)
{
	struct store_txn nothing = {0};

	etcd_reader_begin(etcd->reader, revision > etcd->log_most ? revision - etcd->log_most : 0);
	if (store_commit(etcd->store, &nothing, opened, etcd) < 0)
		err_set(&etcd->refused, ENOMEM, "open the store");
	keeper_look(etcd);
}

static void keeper_again(struct etcd *etcd)
{
	uint64_t pause = etcd_peers_pause(etcd->peers, ++etcd->keeper.failures);

	timer_arm(etcd->keeper.retry, clock_now() + pause);
}

static void keeper_claimed(void *userdata, const struct etcd_answer *answer)
{
	struct etcd *etcd = userdata;
	char format[ETCD_MARK_MAX];
	uint64_t revision;

	etcd->keeper.call = etcd_call_free(etcd->keeper.call);
	if (answer->result == -EREMOTEIO && etcd_refusal(answer->code, answer->text))
		err_refuse(&etcd->refused, etcd_refusal(answer->code, answer->text), "etcd: %s",
			answer->text);
	else if (answer->result < 0 || etcd_parse_claim(answer->json, format, &revision) < 0)
		keeper_again(etcd);
	else if (format[0] && strcmp(format, ETCD_FORMAT) != 0)
		err_refuse(&etcd->refused, EPROTO,
			"etcd: what is below '%s' has format %s, this podnet reads %s",
			etcd->folder, format, ETCD_FORMAT);
	else
		keeper_begin(etcd, revision);
}

static void keeper_claim(void *userdata)
{
	struct etcd *etcd = userdata;
	AUTO_BUFFER body = {0};
	char key[ETCD_KEY_MAX];

	snprintf(key, sizeof(key), "%sformat", etcd->folder);
	if (etcd_compose_claim(key, ETCD_FORMAT, &body) < 0 ||
		keeper_ask(etcd, "/v3/kv/txn", &body, keeper_claimed) < 0)
		keeper_again(etcd);
}

static int etcd_prefix(struct etcd *etcd, const char *prefix, struct err *err)
{
	size_t len = strlen(prefix);

	while (len > 0 && prefix[len - 1] == '/')
		len--;
	if (prefix[0] != '/' || len < 2 || len > PREFIX_MOST)
		return err_refuse(err, EINVAL,
			"etcd: prefix '%.64s': must begin with '/' and go on, %d bytes at most",
			prefix, PREFIX_MOST);
	if (asprintf(&etcd->folder, "%.*s/", (int)len, prefix) < 0)
		etcd->folder = NULL;
	if (asprintf(&etcd->objects, "%.*s/objects", (int)len, prefix) < 0)
		etcd->objects = NULL;
	if (asprintf(&etcd->writers, "%.*s/writers/", (int)len, prefix) < 0)
		etcd->writers = NULL;
	if (!etcd->folder || !etcd->objects || !etcd->writers)
		return err_set(err, ENOMEM, "open the store");
	return 0;
}

/* Nobody else has this one, and neither had we before. */
static int etcd_identity(char ret[2 * ID_BYTES + 1], struct err *err)
{
	unsigned char bytes[ID_BYTES];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return err_set(err, errno, "choose a name");
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

static int etcd_new(
	struct etcd *etcd, const char *urls, const struct store_config *config, struct err *err)
{
	char id[2 * ID_BYTES + 1];
	int r = etcd_prefix(
		etcd, config->etcd_prefix ? config->etcd_prefix : STORE_ETCD_PREFIX, err);

	if (r == 0)
		r = etcd_identity(id, err);
	if (r == 0)
		r = etcd_peers_new(etcd->loop, urls, config->etcd_tls, &etcd->peers, err);
	if (r < 0)
		return r;
	etcd->keeper.line = ETCD_NO_LINE;
	r = timer_new(etcd->loop, keeper_claim, etcd, &etcd->keeper.retry, err);
	if (r == 0 && (etcd_slots_init(etcd, id) < 0 || etcd_reader_new(etcd) < 0))
		r = err_set(err, ENOMEM, "open the store");
	return r;
}

/* Until memory is complete. */
static int etcd_load(struct etcd *etcd, struct err *err)
{
	uint64_t until = clock_now() + OPEN_WITHIN;
	int code;

	keeper_claim(etcd);
	while (!etcd->open && !etcd->refused.code) {
		uint64_t now = clock_now();

		if (sd_event_get_exit_code(etcd->loop, &code) >= 0)
			return err_refuse(err, ECANCELED, "told to stop before etcd answered");
		if (now >= until)
			return err_refuse(err, ETIMEDOUT, "%s (for %u seconds)",
				etcd_peers_problem(etcd->peers),
				(unsigned)(OPEN_WITHIN / USEC_PER_SEC));
		sd_event_run(etcd->loop, until - now);
	}
	if (etcd->refused.code)
		*err = etcd->refused;
	return -etcd->refused.code;
}

int etcd_open(sd_event *loop, struct store *store, const char *urls,
	const struct store_config *config, struct etcd **ret, struct err *err)
{
	struct etcd *etcd = calloc(1, sizeof(*etcd));
	int r;

	if (!etcd)
		return err_set(err, ENOMEM, "open the store");
	etcd->loop = loop;
	etcd->store = store;
	etcd->log_most = store->history.room;
	*ret = etcd;
	r = etcd_new(etcd, urls, config, err);
	return r == 0 ? etcd_load(etcd, err) : r;
}

const char *etcd_problem(const struct etcd *etcd)
{
	const char *problem = etcd_peers_problem(etcd->peers);

	if (etcd_reader_follows(etcd->reader))
		return NULL;
	return problem[0] ? problem : "etcd: its state is being read";
}

void etcd_start(struct etcd *etcd)
{
	etcd_write_start(etcd);
}

struct etcd *etcd_free(struct etcd *etcd)
{
	if (!etcd)
		return NULL;
	etcd_call_free(etcd->keeper.call);
	transport_close(&etcd->keeper.line.transport);
	timer_free(etcd->keeper.retry);
	etcd_slots_clear(etcd);
	etcd_reader_free(etcd->reader);
	etcd_peers_free(etcd->peers);
	free(etcd->folder);
	free(etcd->objects);
	free(etcd->writers);
	free(etcd);
	return NULL;
}
