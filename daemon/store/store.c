/* The first thread: takes what the master says, writes down what is to be kept, and says so. */
#include "store/store.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xmalloc.h"
#include "lane/channel.h"
#include "store/inbox.h"
#include "store/keeper.h"
#include "store/reader.h"
#include "store/writer.h"

/* A transaction has no more than this, so that nobody waits long for its first operation. */
#define BATCH_OPERATIONS 4096u
#define BATCH_BYTES ((size_t)16 << 20)
#define OPENING_LOOK_MS 2

struct store {
	struct channel_end *end;
	struct inbox inbox;
	struct batch batch;
	struct store_buffer out;
	struct store_open open;
	char *directory;
	struct writer writer;
	struct keeper keeper;
	struct readers *readers;
	bool refuses; /* STORE_REFUSED was said, and STORE_AGAIN not yet */
	bool stops;
};
static struct store store;

bool store_is_orphan(void)
{
	return keeper_is_orphan(&store.keeper);
}

/* --- what is said --- */

/* Nobody may be there to hear it. */
static void say(enum store_message message, uint64_t number, const void *body)
{
	const struct store_header header = { .message = (uint16_t)message, .number = number };

	store.out.length = 0;
	if (store_write(&store.out, &header, body))
		(void)channel_end_write(store.end, store.out.data, store.out.length);
}

static void say_text(enum store_message message, uint64_t number, const char *text)
{
	const struct store_text said = store_text_of(text, strlen(text));

	say(message, number, &said);
}

static void __attribute__((noreturn)) give_up(const char *why)
{
	log_error("%s", why);
	_exit(STORE_EXIT_BROKEN);
}

/* From any thread. What is on disk stays as it is: nothing is closed, which might write. */
static void fail(const char *why)
{
	struct store_buffer out = { 0 };
	char *text = xasprintf("cannot write %s/%s: %s", store.directory, STORE_FILE, why);
	const struct store_text said = store_text_of(text, strlen(text));
	const struct store_header header = { .message = STORE_FAILED };

	if (store_write(&out, &header, &said))
		(void)channel_end_write(store.end, out.data, out.length);
	_exit(STORE_EXIT_FAILED);
}

/* --- opening --- */

static enum store_opening begin(struct store_opened *opened, char **text)
{
	struct db db;
	enum store_opening status = open_writer(&db, &store.open, text);

	if (status != STORE_OPEN_FINE && status != STORE_OPEN_ASIDE)
		return status;
	enum db_code code = writer_open(&store.writer, &db, &store.open, opened);
	if (code == DB_OK && keeper_start(&store.keeper, &store.writer, store.end, &store.open.directory) == 0) {
		store.readers = readers_new(&store.open, store.end);
		if (store.readers)
			return status;
	}
	free(*text);
	*text = xasprintf("cannot open %s/%s: %s", store.directory, STORE_FILE,
		code != DB_OK ? db_message(&db) : "no thread or descriptor is left");
	return code == DB_FULL ? STORE_OPEN_FULL : code == DB_CORRUPT ? STORE_OPEN_DAMAGED : STORE_OPEN_ERROR;
}

/* The first message says which file. False: it was refused, which the master has been told. */
static bool take_open(const struct store_header *header, size_t body)
{
	struct store_opened opened = { .version = STORE_WIRE_VERSION };
	char *text = NULL;

	if (header->message != STORE_OPEN || !store_read_body(header, store.inbox.data + body, &store.open))
		give_up("the master said something that makes no sense");
	store.directory =
		xstrndup(store.open.directory.data ? store.open.directory.data : "", store.open.directory.length);
	store.open.directory.data = store.directory;
	if (store.open.version == STORE_WIRE_VERSION) {
		opened.status = (uint8_t)begin(&opened, &text);
	} else {
		opened.status = STORE_OPEN_ERROR;
		text = xstrdup("taskd and taskd-store are of different versions");
	}
	if (text)
		opened.text = store_text_of(text, strlen(text));
	say(STORE_OPENED, 0, &opened);
	free(text);
	return opened.status == STORE_OPEN_FINE || opened.status == STORE_OPEN_ASIDE;
}

static void fill(bool wait, bool *end)
{
	switch (inbox_fill(&store.inbox, store.end, wait)) {
	case INBOX_SOMETHING:
	case INBOX_NOTHING:
		return;
	case INBOX_END:
		*end = true;
		return;
	case INBOX_BROKEN:
		break;
	}
	give_up("the master said something that makes no sense, or there is no memory for it");
}

static bool next(struct store_header *header, size_t *body)
{
	bool broken = false, there = inbox_next(&store.inbox, header, body, &broken);

	if (broken)
		give_up("the master said something that makes no sense");
	return there;
}

/* Nobody watches the master's end before there is a file, so this looks itself until the first message is there. */
static bool master_is_gone(void)
{
	struct pollfd control = { .fd = store.keeper.control_fd, .events = POLLIN };

	return poll(&control, 1, OPENING_LOOK_MS) > 0;
}

static bool open_first(void)
{
	struct store_header header;
	size_t body;
	bool end = false, gone = false, opened;

	for (;;) {
		fill(false, &end);
		if (next(&header, &body))
			break;
		if (gone || end)
			return false;
		gone = master_is_gone();
	}
	opened = take_open(&header, body);
	inbox_forget(&store.inbox);
	return opened;
}

/* --- what the master says --- */

static void set_limits(const struct store_header *header, size_t body)
{
	struct store_limits limits;

	if (!store_read_body(header, store.inbox.data + body, &limits))
		give_up("the master said something that makes no sense");
	writer_set_limits(&store.writer, &limits);
}

static void take_request(const struct store_header *header, size_t body)
{
	switch ((enum store_message)header->message) {
	case STORE_LOAD:
	case STORE_QUERY:
		if (readers_take(store.readers, header, store.inbox.data + body))
			return;
		break;
	case STORE_SET_LIMITS:
		set_limits(header, body);
		return;
	case STORE_STOP:
		store.stops = true;
		return;
	case STORE_AGAIN:
		store.refuses = false;
		return;
	case STORE_OPEN:
	case STORE_TASK_PUT:
	case STORE_TASK_START:
	case STORE_TASK_STATE:
	case STORE_TASK_MET:
	case STORE_TASK_END:
	case STORE_TASK_FORGET:
	case STORE_QUEUE_PUT:
	case STORE_QUEUE_DROP:
	case STORE_SCHEDULE_PUT:
	case STORE_SCHEDULE_RAN:
	case STORE_SCHEDULE_DROP:
	case STORE_IDS:
	case STORE_OPENED:
	case STORE_COMMITTED:
	case STORE_REFUSED:
	case STORE_FAILED:
	case STORE_ROW:
	case STORE_LOADED:
	case STORE_FOUND:
	case STORE_ANSWERED:
		break;
	}
	give_up("the master said something that makes no sense");
}

static bool batch_is_full(void)
{
	return !batch_is_open(&store.batch) && (store.batch.n >= BATCH_OPERATIONS || store.batch.bytes >= BATCH_BYTES);
}

/* Takes what is there in full, up to a transaction's worth. */
static void gather(void)
{
	struct store_header header;
	size_t body;

	while (!store.stops && !batch_is_full() && next(&header, &body)) {
		if (!store_is_operation(header.message))
			take_request(&header, body);
		else if (!store.refuses)
			batch_add(&store.batch, &header, body);
	}
}

/* --- what is written down --- */

/* Somebody looks at the file with another program, say. That takes its time, and what has come waits. */
static enum writer_result commit_patiently(void)
{
	enum writer_result result = writer_commit(&store.writer, &store.batch, store.inbox.data);

	for (unsigned tries = 0; result == WRITER_LOCKED && !store_is_orphan(); tries++) {
		if (tries % 12 == 0)
			log_warning("%s/%s is locked by another program: nothing can be written", store.directory,
				STORE_FILE);
		result = writer_commit(&store.writer, &store.batch, store.inbox.data);
	}
	return result;
}

static void commit(void)
{
	uint64_t last = store.batch.entries[store.batch.n - 1].header.number;

	switch (commit_patiently()) {
	case WRITER_DONE:
		say(STORE_COMMITTED, last, NULL);
		keeper_tell(&store.keeper);
		return;
	case WRITER_FULL:
		store.refuses = true;
		say_text(STORE_REFUSED, last, store.writer.trouble);
		return;
	case WRITER_NONSENSE:
		give_up("the master said something that makes no sense");
	case WRITER_DISK:
		fail(store.writer.trouble);
		return;
	case WRITER_LOCKED:
	case WRITER_ERROR:
		break;
	}
	give_up(store.writer.trouble);
}

static void serve(void)
{
	bool end = false;

	while (!end && !store.stops) {
		/* All that has come while the last transaction was on its way; asleep where that is nothing. */
		gather();
		do {
			fill(store.batch.n == 0 || batch_is_open(&store.batch), &end);
			gather();
		} while (!end && !store.stops && batch_is_open(&store.batch));
		/* A chain that is not there in full never will be. */
		batch_drop_open(&store.batch);
		if (store.batch.n)
			commit();
		batch_clear(&store.batch);
		inbox_forget(&store.inbox);
	}
}

static void finish(void)
{
	readers_free(store.readers);
	keeper_stop(&store.keeper);
	writer_close(&store.writer);
}

int store_serve(int control_fd, int memory_fd, int doorbell_fd)
{
	store.end = channel_end_new(memory_fd, doorbell_fd);
	if (!store.end) {
		log_error("cannot open the memory that is shared with taskd: %s", strerror(errno));
		return STORE_EXIT_BROKEN;
	}
	store.keeper.control_fd = control_fd;
	store.keeper.fail = fail;
	bool opened = open_first();
	if (opened) {
		serve();
		finish();
	}
	batch_free(&store.batch);
	inbox_free(&store.inbox);
	store_buffer_free(&store.out);
	free(store.directory);
	channel_end_free(store.end);
	return opened ? 0 : STORE_EXIT_BROKEN;
}
