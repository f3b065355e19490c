// SPDX-License-Identifier: Apache-2.0
/*
 * One row for each change, as etcd keeps them.  What is newest of a key and not deleted is the state; the
 * rest is the log, until it is compacted.  Write-ahead log with a sync at each commit: what was
 * acknowledged outlives power loss.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/store/backend.h"
#include "user/store/blob.h"

#define FORMAT 1

struct sqlite {
	sqlite3 *database;
	sqlite3_stmt *begin, *commit, *insert, *forget, *compacted;
};

static void cleanup_statement(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}
#define AUTO_STATEMENT AUTO_CLEANUP(cleanup_statement) sqlite3_stmt *

static int sqlite_errno(int code)
{
	switch (code & 0xff) {
	case SQLITE_NOMEM: return ENOMEM;
	case SQLITE_FULL: return ENOSPC;
	case SQLITE_READONLY: return EROFS;
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB: return EUCLEAN;
	default: return EIO;
	}
}

/* SQLite says more than an errno does. */
static int sqlite_fail(const struct sqlite *sqlite, const char *what, struct err *err)
{
	return err_refuse(err, sqlite_errno(sqlite3_errcode(sqlite->database)), "sqlite: %s: %s",
		what, sqlite3_errmsg(sqlite->database));
}

static int sqlite_run(struct sqlite *sqlite, const char *text, struct err *err)
{
	if (sqlite3_exec(sqlite->database, text, NULL, NULL, NULL) != SQLITE_OK)
		return sqlite_fail(sqlite, text, err);
	return 0;
}

static int sqlite_prepare(
	struct sqlite *sqlite, const char *text, sqlite3_stmt **ret, struct err *err)
{
	if (sqlite3_prepare_v3(sqlite->database, text, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) !=
		SQLITE_OK)
		return sqlite_fail(sqlite, text, err);
	return 0;
}

/* A file of a later podnet may mean something else by its rows. */
static int sqlite_format(struct sqlite *sqlite, struct err *err)
{
	AUTO_STATEMENT statement = NULL;
	int format, r = sqlite_prepare(sqlite, "PRAGMA user_version", &statement, err);

	if (r < 0)
		return r;
	if (sqlite3_step(statement) != SQLITE_ROW)
		return sqlite_fail(sqlite, "read the format", err);
	format = sqlite3_column_int(statement, 0);
	if (format == 0 || format == FORMAT)
		return 0;
	return err_refuse(err, EPROTO, "sqlite: the file has format %d, this podnet reads %d",
		format, FORMAT);
}

static int sqlite_schema(struct sqlite *sqlite, struct err *err)
{
	static const char *const statements[] = {
		"PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = FULL",
		"CREATE TABLE IF NOT EXISTS changes (id INTEGER PRIMARY KEY, revision INTEGER NOT "
		"NULL,"
		" created INTEGER NOT NULL, key TEXT NOT NULL, value BLOB)",
		"CREATE INDEX IF NOT EXISTS changes_of_key ON changes (key, revision)",
		"CREATE TABLE IF NOT EXISTS compacted (revision INTEGER NOT NULL)",
		"INSERT INTO compacted SELECT 0 WHERE NOT EXISTS (SELECT * FROM compacted)",
		"PRAGMA user_version = 1",
	};
	int r = 0;

	_Static_assert(FORMAT == 1, "user_version above");
	for (size_t i = 0; i < COUNT(statements) && r == 0; i++)
		r = sqlite_run(sqlite, statements[i], err);
	return r;
}

static int sqlite_statements(struct sqlite *sqlite, struct err *err)
{
	const struct {
		const char *text;
		sqlite3_stmt **statement;
	} wanted[] = {
		{"BEGIN IMMEDIATE", &sqlite->begin},
		{"COMMIT", &sqlite->commit},
		{"INSERT INTO changes (revision, created, key, value) VALUES (?1, ?2, ?3, ?4)",
			&sqlite->insert},
		/* What a later change, itself up to ?1, has replaced; and deletions. */
		{"DELETE FROM changes WHERE revision <= ?1 AND (value IS NULL OR EXISTS (SELECT * "
		 "FROM"
		 " changes AS later WHERE later.key = changes.key AND later.revision >"
		 " changes.revision AND later.revision <= ?1))",
			&sqlite->forget},
		{"UPDATE compacted SET revision = ?1", &sqlite->compacted},
	};
	int r = 0;

	for (size_t i = 0; i < COUNT(wanted) && r == 0; i++)
		r = sqlite_prepare(sqlite, wanted[i].text, wanted[i].statement, err);
	return r;
}

static void sqlite_free(void *backend)
{
	struct sqlite *sqlite = backend;

	sqlite3_finalize(sqlite->begin);
	sqlite3_finalize(sqlite->commit);
	sqlite3_finalize(sqlite->insert);
	sqlite3_finalize(sqlite->forget);
	sqlite3_finalize(sqlite->compacted);
	sqlite3_close(sqlite->database);
	free(sqlite);
}

/* One process at a time: the lock is held until the end. */
int sqlite_open(const char *path, void **ret, struct err *err)
{
	struct sqlite *sqlite = calloc(1, sizeof(*sqlite));
	mode_t mask;
	int r, code;

	if (!sqlite)
		return err_set(err, ENOMEM, "open '%s'", path);
	mask = umask(077); /* Secrets are in it */
	code = sqlite3_open_v2(path, &sqlite->database,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, NULL);
	r = code == SQLITE_OK
		    ? sqlite_run(sqlite, "PRAGMA locking_mode = EXCLUSIVE", err)
		    : err_refuse(err, sqlite_errno(code), "sqlite: %s", sqlite3_errstr(code));
	if (r == 0)
		r = sqlite_format(sqlite, err);
	if (r == 0)
		r = sqlite_schema(sqlite, err);
	if (r == 0)
		r = sqlite_statements(sqlite, err);
	umask(mask);
	if (r < 0) {
		sqlite_free(sqlite);
		return err_wrap(err, "open '%s'", path);
	}
	*ret = sqlite;
	return 0;
}

/* --- reading --- */

static int sqlite_load_row(sqlite3_stmt *row, backend_load_fn fn, void *userdata)
{
	struct record record = {
		.revision = (uint64_t)sqlite3_column_int64(row, 0),
		.created = (uint64_t)sqlite3_column_int64(row, 1),
		.key = (const char *)sqlite3_column_text(row, 2),
	};
	int r;

	if (sqlite3_column_type(row, 3) != SQLITE_NULL) {
		const void *bytes = sqlite3_column_blob(row, 3);
		size_t size = (size_t)sqlite3_column_bytes(row, 3);

		record.value = blob_new(size ? bytes : "", size);
		if (!record.value)
			return -ENOMEM;
	}
	r = record.key ? fn(userdata, &record) : -ENOMEM;
	blob_unref(record.value);
	return r;
}

static int sqlite_load_compacted(struct sqlite *sqlite, uint64_t *ret, struct err *err)
{
	AUTO_STATEMENT statement = NULL;
	int r = sqlite_prepare(sqlite, "SELECT revision FROM compacted", &statement, err);

	if (r < 0)
		return r;
	if (sqlite3_step(statement) != SQLITE_ROW)
		return sqlite_fail(sqlite, "read what was compacted", err);
	*ret = (uint64_t)sqlite3_column_int64(statement, 0);
	return 0;
}

static int sqlite_load(
	void *backend, backend_load_fn fn, void *userdata, uint64_t *ret_compacted, struct err *err)
{
	struct sqlite *sqlite = backend;
	AUTO_STATEMENT rows = NULL;
	int code = SQLITE_DONE;
	int r = sqlite_prepare(sqlite,
		"SELECT revision, created, key, value FROM changes ORDER BY revision, id", &rows,
		err);

	while (r == 0 && (code = sqlite3_step(rows)) == SQLITE_ROW) {
		r = sqlite_load_row(rows, fn, userdata);
		if (r < 0)
			return err_set(err, -r, "read the store");
	}
	if (r == 0 && code != SQLITE_DONE)
		r = sqlite_fail(sqlite, "read the store", err);
	return r < 0 ? r : sqlite_load_compacted(sqlite, ret_compacted, err);
}

/* --- writing --- */

/* Runs a statement that gives no rows, with up to one number bound. */
static bool sqlite_step(sqlite3_stmt *statement)
{
	bool done = sqlite3_step(statement) == SQLITE_DONE;

	sqlite3_reset(statement);
	return done;
}

static bool sqlite_step_with(sqlite3_stmt *statement, uint64_t number)
{
	return sqlite3_bind_int64(statement, 1, (sqlite3_int64)number) == SQLITE_OK &&
	       sqlite_step(statement);
}

static bool sqlite_insert(struct sqlite *sqlite, const struct record *record)
{
	sqlite3_stmt *insert = sqlite->insert;

	sqlite3_bind_int64(insert, 1, (sqlite3_int64)record->revision);
	sqlite3_bind_int64(insert, 2, (sqlite3_int64)record->created);
	sqlite3_bind_text(insert, 3, record->key, -1, SQLITE_STATIC);
	if (record->value)
		sqlite3_bind_blob64(
			insert, 4, record->value->data, record->value->size, SQLITE_STATIC);
	else
		sqlite3_bind_null(insert, 4);
	return sqlite_step(insert);
}

static int sqlite_persist(void *backend, const struct batch *batch, struct err *err)
{
	struct sqlite *sqlite = backend;
	bool good = sqlite_step(sqlite->begin);
	int r;

	for (size_t i = 0; good && i < batch->count; i++)
		good = sqlite_insert(sqlite, &batch->records[i]);
	if (good && batch->compact)
		good = sqlite_step_with(sqlite->forget, batch->compact) &&
		       sqlite_step_with(sqlite->compacted, batch->compact);
	if (good && sqlite_step(sqlite->commit))
		return 0;
	r = sqlite_fail(sqlite, "write", err);
	sqlite3_exec(sqlite->database, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

const struct backend_ops sqlite_ops = {
	.load = sqlite_load,
	.persist = sqlite_persist,
	.free = sqlite_free,
};
