/* The master's side of a lane. It never waits, and believes its own books: what the slot wrote is copied out, checked
 * against them, and only then used. */
#include "base/bytes.h"
#include "base/closer.h"
#include "lane/lane.h"
#include "lane/payload.h"
#include "lane/records.h"

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BOOK_SIZE 256u /* requests from the oldest unanswered one on; the core's window is at most 64 */
#define AWAY_MOST 8u   /* requests with files on their way */
#define UNCHECKED_MOST 64u /* messages from one look at an empty socket to the next */
#define MAPPED_MOST 8192u  /* payloads that stay where they came in: a process has room for some 65,000 mappings */
#define FIRST_SEQ ((uint32_t)-100) /* so that each lane meets the wrap */

struct book_entry {
	uint32_t seq;
	uint32_t start; /* the ring's index before its record */
	uint32_t position; /* of the record in the ring's data */
	bool over; /* answered or revoked */
	uint64_t task_id;
};

/* A request of which a part goes over the socket. */
struct away {
	uint32_t seq;
	uint32_t end; /* the ring's index behind its record */
	bool over;    /* revoked, but the slot may not have passed it yet */
	bool alone;   /* nothing else may go over the socket meanwhile */
};

struct lane {
	struct lane_memory memory;
	struct ring requests;
	struct ring completions;
	int memory_fd;
	int socket_fd;
	int slot_socket_fd;
	size_t payload_limit;
	bool broken;
	bool wants_room; /* a request found none, and the slot has been asked to say when it makes some */

	/* What has been sent, in order: book[first % BOOK_SIZE] is the oldest that is not over. */
	struct book_entry book[BOOK_SIZE];
	uint32_t first;
	uint32_t count;
	uint32_t next_seq;

	/* Those on their way, or being worked with, oldest first. */
	struct away away[AWAY_MOST];
	uint32_t n_away;
	uint32_t unchecked; /* messages since the socket was seen empty */
};

struct lane *lane_new(const struct lane_options *options)
{
	struct lane *lane = calloc(1, sizeof *lane);
	if (!lane)
		return NULL;
	if (lane_memory_new(&lane->memory, options->request_ring, options->completion_ring, &lane->memory_fd) < 0) {
		free(lane);
		return NULL;
	}
	if (payload_socket_pair(&lane->socket_fd, &lane->slot_socket_fd) < 0) {
		int reason = errno;
		close(lane->memory_fd);
		lane_memory_close(&lane->memory);
		free(lane);
		errno = reason;
		return NULL;
	}
	struct lane_memory *memory = &lane->memory;
	ring_init(&lane->requests, &memory->shared->requests, memory->request_data, memory->request_ring);
	ring_init(&lane->completions, &memory->shared->completions, memory->completion_data, memory->completion_ring);
	lane->payload_limit = options->payload_limit;
	lane->next_seq = FIRST_SEQ;
	return lane;
}

void lane_free(struct lane *lane)
{
	if (!lane)
		return;
	lane_handed_over(lane);
	closer_close_packets(lane->socket_fd);
	lane_memory_close(&lane->memory);
	free(lane);
}

int lane_memory_fd(const struct lane *lane)
{
	return lane->memory_fd;
}

int lane_socket_fd(const struct lane *lane)
{
	return lane->slot_socket_fd;
}

const struct lane_memory *lane_memory_of(const struct lane *lane)
{
	return &lane->memory;
}

static void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void lane_handed_over(struct lane *lane)
{
	fd_close(&lane->memory_fd);
	fd_close(&lane->slot_socket_fd);
}

static struct book_entry *book_at(struct lane *lane, uint32_t i)
{
	return &lane->book[(lane->first + i) % BOOK_SIZE];
}

static struct book_entry *book_find(struct lane *lane, uint32_t seq)
{
	if (lane->count == 0)
		return NULL;
	uint32_t i = seq - book_at(lane, 0)->seq;
	return i < lane->count ? book_at(lane, i) : NULL;
}

static void book_close(struct lane *lane, struct book_entry *entry)
{
	entry->over = true;
	while (lane->count > 0 && book_at(lane, 0)->over) {
		lane->first++;
		lane->count--;
	}
}

static _Atomic uint64_t *state_of(struct lane *lane, const struct book_entry *entry)
{
	struct request_record *record = (struct request_record *)(lane->memory.request_data + entry->position);
	return &record->state;
}

static void away_drop(struct lane *lane, uint32_t n)
{
	lane->n_away -= n;
	memmove(lane->away, lane->away + n, lane->n_away * sizeof *lane->away);
}

/* Forgets those that were revoked and that the slot has passed: LANE_OK, LANE_BROKEN. */
static int away_settle(struct lane *lane)
{
	uint32_t head, tail = lane->requests.mine, n = 0;
	if (lane->n_away == 0 || !lane->away[0].over)
		return LANE_OK;
	if (ring_consumed(&lane->requests, &head) != RING_OK)
		return LANE_BROKEN;
	while (n < lane->n_away && lane->away[n].over && tail - head <= tail - lane->away[n].end)
		n++;
	away_drop(lane, n);
	return LANE_OK;
}

/* The request of that number has been answered: the slot is done with it, and with what was before it. */
static void away_answered(struct lane *lane, uint32_t seq)
{
	uint32_t n = 0;
	while (n < lane->n_away && (int32_t)(lane->away[n].seq - seq) <= 0)
		n++;
	if (n)
		away_drop(lane, n);
}

static bool goes_alone(const struct lane_request *request)
{
	return request->args_length > LANE_INLINE_LIMIT || (request->n_fds && !request->fds_are_files);
}

/* Whether what goes over the socket may go now: LANE_OK, LANE_NONE, LANE_BROKEN. What lies there is open, and nobody but
 * the slot can close it: so descriptors are for a slot that has nothing else to do, and do not wait behind what it runs,
 * unless that is the same to everybody. */
static int socket_is_free(struct lane *lane, const struct lane_request *request)
{
	int unread;
	if (request->n_fds && !request->fds_are_files && lane->count > 0)
		return LANE_NONE;
	if (away_settle(lane) != LANE_OK)
		return LANE_BROKEN;
	if (lane->n_away && (goes_alone(request) || lane->away[0].alone || lane->n_away == AWAY_MOST ||
			lane->unchecked >= UNCHECKED_MOST))
		return LANE_NONE;
	if (lane->n_away)
		return LANE_OK;
	/* A slot that answers, or passes by, and leaves in the socket what belonged to it collects what is open there. */
	if (ioctl(lane->socket_fd, SIOCOUTQ, &unread) < 0 || unread != 0)
		return LANE_BROKEN;
	lane->unchecked = 0;
	return LANE_OK;
}

static int socket_send(struct lane *lane, uint32_t seq, const struct lane_request *request, bool large)
{
	struct payload payload = { .n_fds = request->n_fds };
	if (large) {
		payload.data = request->args;
		payload.size = request->args_length;
	}
	memcpy(payload.fds, request->fds, sizeof payload.fds);
	return payload_send(lane->socket_fd, seq, &payload, PAYLOAD_OF_MASTER);
}

static void record_write(struct request_record *record, uint32_t seq, const struct lane_request *request, bool large)
{
	atomic_store_explicit(&record->state, request_state(seq, REQUEST_QUEUED), memory_order_relaxed);
	record->task_id = request->task_id;
	record->timeout_ns = request->timeout_ns;
	record->args_length = request->args_length;
	record->attempt = request->attempt;
	record->items = request->items;
	record->run_as = request->run_as;
	record->name_length = (uint16_t)request->name_length;
	record->large = large;
	record->n_fds = (uint8_t)request->n_fds;
	char *text = (char *)(record + 1);
	memcpy(text, request->name, request->name_length);
	text[request->name_length] = '\0';
	if (!large && request->args_length)
		memcpy(text + request->name_length + 1, request->args, request->args_length);
}

static int request_put(struct lane *lane, const struct lane_request *request, uint32_t *seq)
{
	bool large = request->args_length > LANE_INLINE_LIMIT, by_socket = large || request->n_fds;
	int status;
	if (lane->count == BOOK_SIZE)
		return LANE_NONE;
	if (by_socket && (status = socket_is_free(lane, request)) != LANE_OK)
		return status;
	uint32_t length = (uint32_t)(sizeof(struct request_record) + request->name_length + 1);
	if (!large)
		length += (uint32_t)request->args_length;
	/* Nothing from the oldest live record on is written over, wherever the slot says that it is. */
	uint32_t keep = lane->count ? lane->requests.mine - book_at(lane, 0)->start : 0;
	void *room;
	struct book_entry entry = { .seq = lane->next_seq, .start = lane->requests.mine, .task_id = request->task_id };
	switch (ring_reserve(&lane->requests, length, keep, &room, &entry.position)) {
	case RING_OK:
		break;
	case RING_FULL:
		return LANE_NONE;
	default: /* too large it cannot be: records.h */
		return LANE_BROKEN;
	}
	if (by_socket && (status = socket_send(lane, entry.seq, request, large)) != LANE_OK)
		return status;
	record_write(room, entry.seq, request, large);
	ring_publish(&lane->requests);
	lane->count++;
	*book_at(lane, lane->count - 1) = entry;
	lane->next_seq++;
	if (by_socket) {
		lane->away[lane->n_away++] = (struct away){ .seq = entry.seq, .end = lane->requests.mine,
			.alone = goes_alone(request) };
		lane->unchecked++;
	}
	*seq = entry.seq;
	return LANE_OK;
}

int lane_send(struct lane *lane, const struct lane_request *request, uint32_t *seq)
{
	struct lane_shared *shared = lane->memory.shared;
	assert(request->name_length <= LANE_NAME_LIMIT && request->n_fds <= LANE_FDS_LIMIT);
	if (lane->broken)
		return LANE_BROKEN;
	int status = request_put(lane, request, seq);
	if (status == LANE_NONE) {
		/* The slot makes room also where it skips what was revoked, of which it says nothing: it is asked to ring. */
		lane->wants_room = true;
		atomic_store(&shared->master_wants_room, 1);
		status = request_put(lane, request, seq);
	}
	if (status == LANE_BROKEN)
		lane->broken = true;
	return status;
}

void lane_kick(struct lane *lane)
{
	struct lane_shared *shared = lane->memory.shared;
	/* The slot raises its flag, then looks at the ring again; the ring's tail was stored before this looks at the
	 * flag. So either it saw the request or this sees the flag. */
	if (atomic_load(&shared->slot_asleep) && atomic_exchange(&shared->slot_asleep, 0))
		sem_post(lane->memory.requests_posted);
}

bool lane_revoke(struct lane *lane, uint32_t seq)
{
	struct book_entry *entry = book_find(lane, seq);
	if (!entry || entry->over)
		return false;
	uint64_t queued = request_state(seq, REQUEST_QUEUED);
	if (!atomic_compare_exchange_strong(state_of(lane, entry), &queued, request_state(seq, REQUEST_REVOKED)))
		return false;
	/* What goes with it is still in the socket until the slot skips it. */
	for (uint32_t i = 0; i < lane->n_away; i++)
		if (lane->away[i].seq == seq)
			lane->away[i].over = true;
	book_close(lane, entry);
	return true;
}

int64_t lane_started(struct lane *lane, uint32_t seq, int64_t sent_ns, int64_t now_ns)
{
	struct lane_shared *shared = lane->memory.shared;
	struct book_entry *entry = book_find(lane, seq);
	if (!entry || entry->over || atomic_load(state_of(lane, entry)) == request_state(seq, REQUEST_QUEUED))
		return 0;
	if (atomic_load(&shared->current) != (uint64_t)seq + 1)
		return now_ns;
	int64_t started_ns = atomic_load_explicit(&shared->started_ns, memory_order_relaxed);
	if (started_ns < sent_ns)
		return sent_ns;
	return started_ns > now_ns ? now_ns : started_ns;
}

void lane_interrupt(struct lane *lane, uint32_t seq)
{
	struct book_entry *entry = book_find(lane, seq);
	if (entry && !entry->over)
		atomic_store(&lane->memory.shared->interrupt, (uint64_t)seq + 1);
}

/* Whether that is the slot's last word on a request. */
static bool is_answer(uint32_t word)
{
	return word == LANE_SUCCEEDED || word == LANE_FAILED;
}

/* The master cannot hold the result: that ends its task, and no more. What is said meanwhile goes without its text. */
static void reply_without_payload(struct lane_reply *reply)
{
	if (!is_answer(reply->word))
		return;
	reply->word = LANE_FAILED;
	reply->code = 0;
	reply->flags = LANE_FLAG_TOO_LARGE;
	snprintf(reply->message, sizeof reply->message, "no memory for the result");
}

static unsigned n_mapped; /* of all lanes */

static void payload_release(void *owner, const char *data, size_t size)
{
	(void)owner;
	n_mapped--;
	payload_unmap(data, size);
}

/* Takes over what PAYLOAD has mapped. NULL: no memory. */
static struct bytes *bytes_of(const struct payload *payload)
{
	if (n_mapped < MAPPED_MOST) {
		n_mapped++;
		return bytes_new_foreign(payload->data, payload->size, payload_release, NULL);
	}
	struct bytes *copy = bytes_new(payload->data, payload->size);
	payload_unmap(payload->data, payload->size);
	return copy;
}

/* The payload of a reply whose record of LENGTH bytes is at RECORD and whose head was copied to SAID. */
static int reply_payload(struct lane *lane, const struct reply_record *said, const char *record, uint32_t length,
	struct lane_reply *reply)
{
	size_t before = sizeof *said + said->message_length;
	if (said->large) {
		struct payload payload = { .size = (size_t)said->payload_length };
		if (said->payload_length <= LANE_INLINE_LIMIT || said->payload_length > lane->payload_limit)
			return LANE_BROKEN;
		int status = payload_receive(lane->socket_fd, said->seq, &payload, PAYLOAD_OF_SLOT);
		if (status == LANE_NO_MEMORY)
			reply_without_payload(reply);
		if (status != LANE_OK)
			return status == LANE_NO_MEMORY ? LANE_OK : status;
		reply->payload = bytes_of(&payload);
		if (!reply->payload)
			reply_without_payload(reply);
		return LANE_OK;
	}
	if (said->payload_length > LANE_INLINE_LIMIT || said->payload_length > length - before)
		return LANE_BROKEN;
	if (said->payload_length == 0)
		return LANE_OK;
	char *room;
	reply->payload = bytes_new_room((size_t)said->payload_length, &room);
	if (reply->payload)
		memcpy(room, record + before, (size_t)said->payload_length);
	else
		reply_without_payload(reply);
	return LANE_OK;
}

/* Whether the lengths of a record of LENGTH bytes fit, and what it says makes sense by itself. */
static bool is_sound(const struct reply_record *said, uint32_t length)
{
	if (said->message_length >= sizeof((struct lane_reply *)0)->message || said->message_length > length - sizeof *said)
		return false;
	switch (said->word) {
	case LANE_SUCCEEDED:
	case LANE_FAILED:
		return true;
	case LANE_PROGRESS: /* a line, for people */
		return !said->large;
	case LANE_OUTPUT:
		return (said->code == 0 || said->code == 1) && said->message_length == 0 && !said->large &&
			said->payload_length > 0 && said->payload_length <= LANE_INLINE_LIMIT &&
			said->offset <= INT64_MAX - said->payload_length;
	default:
		return false;
	}
}

static int reply_read(struct lane *lane, const char *record, uint32_t length, struct lane_reply *reply)
{
	struct reply_record said;
	if (length < sizeof said)
		return LANE_BROKEN;
	memcpy(&said, record, sizeof said);
	if (lane->count == 0 || said.seq != book_at(lane, 0)->seq || !is_sound(&said, length))
		return LANE_BROKEN;
	reply->word = (enum lane_word)said.word;
	reply->seq = said.seq;
	reply->task_id = book_at(lane, 0)->task_id;
	reply->started_ns = said.started_ns;
	reply->ended_ns = said.ended_ns;
	reply->code = said.code;
	reply->flags = said.flags;
	reply->rss_kib = said.rss_kib;
	reply->progress = said.word == LANE_OUTPUT ? 0 : said.progress;
	reply->offset = said.word == LANE_OUTPUT ? said.offset : 0;
	memcpy(reply->message, record + sizeof said, said.message_length);
	reply->message[said.message_length] = '\0';
	reply->payload = NULL;
	int status = reply_payload(lane, &said, record, length, reply);
	if (status == LANE_OK && is_answer(said.word)) {
		away_answered(lane, said.seq);
		book_close(lane, book_at(lane, 0));
	}
	return status;
}

int lane_receive(struct lane *lane, struct lane_reply *reply)
{
	struct lane_shared *shared = lane->memory.shared;
	void *record;
	uint32_t length;
	if (lane->broken)
		return LANE_BROKEN;
	int status = ring_peek(&lane->completions, &record, &length);
	if (status == RING_EMPTY)
		return LANE_NONE;
	if (status != RING_OK || reply_read(lane, record, length, reply) != LANE_OK) {
		lane->broken = true;
		return LANE_BROKEN;
	}
	ring_release(&lane->completions);
	if (atomic_load(&shared->slot_wants_room) && atomic_exchange(&shared->slot_wants_room, 0))
		sem_post(lane->memory.room_posted);
	return LANE_OK;
}

bool lane_has_reply(struct lane *lane)
{
	void *record;
	uint32_t length;
	return !lane->broken && ring_peek(&lane->completions, &record, &length) != RING_EMPTY;
}

bool lane_is_littered(const struct lane *lane)
{
	return payload_is_waiting(lane->socket_fd);
}

bool lane_sleep(struct lane *lane, bool when_idle)
{
	struct lane_shared *shared = lane->memory.shared;
	atomic_store(&shared->master_asleep, when_idle ? MASTER_DOZING : MASTER_ASLEEP);
	bool room = lane->wants_room && !atomic_load(&shared->master_wants_room);
	if (!room && !lane_has_reply(lane))
		return true;
	if (room)
		lane->wants_room = false;
	lane_wake(lane);
	return false;
}

void lane_wake(struct lane *lane)
{
	atomic_store_explicit(&lane->memory.shared->master_asleep, MASTER_AWAKE, memory_order_relaxed);
}

void lane_stop(struct lane *lane)
{
	atomic_store(&lane->memory.shared->stop, 1);
	sem_post(lane->memory.requests_posted);
}
