/* Operations that are not known to be on disk. They are kept as the bytes that the store reads, so that to send them again
 * takes nothing but to begin again, and a million of them are a few hundred allocations. */
#include "store/oplog.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/idmap.h"
#include "base/xmalloc.h"

#define CHUNK_SIZE ((size_t)64 * 1024)
#define CHUNK_SPARE ((size_t)4 * 1024) /* with less room than that the next message is another chunk's */

/* A message is in one chunk, which is larger where the message is. */
struct oplog_chunk {
	TAILQ_ENTRY(oplog_chunk) link;
	size_t start; /* what was before it has been dropped */
	struct store_buffer buffer;
};

static struct oplog_chunk *chunk_new(void)
{
	struct oplog_chunk *chunk = xcalloc(1, sizeof *chunk);
	chunk->buffer = (struct store_buffer){ .data = xmalloc(CHUNK_SIZE), .room = CHUNK_SIZE };
	return chunk;
}

static void chunk_free(struct oplog_chunk *chunk)
{
	store_buffer_free(&chunk->buffer);
	free(chunk);
}

void oplog_init(struct oplog *log)
{
	*log = (struct oplog){ 0 };
	TAILQ_INIT(&log->chunks);
}

void oplog_clear(struct oplog *log)
{
	struct oplog_chunk *chunk;
	while ((chunk = TAILQ_FIRST(&log->chunks))) {
		TAILQ_REMOVE(&log->chunks, chunk, link);
		chunk_free(chunk);
	}
	oplog_init(log);
}

static void sent_to(struct oplog *log, struct oplog_chunk *chunk)
{
	log->sent = chunk;
	log->sent_at = log->mark = chunk ? chunk->start : 0;
}

/* A large message may have left as much room again behind it. */
static void chunk_trim(struct oplog_chunk *chunk)
{
	struct store_buffer *buffer = &chunk->buffer;
	if (buffer->room <= CHUNK_SIZE || buffer->room - buffer->length < buffer->room / 8)
		return;
	char *data = realloc(buffer->data, buffer->length);
	if (data) {
		buffer->data = data;
		buffer->room = buffer->length;
	}
}

bool oplog_add(struct oplog *log, const struct store_header *header, const void *body)
{
	struct oplog_chunk *chunk = TAILQ_LAST(&log->chunks, oplog_chunks);
	if (!chunk || chunk->buffer.length + CHUNK_SPARE > chunk->buffer.room) {
		chunk = chunk_new();
		TAILQ_INSERT_TAIL(&log->chunks, chunk, link);
	}
	size_t before = chunk->buffer.length;
	bool fine = store_write(&chunk->buffer, header, body);
	log->bytes += chunk->buffer.length - before;
	if (!log->sent)
		sent_to(log, chunk);
	chunk_trim(chunk);
	return fine;
}

/* Goes on to the next chunk where all of this one was sent. */
static void sent_on(struct oplog *log)
{
	while (log->sent && log->sent_at == log->sent->buffer.length && TAILQ_NEXT(log->sent, link))
		sent_to(log, TAILQ_NEXT(log->sent, link));
}

size_t oplog_unsent(const struct oplog *log, const char **data)
{
	const struct oplog_chunk *chunk = log->sent;
	size_t at = log->sent_at;
	if (chunk && at == chunk->buffer.length && TAILQ_NEXT(chunk, link)) {
		chunk = TAILQ_NEXT(chunk, link);
		at = chunk->start;
	}
	if (!chunk || at == chunk->buffer.length)
		return 0;
	*data = chunk->buffer.data + at;
	return chunk->buffer.length - at;
}

void oplog_sent(struct oplog *log, size_t length)
{
	sent_on(log);
	assert(length <= log->sent->buffer.length - log->sent_at);
	log->sent_at += length;
}

/* The header of the message that begins at AT, and how long it is as a whole. */
static size_t message_at(const struct oplog_chunk *chunk, size_t at, struct store_header *header)
{
	bool sound = store_read_header(chunk->buffer.data + at, header);
	assert(sound);
	(void)sound;
	return STORE_HEADER_SIZE + header->length;
}

size_t oplog_torn(struct oplog *log)
{
	struct store_header header;
	sent_on(log);
	if (!log->sent)
		return 0;
	while (log->mark < log->sent_at) {
		size_t end = log->mark + message_at(log->sent, log->mark, &header);
		if (end > log->sent_at)
			return end - log->sent_at;
		log->mark = end;
	}
	return 0;
}

/* The first chunk has nothing in it any more. The last one is used again. */
static void first_drop(struct oplog *log)
{
	struct oplog_chunk *chunk = TAILQ_FIRST(&log->chunks), *next = TAILQ_NEXT(chunk, link);
	if (next) {
		if (log->sent == chunk)
			sent_to(log, next);
		TAILQ_REMOVE(&log->chunks, chunk, link);
		chunk_free(chunk);
		return;
	}
	if (chunk->buffer.room > CHUNK_SIZE) {
		chunk_free(chunk);
		oplog_init(log);
		return;
	}
	chunk->start = chunk->buffer.length = 0;
	sent_to(log, chunk);
}

/* Where the operations up to SEQ end: an offset in *CHUNK; NULL: there are none. False: that is no place to end. */
static bool find_end(const struct oplog *log, uint64_t seq, struct oplog_chunk **chunk, size_t *end)
{
	struct oplog_chunk *in;
	struct store_header header;
	bool chained = false, sent = true;
	*chunk = NULL;
	TAILQ_FOREACH(in, &log->chunks, link) {
		for (size_t at = in->start; at < in->buffer.length; at = *end) {
			size_t next = at + message_at(in, at, &header);
			if (header.number > seq)
				return !chained;
			if (!sent || (in == log->sent && next > log->sent_at))
				return false;
			chained = header.flags & STORE_CHAINED;
			*chunk = in;
			*end = next;
		}
		sent = sent && in != log->sent;
	}
	return !chained;
}

bool oplog_commit(struct oplog *log, uint64_t seq)
{
	struct oplog_chunk *last, *chunk;
	size_t end = 0;
	if (!find_end(log, seq, &last, &end))
		return false;
	while (last && (chunk = TAILQ_FIRST(&log->chunks)) != last) {
		log->bytes -= chunk->buffer.length - chunk->start;
		first_drop(log);
	}
	if (!last)
		return true;
	log->bytes -= end - last->start;
	last->start = end;
	if (end == last->buffer.length)
		first_drop(log);
	return true;
}

void oplog_rewind(struct oplog *log)
{
	sent_to(log, TAILQ_FIRST(&log->chunks));
}

/* --- dropping tasks --- */
struct dropping {
	struct idmap tasks;
	uint64_t *ids;
	size_t n_ids, room;
	char *kept; /* the last message of this chain that is kept; NULL: none */
};

static void find_tasks(const struct oplog *log, struct dropping *dropping)
{
	static char there;
	const struct oplog_chunk *chunk;
	struct store_header header;
	TAILQ_FOREACH(chunk, &log->chunks, link)
		for (size_t at = chunk->start; at < chunk->buffer.length;) {
			at += message_at(chunk, at, &header);
			if (header.message != STORE_TASK_PUT || idmap_get(&dropping->tasks, header.id))
				continue;
			if (dropping->n_ids == dropping->room) {
				dropping->room = dropping->room ? 2 * dropping->room : 64;
				dropping->ids = xreallocarray(dropping->ids, dropping->room, sizeof *dropping->ids);
			}
			dropping->ids[dropping->n_ids++] = header.id;
			idmap_put(&dropping->tasks, header.id, &there);
		}
}

static bool is_dropped(const struct dropping *dropping, const struct store_header *header)
{
	return header->message >= STORE_TASK_PUT && header->message <= STORE_TASK_FORGET &&
		idmap_get(&dropping->tasks, header->id);
}

/* Moves what is kept to the chunk's beginning. What ended a chain and is dropped leaves its end to what was before it. */
static void chunk_compact(struct oplog_chunk *chunk, struct dropping *dropping)
{
	struct store_header header;
	size_t to = chunk->start;
	for (size_t at = chunk->start; at < chunk->buffer.length;) {
		size_t length = message_at(chunk, at, &header);
		if (!is_dropped(dropping, &header)) {
			dropping->kept = memmove(chunk->buffer.data + to, chunk->buffer.data + at, length);
			to += length;
		} else if (header.flags == 0 && dropping->kept) {
			store_unchain(dropping->kept);
		}
		if (header.flags == 0)
			dropping->kept = NULL;
		at += length;
	}
	chunk->buffer.length = to;
}

size_t oplog_drop_tasks(struct oplog *log, uint64_t **ids)
{
	struct dropping dropping = { 0 };
	struct oplog_chunk *chunk, *next;
	idmap_init(&dropping.tasks);
	find_tasks(log, &dropping);
	log->bytes = 0;
	TAILQ_FOREACH(chunk, &log->chunks, link) {
		chunk_compact(chunk, &dropping);
		log->bytes += chunk->buffer.length - chunk->start;
	}
	for (chunk = TAILQ_FIRST(&log->chunks); chunk; chunk = next) {
		next = TAILQ_NEXT(chunk, link);
		if (chunk->start < chunk->buffer.length)
			continue;
		TAILQ_REMOVE(&log->chunks, chunk, link);
		chunk_free(chunk);
	}
	oplog_rewind(log);
	idmap_fini(&dropping.tasks);
	*ids = dropping.ids;
	return dropping.n_ids;
}
