/* What the master does not remember, the file does: one task, or those of a history that match, a page at a time. The
 * order is that of the ids, which is that of submission, and a page begins at an id, so that the next one costs no more
 * than the first and what comes or goes meanwhile shifts nothing. */
#include "store/query.h"

#include "base/xmalloc.h"
#include "store/reader.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_LIMIT 10000u
#define PAGE_DEFAULT 100u

const char *const query_states[QUERY_N_STATES] = { "scheduled", "blocked", "queued", "running", "cancelling",
	"recording", "succeeded", "failed", "timed_out", "crashed", "cancelled", "expired" };
#define STATES_ENDED (~0u << 6) /* from "succeeded" on */

/* --- replies --- */
bool reply_error(struct reply *reply, const struct db *db, const char *what)
{
	reply->status = STORE_ANSWER_ERROR;
	sqlite3_str_reset(reply->said);
	sqlite3_str_appendf(reply->said, "cannot %s: %s", what, db_message(db));
	return false;
}

bool reply_sorry(struct reply *reply, const char *format, ...)
{
	va_list arguments;

	reply->status = STORE_ANSWER_ERROR;
	sqlite3_str_reset(reply->said);
	va_start(arguments, format);
	sqlite3_str_vappendf(reply->said, format, arguments);
	va_end(arguments);
	return false;
}

/* How many bytes the character at TEXT has; 0: it is none of UTF-8. */
static int utf8_length(const unsigned char *text)
{
	static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	int length = *text < 0x80 ? 1 : *text < 0xc2 ? 0 : *text < 0xe0 ? 2 : *text < 0xf0 ? 3 : *text < 0xf5 ? 4 : 0;
	unsigned code = length == 1 ? *text : *text & (0x7fu >> length);

	for (int i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text[i] & 0x3fu);
	}
	if (length > 1 && (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)))
		return 0;
	return length;
}

void reply_string(struct reply *reply, const char *text)
{
	sqlite3_str_appendchar(reply->said, 1, '"');
	while (*text) {
		int length = utf8_length((const unsigned char *)text);

		if (*text == '"' || *text == '\\')
			sqlite3_str_appendf(reply->said, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			sqlite3_str_appendf(reply->said, "\\u%04x", (unsigned char)*text);
		else if (length == 0)
			sqlite3_str_appendchar(reply->said, 1, '?');
		else
			sqlite3_str_append(reply->said, text, length);
		text += length ? length : 1;
	}
	sqlite3_str_appendchar(reply->said, 1, '"');
}

static struct store_text text_of(const char *text)
{
	return text ? store_text_of(text, strlen(text)) : STORE_TEXT_NONE;
}

static void say_answer(struct reader *reader, uint64_t number, const struct store_answer *answer)
{
	(void)reader_say(reader, STORE_ANSWERED, number, answer); /* else there is nobody who waits for it */
}

/* What a statement over tasks has ended with. FITS: every row could be said. */
static void say_end(struct reader *reader, uint64_t number, enum db_code code, bool fits, struct store_answer *answer)
{
	char *text = NULL;

	if (code == DB_IO || code == DB_CORRUPT)
		reader_fail(reader, "a question about tasks");
	if (code != DB_OK || !fits) {
		text = xasprintf("cannot read the store: %s",
			fits ? db_message(&reader->db) : "no memory for an answer so large");
		answer->status = STORE_ANSWER_ERROR;
		answer->text = text_of(text);
	}
	say_answer(reader, number, answer);
	free(text);
}

/* Says the row that STATEMENT is at. *fits: it could be said. */
static enum db_code say_row(struct reader *reader, uint64_t number, sqlite3_stmt *statement, bool payloads, bool *fits)
{
	struct store_row row = { .kind = STORE_ROW_TASK };
	enum db_code code = task_rows_read(reader->rows, statement, payloads, &row.task);

	*fits = code == DB_OK && reader_say(reader, STORE_FOUND, number, &row);
	return code;
}

/* --- one --- */
static void answer_task(struct reader *reader, uint64_t number, const struct store_query *query)
{
	struct store_answer answer = { .status = STORE_ANSWER_NOT_FOUND };
	sqlite3_stmt *statement = NULL;
	char *sql = xasprintf("SELECT %s FROM tasks WHERE id = ?1", task_columns);
	enum db_code code = db_prepare(&reader->db, sql, &statement);
	bool fits = true;

	free(sql);
	if (code == DB_OK) {
		int rc;

		sqlite3_bind_int64(statement, 1, (sqlite3_int64)query->id);
		rc = sqlite3_step(statement);
		code = db_error(&reader->db, rc);
		if (rc == SQLITE_ROW) {
			answer.status = STORE_ANSWER_FINE;
			code = say_row(reader, number, statement, true, &fits);
		}
	}
	say_end(reader, number, code, fits, &answer);
	sqlite3_finalize(statement);
}

/* --- a page --- */
/* The condition and its values, in the same order: SQL is made of words of this file alone. */
struct page {
	sqlite3_str *sql;
	struct {
		const struct store_text *text; /* NULL: number */
		int64_t number;
	} values[32];
	int n;
};

static void and_number(struct page *page, const char *condition, int64_t value)
{
	sqlite3_str_appendf(page->sql, " AND %s ?%d", condition, page->n + 1);
	page->values[page->n++].number = value;
}

static void and_text(struct page *page, const char *condition, const struct store_text *value)
{
	if (!value->data)
		return;
	sqlite3_str_appendf(page->sql, " AND %s ?%d", condition, page->n + 1);
	page->values[page->n++].text = value;
}

static void and_states(struct page *page, uint32_t states)
{
	const char *before = " AND state IN (";

	if (states == 0)
		return;
	for (int i = 0; i < QUERY_N_STATES; i++) {
		if (states & 1u << i) {
			sqlite3_str_appendf(page->sql, "%s'%s'", before, query_states[i]);
			before = ", ";
		}
	}
	sqlite3_str_appendall(page->sql, before[1] == 'A' ? " AND 0" : ")");
	/* What lives has an index of its own. */
	if (!(states & STATES_ENDED))
		sqlite3_str_appendall(page->sql, " AND ended_ns IS NULL");
}

static void page_make(struct page *page, const struct store_query *query, uint32_t limit)
{
	sqlite3_str_appendf(page->sql, "SELECT %s FROM tasks WHERE 1", task_columns);
	and_states(page, query->states);
	and_text(page, "queue =", &query->queue);
	and_text(page, "type =", &query->type);
	and_text(page, "tag =", &query->tag);
	and_text(page, "key =", &query->key);
	if (query->by_owner)
		and_number(page, "owner =", query->owner);
	if (query->since_ns)
		and_number(page, "submitted_ns >=", query->since_ns);
	if (query->until_ns)
		and_number(page, "submitted_ns <", query->until_ns);
	if (query->before)
		and_number(page, "id <", query->before > INT64_MAX ? INT64_MAX : (int64_t)query->before);
	if (query->after)
		and_number(page, "id >", query->after > INT64_MAX ? INT64_MAX : (int64_t)query->after);
	sqlite3_str_appendf(page->sql, " ORDER BY id%s LIMIT %u", query->oldest_first ? "" : " DESC", limit + 1);
}

static void page_bind(const struct page *page, sqlite3_stmt *statement)
{
	for (int i = 0; i < page->n; i++) {
		const struct store_text *text = page->values[i].text;

		if (text)
			sqlite3_bind_text(statement, i + 1, text->data, (int)text->length, SQLITE_STATIC);
		else
			sqlite3_bind_int64(statement, i + 1, page->values[i].number);
	}
}

/* *more: there is another row beyond the limit. */
static enum db_code page_say(
	struct reader *reader, uint64_t number, sqlite3_stmt *statement, uint32_t limit, bool *more, bool *fits)
{
	enum db_code code = DB_OK;
	uint32_t said = 0;

	while (code == DB_OK && *fits) {
		int rc = sqlite3_step(statement);

		if (rc != SQLITE_ROW)
			return db_error(&reader->db, rc);
		*more = said++ == limit;
		if (*more)
			return DB_OK;
		code = say_row(reader, number, statement, false, fits);
	}
	return code;
}

static void answer_history(struct reader *reader, uint64_t number, const struct store_query *query)
{
	struct store_answer answer = { .status = STORE_ANSWER_FINE };
	struct page page = { .sql = sqlite3_str_new(reader->db.handle) };
	uint32_t limit = query->limit == 0 ? PAGE_DEFAULT : query->limit > PAGE_LIMIT ? PAGE_LIMIT : query->limit;
	sqlite3_stmt *statement = NULL;
	enum db_code code = DB_OTHER;
	bool fits = true;
	char *sql;

	page_make(&page, query, limit);
	sql = sqlite3_str_finish(page.sql);
	if (sql)
		code = db_prepare(&reader->db, sql, &statement);
	sqlite3_free(sql);
	if (code == DB_OK) {
		page_bind(&page, statement);
		code = page_say(reader, number, statement, limit, &answer.more, &fits);
	}
	say_end(reader, number, code, fits, &answer);
	sqlite3_finalize(statement);
}

/* --- what is told as JSON --- */
static void answer_json(struct reader *reader, uint64_t number, const struct store_query *query)
{
	struct reply reply = { .status = STORE_ANSWER_FINE, .said = sqlite3_str_new(reader->db.handle) };
	struct store_answer answer = { .status = STORE_ANSWER_ERROR };
	bool ok = false;
	char *said;

	switch ((enum store_question)query->question) {
	case STORE_ASK_STATS:
		ok = stats_reply(reader, &reply);
		break;
	case STORE_ASK_CHECK:
		ok = check_reply(reader, &reply);
		break;
	case STORE_ASK_BACKUP:
		ok = backup_reply(reader, &query->path, &reply);
		break;
	case STORE_ASK_TASK:
	case STORE_ASK_HISTORY:
		break;
	}
	said = sqlite3_str_finish(reply.said);
	if (!said) {
		answer.text = text_of("the store has no memory left");
	} else if (ok) {
		answer.status = reply.status;
		answer.json = text_of(said);
	} else {
		answer.text = text_of(said);
	}
	say_answer(reader, number, &answer);
	sqlite3_free(said);
}

void query_answer(struct reader *reader, uint64_t number, const struct store_query *query)
{
	switch ((enum store_question)query->question) {
	case STORE_ASK_TASK:
		answer_task(reader, number, query);
		break;
	case STORE_ASK_HISTORY:
		answer_history(reader, number, query);
		break;
	case STORE_ASK_STATS:
	case STORE_ASK_CHECK:
	case STORE_ASK_BACKUP:
		answer_json(reader, number, query);
		break;
	}
}
