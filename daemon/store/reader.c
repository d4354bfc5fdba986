/* Answers are given beside the writer, so that none of them delays a commit, by two threads: what takes as long as the
 * file is large, a check or a backup, has one for itself, since neither SQLite's check nor a copy of one moment can be
 * left in the middle for somebody else's question. Each answers one after the other. */
#include "store/reader.h"

#include "base/clock.h"
#include "base/xmalloc.h"
#include "lane/channel.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#define SAY_BYTES 65536 /* so much is said at once */
#define JOIN_NS (20 * NS_PER_MS)

struct job {
	STAILQ_ENTRY(job) link;
	struct store_header header;
	char body[];
};
enum desk_kind { DESK_QUICK, DESK_LONG, N_DESKS };

/* A thread, and what waits for it. */
struct desk {
	struct reader reader; /* first: see desk_of */
	struct readers *readers;
	pthread_t thread;
	bool is_open;            /* guarded: the connection can be interrupted */
	STAILQ_HEAD(, job) jobs; /* guarded */
	pthread_cond_t something;
};
struct readers {
	pthread_mutex_t mutex;
	bool leaves; /* guarded */
	size_t started;
	struct store_open open;
	struct desk desks[N_DESKS];
};

static const struct desk *desk_of(const struct reader *reader)
{
	return (const struct desk *)reader;
}

/* --- for what answers --- */
bool reader_leaves(const struct reader *reader)
{
	struct readers *readers = desk_of(reader)->readers;
	bool leaves;

	pthread_mutex_lock(&readers->mutex);
	leaves = readers->leaves;
	pthread_mutex_unlock(&readers->mutex);
	return leaves;
}

static bool flush(struct reader *reader)
{
	bool ok = reader->out.length == 0 ||
		channel_end_write(reader->end, reader->out.data, reader->out.length) == LANE_OK;

	reader->out.length = 0;
	/* One large result is not kept for ever. */
	if (reader->out.room > 16 * SAY_BYTES)
		store_buffer_free(&reader->out);
	return ok;
}

bool reader_say(struct reader *reader, enum store_message message, uint64_t number, const void *body)
{
	struct store_header header = { .message = (uint16_t)message, .number = number };

	if (!store_write(&reader->out, &header, body) && !(flush(reader) && store_write(&reader->out, &header, body)))
		return false;
	return reader->out.length < SAY_BYTES || (flush(reader) && !reader_leaves(reader));
}

void reader_fail(struct reader *reader, const char *what)
{
	char *text = xasprintf("cannot read %.*s/%s (%s): %s", (int)reader->directory.length, reader->directory.data,
		STORE_FILE, what, db_message(&reader->db));
	struct store_text said = store_text_of(text, strlen(text));

	/* In pieces of its own: what was being said is not finished. */
	flush(reader);
	reader_say(reader, STORE_FAILED, 0, &said);
	flush(reader);
	_exit(EXIT_FAILURE);
}

/* --- a desk --- */
static bool desk_open(struct desk *desk)
{
	struct reader *reader = &desk->reader;

	if (reader->db.handle)
		return true;
	if (open_another(&reader->db, &reader->directory, false) != DB_OK)
		return false;
	reader->rows = task_rows_new(&reader->db);
	if (!reader->rows) {
		db_close(&reader->db);
		return false;
	}
	pthread_mutex_lock(&desk->readers->mutex);
	desk->is_open = true;
	pthread_mutex_unlock(&desk->readers->mutex);
	return true;
}

static void desk_close(struct desk *desk)
{
	pthread_mutex_lock(&desk->readers->mutex);
	desk->is_open = false;
	pthread_mutex_unlock(&desk->readers->mutex);
	task_rows_free(desk->reader.rows);
	desk->reader.rows = NULL;
	db_close(&desk->reader.db);
}

static void desk_query(struct desk *desk, const struct job *job)
{
	static const char text[] =
		"the store cannot open its file once more: there is no memory, or no descriptor left";
	struct store_query query;
	struct store_answer answer = { .status = STORE_ANSWER_ERROR, .text = store_text_of(text, strlen(text)) };

	/* readers_take has read it before. */
	if (!store_read_body(&job->header, job->body, &query))
		return;
	if (desk_open(desk))
		query_answer(&desk->reader, job->header.number, &query);
	else
		reader_say(&desk->reader, STORE_ANSWERED, job->header.number, &answer);
	store_body_free(STORE_QUERY, &query);
}

static void desk_answer(struct desk *desk, const struct job *job)
{
	struct reader *reader = &desk->reader;

	if (job->header.message == STORE_QUERY)
		desk_query(desk, job);
	else if (desk_open(desk))
		load_answer(reader, &desk->readers->open.keep);
	else
		reader_fail(reader, "opening it once more");
	flush(reader);
}

/* NULL: it is time to leave. */
static struct job *job_next(struct desk *desk)
{
	struct readers *readers = desk->readers;
	struct job *job;

	pthread_mutex_lock(&readers->mutex);
	while (STAILQ_EMPTY(&desk->jobs) && !readers->leaves)
		pthread_cond_wait(&desk->something, &readers->mutex);
	job = readers->leaves ? NULL : STAILQ_FIRST(&desk->jobs);
	if (job)
		STAILQ_REMOVE_HEAD(&desk->jobs, link);
	pthread_mutex_unlock(&readers->mutex);
	return job;
}

static void *desk_run(void *argument)
{
	struct desk *desk = argument;
	struct job *job;

	while ((job = job_next(desk))) {
		desk_answer(desk, job);
		free(job);
		if (desk == &desk->readers->desks[DESK_LONG])
			desk_close(desk); /* it has read the whole file through its cache */
	}
	desk_close(desk);
	return NULL;
}

/* --- all of them --- */
static bool desk_start(struct readers *readers, struct desk *desk, struct channel_end *end)
{
	desk->readers = readers;
	desk->reader.end = end;
	desk->reader.directory = readers->open.directory;
	STAILQ_INIT(&desk->jobs);
	pthread_cond_init(&desk->something, NULL);
	errno = pthread_create(&desk->thread, NULL, desk_run, desk);
	if (errno)
		pthread_cond_destroy(&desk->something);
	return errno == 0;
}

struct readers *readers_new(const struct store_open *open, struct channel_end *end)
{
	struct readers *readers = xcalloc(1, sizeof(*readers));

	readers->open = *open;
	pthread_mutex_init(&readers->mutex, NULL);
	for (size_t i = 0; i < N_DESKS; i++) {
		if (!desk_start(readers, &readers->desks[i], end)) {
			int reason = errno;

			readers_free(readers);
			errno = reason;
			return NULL;
		}
		readers->started++;
	}
	return readers;
}

bool readers_take(struct readers *readers, const struct store_header *header, const char *body)
{
	enum desk_kind kind = DESK_QUICK;
	struct store_query query;
	struct job *job;

	if (header->message == STORE_QUERY) {
		if (!store_read_body(header, body, &query))
			return false;
		if (query.question == STORE_ASK_CHECK || query.question == STORE_ASK_BACKUP)
			kind = DESK_LONG;
		store_body_free(STORE_QUERY, &query);
	}
	job = xmalloc(sizeof(*job) + header->length);
	job->header = *header;
	if (header->length)
		memcpy(job->body, body, header->length);
	pthread_mutex_lock(&readers->mutex);
	STAILQ_INSERT_TAIL(&readers->desks[kind].jobs, job, link);
	pthread_cond_signal(&readers->desks[kind].something);
	pthread_mutex_unlock(&readers->mutex);
	return true;
}

/* It may be about to begin a statement just now, of which an interruption knows nothing: so again and again. */
static void desk_join(struct desk *desk)
{
	pthread_mutex_t *mutex = &desk->readers->mutex;
	struct timespec until;

	do {
		pthread_mutex_lock(mutex);
		if (desk->is_open)
			sqlite3_interrupt(desk->reader.db.handle);
		pthread_cond_signal(&desk->something);
		pthread_mutex_unlock(mutex);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += JOIN_NS;
		until.tv_sec += until.tv_nsec / NS_PER_S;
		until.tv_nsec %= NS_PER_S;
	} while (pthread_timedjoin_np(desk->thread, NULL, &until) != 0);
}

static void desk_end(struct desk *desk)
{
	struct job *job;

	desk_join(desk);
	while ((job = STAILQ_FIRST(&desk->jobs))) {
		STAILQ_REMOVE_HEAD(&desk->jobs, link);
		free(job);
	}
	pthread_cond_destroy(&desk->something);
	store_buffer_free(&desk->reader.out);
}

void readers_free(struct readers *readers)
{
	if (!readers)
		return;
	pthread_mutex_lock(&readers->mutex);
	readers->leaves = true;
	pthread_mutex_unlock(&readers->mutex);
	for (size_t i = 0; i < readers->started; i++)
		desk_end(&readers->desks[i]);
	pthread_mutex_destroy(&readers->mutex);
	free(readers);
}
