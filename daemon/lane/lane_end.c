/* The slot's side of a lane: one thread of a worker that sleeps until there is a request, and says what became of it.
 * What it takes stays in the ring, unmoved, until it has been answered. */
#include "base/clock.h"
#include "lane/lane.h"
#include "lane/payload.h"
#include "lane/records.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct lane_end {
	struct lane_memory memory;
	bool owns_memory;
	struct ring requests;
	struct ring completions;
	int socket_fd;
	int doorbell_fd;
	size_t payload_limit;
	_Atomic uint64_t current; /* 1 + the seq of what is taken; 0: nothing. Other threads read it */
	const char *mapped; /* its arguments, where they came as a memfd */
	size_t mapped_size;
	int64_t started_ns;
};

struct lane_end *lane_end_attach(const struct lane_memory *memory, int socket_fd, int doorbell_fd, size_t payload_limit)
{
	struct lane_end *end = calloc(1, sizeof *end);
	if (!end)
		return NULL;
	end->memory = *memory;
	ring_init(&end->requests, &memory->shared->requests, memory->request_data, memory->request_ring);
	ring_init(&end->completions, &memory->shared->completions, memory->completion_data, memory->completion_ring);
	end->socket_fd = socket_fd;
	end->doorbell_fd = doorbell_fd;
	end->payload_limit = payload_limit;
	return end;
}

struct lane_end *lane_end_new(int memory_fd, int socket_fd, int doorbell_fd, size_t payload_limit)
{
	struct lane_memory memory;
	struct lane_end *end = NULL;
	int status = lane_memory_open(&memory, memory_fd);
	int reason = errno;
	close(memory_fd);
	if (status == 0) {
		end = lane_end_attach(&memory, socket_fd, doorbell_fd, payload_limit);
		if (end) {
			end->owns_memory = true;
			return end;
		}
		reason = ENOMEM;
		lane_memory_close(&memory);
	}
	close(socket_fd);
	errno = reason;
	return NULL;
}

const struct lane_memory *lane_end_memory(const struct lane_end *end)
{
	return &end->memory;
}

static void mapped_drop(struct lane_end *end)
{
	if (end->mapped)
		payload_unmap(end->mapped, end->mapped_size);
	end->mapped = NULL;
}

void lane_end_free(struct lane_end *end)
{
	if (!end)
		return;
	mapped_drop(end);
	close(end->socket_fd);
	if (end->owns_memory)
		lane_memory_close(&end->memory);
	free(end);
}

/* Writes to the doorbell where the master sleeps. It raised its flag before it looked at the ring for the last time,
 * and what it is to hear of was stored before this looks at the flag. */
static int master_ring(struct lane_end *end)
{
	struct lane_shared *shared = end->memory.shared;
	if (atomic_load(&shared->master_asleep) == MASTER_AWAKE ||
		atomic_exchange(&shared->master_asleep, MASTER_AWAKE) == MASTER_AWAKE)
		return LANE_OK;
	const uint64_t one = 1;
	ssize_t n;
	do
		n = write(end->doorbell_fd, &one, sizeof one);
	while (n < 0 && errno == EINTR);
	/* EAGAIN: it has been rung 2^64 times. Anything else: the handler has closed it. */
	return n == (ssize_t)sizeof one || errno == EAGAIN ? LANE_OK : LANE_BROKEN;
}

/* The same after an answer, of which one that dozes hears when the next one is given: see lane_sleep. */
static int master_ring_answered(struct lane_end *end)
{
	struct lane_shared *shared = end->memory.shared;
	if (atomic_load(&shared->master_asleep) == MASTER_DOZING && !lane_end_is_idle(end))
		return LANE_OK;
	return master_ring(end);
}

/* Gives the request's room back, and tells the master where it waits for that. */
static int request_release(struct lane_end *end)
{
	struct lane_shared *shared = end->memory.shared;
	ring_release(&end->requests);
	if (atomic_load(&shared->master_wants_room) && atomic_exchange(&shared->master_wants_room, 0))
		return master_ring(end);
	return LANE_OK;
}

static int semaphore_wait(sem_t *semaphore)
{
	while (sem_wait(semaphore) < 0)
		if (errno != EINTR)
			return LANE_BROKEN;
	return LANE_OK;
}

/* The next record of the requests: LANE_OK, LANE_NONE where the master asked to stop, LANE_BROKEN. */
static int request_wait(struct lane_end *end, void **record, uint32_t *length)
{
	struct lane_shared *shared = end->memory.shared;
	for (;;) {
		if (atomic_load(&shared->stop))
			return LANE_NONE;
		int status = ring_peek(&end->requests, record, length);
		if (status == RING_EMPTY) {
			/* Another look with the flag up; see lane_kick. A post that comes all the same is a look too many. */
			atomic_store(&shared->slot_asleep, 1);
			status = ring_peek(&end->requests, record, length);
			if (status == RING_EMPTY) {
				if (semaphore_wait(end->memory.requests_posted) != LANE_OK)
					return LANE_BROKEN;
				continue;
			}
			atomic_store(&shared->slot_asleep, 0);
		}
		return status == RING_OK ? LANE_OK : LANE_BROKEN;
	}
}

static bool request_is_sound(const struct request_record *record, uint32_t length)
{
	if (length < sizeof *record)
		return false;
	uint64_t rest = length - sizeof *record;
	return record->name_length < rest && record->n_fds <= LANE_FDS_LIMIT && (record->large || record->args_length <= rest - record->name_length - 1);
}

/* Turns the record from QUEUED to TAKEN: LANE_OK, LANE_NONE where it was revoked. When and what is published before,
 * so that whoever sees TAKEN finds it. */
static int request_claim(struct lane_end *end, struct request_record *record)
{
	struct lane_shared *shared = end->memory.shared;
	uint64_t state = atomic_load(&record->state);
	uint32_t seq = (uint32_t)(state >> 32);
	end->started_ns = clock_mono_ns();
	atomic_store_explicit(&shared->started_ns, end->started_ns, memory_order_relaxed);
	atomic_store_explicit(&shared->current, (uint64_t)seq + 1, memory_order_release);
	uint64_t queued = request_state(seq, REQUEST_QUEUED);
	if (atomic_compare_exchange_strong(&record->state, &queued, request_state(seq, REQUEST_TAKEN))) {
		atomic_store_explicit(&end->current, (uint64_t)seq + 1, memory_order_relaxed);
		return LANE_OK;
	}
	if (queued != request_state(seq, REQUEST_REVOKED))
		return LANE_BROKEN;
	int status = record->large || record->n_fds ? payload_discard(end->socket_fd, seq) : LANE_OK;
	if (status != LANE_OK || request_release(end) != LANE_OK)
		return LANE_BROKEN;
	return LANE_NONE;
}

/* Takes what came over the socket: LANE_OK, LANE_NONE where there was no memory for it, and the task has been failed. */
static int request_fetch(struct lane_end *end, const struct request_record *record, struct lane_request *request)
{
	uint32_t seq = (uint32_t)(atomic_load(&end->current) - 1);
	struct payload payload = { .size = record->large ? request->args_length : 0, .n_fds = record->n_fds };
	int status = payload_receive(end->socket_fd, seq, &payload, PAYLOAD_OF_MASTER);
	if (status == LANE_OK) {
		if (record->large) {
			end->mapped = request->args = payload.data;
			end->mapped_size = payload.size;
		}
		request->n_fds = payload.n_fds;
		memcpy(request->fds, payload.fds, sizeof request->fds);
		return LANE_OK;
	}
	if (status != LANE_NO_MEMORY)
		return LANE_BROKEN;
	const struct lane_reply sorry = { .word = LANE_FAILED, .flags = LANE_FLAG_TOO_LARGE,
		.message = "the worker has no memory or descriptor for the arguments" };
	return lane_end_reply(end, &sorry, NULL, 0) == LANE_OK ? LANE_NONE : LANE_BROKEN;
}

/* Fills in where the arguments are; the rest as request_fetch. */
static int request_open(struct lane_end *end, const struct request_record *record, struct lane_request *request)
{
	const char *text = (const char *)(record + 1);
	*request = (struct lane_request){
		.task_id = record->task_id,
		.attempt = record->attempt,
		.items = record->items,
		.timeout_ns = record->timeout_ns,
		.run_as = record->run_as,
		.name = text,
		.name_length = record->name_length,
		.args = text + record->name_length + 1,
		.args_length = (size_t)record->args_length,
	};
	return record->large || record->n_fds ? request_fetch(end, record, request) : LANE_OK;
}

int lane_end_take(struct lane_end *end, struct lane_request *request)
{
	for (;;) {
		void *at;
		uint32_t length;
		int status = request_wait(end, &at, &length);
		if (status != LANE_OK)
			return status;
		struct request_record *record = at;
		if (!request_is_sound(record, length))
			return LANE_BROKEN;
		status = request_claim(end, record);
		if (status == LANE_OK)
			status = request_open(end, record, request);
		if (status != LANE_NONE)
			return status;
	}
}

/* Room for a completion; sleeps while there is none. */
static int completion_reserve(struct lane_end *end, uint32_t length, void **room)
{
	struct lane_shared *shared = end->memory.shared;
	for (;;) {
		int status = ring_reserve(&end->completions, length, 0, room, NULL);
		if (status == RING_FULL) {
			atomic_store(&shared->slot_wants_room, 1);
			status = ring_reserve(&end->completions, length, 0, room, NULL);
			if (status == RING_FULL) {
				if (semaphore_wait(end->memory.room_posted) != LANE_OK)
					return LANE_BROKEN;
				continue;
			}
			atomic_store(&shared->slot_wants_room, 0);
		}
		return status == RING_OK ? LANE_OK : LANE_BROKEN;
	}
}

/* What is said instead of a result that cannot be handed over. */
static void say_too_large(struct reply_record *record, const char **message, const char *why)
{
	record->word = LANE_FAILED;
	record->code = 0;
	record->flags = LANE_FLAG_TOO_LARGE;
	record->message_length = (uint32_t)strlen(why);
	record->payload_length = 0;
	record->large = 0;
	*message = why;
}

static int reply_publish(struct lane_end *end, const struct reply_record *record, const char *message, const char *payload)
{
	size_t length = sizeof *record + record->message_length;
	if (!record->large)
		length += (size_t)record->payload_length;
	void *room;
	if (completion_reserve(end, (uint32_t)length, &room) != LANE_OK)
		return LANE_BROKEN;
	char *at = room;
	memcpy(at, record, sizeof *record);
	memcpy(at + sizeof *record, message, record->message_length);
	if (!record->large && record->payload_length)
		memcpy(at + sizeof *record + record->message_length, payload, (size_t)record->payload_length);
	ring_publish(&end->completions);
	return LANE_OK;
}

int lane_end_reply(struct lane_end *end, const struct lane_reply *reply, const char *payload, size_t payload_length)
{
	uint64_t current = atomic_load_explicit(&end->current, memory_order_relaxed);
	assert(current != 0);
	const char *message = reply->message;
	struct reply_record record = {
		.payload_length = payload_length,
		.started_ns = reply->started_ns ? reply->started_ns : end->started_ns,
		.ended_ns = reply->ended_ns,
		.progress = reply->progress,
		.word = reply->word,
		.seq = (uint32_t)(current - 1),
		.code = reply->code,
		.flags = reply->flags,
		.rss_kib = reply->rss_kib,
		.message_length = (uint32_t)strnlen(reply->message, sizeof reply->message - 1),
		.large = payload_length > LANE_INLINE_LIMIT,
	};
	if (!record.ended_ns)
		record.ended_ns = reply->word == LANE_PROGRESS ? record.started_ns : clock_mono_ns();
	if (payload_length > end->payload_limit) {
		say_too_large(&record, &message, "the result is over the limit");
	} else if (record.large) {
		const struct payload large = { .data = payload, .size = payload_length };
		int status = payload_send(end->socket_fd, record.seq, &large, PAYLOAD_OF_SLOT);
		if (status == LANE_NO_MEMORY)
			say_too_large(&record, &message, "the worker has no memory for the result");
		else if (status != LANE_OK)
			return LANE_BROKEN;
	}
	if (reply_publish(end, &record, message, payload) != LANE_OK)
		return LANE_BROKEN;
	if (record.word != LANE_PROGRESS) {
		/* Only now: the payload may lie in the arguments. */
		atomic_store_explicit(&end->current, 0, memory_order_relaxed);
		mapped_drop(end);
		return request_release(end) == LANE_OK ? master_ring_answered(end) : LANE_BROKEN;
	}
	return master_ring(end);
}

/* What the largest reply takes of a ring. */
#define REPLY_TAKES_MAX                                                                                                \
	(RING_HEADER + (uint32_t)(sizeof(struct reply_record) + sizeof((struct lane_reply *)0)->message) + LANE_INLINE_LIMIT)
static_assert(REPLY_TAKES_MAX % 8 == 0, "as records are aligned");
static_assert(3 * REPLY_TAKES_MAX <= LANE_RING_MIN, "it fits beside as much, wherever the ring's end is");

/* Room for LENGTH bytes of output, or NULL. Into an empty ring anything goes; else half of it stays free, and the largest
 * reply must find room behind it at once. */
static void *output_reserve(struct ring *ring, uint32_t length)
{
	uint32_t head;
	void *room;
	if (ring_consumed(ring, &head) != RING_OK || ring_reserve(ring, length, 0, &room, NULL) != RING_OK)
		return NULL;
	uint32_t used = ring->mine - head, after = used + ring->staged;
	uint32_t to_end = ring->size - ((ring->mine + ring->staged) & (ring->size - 1));
	uint32_t pad = REPLY_TAKES_MAX > to_end ? to_end : 0;
	return (used == 0 || after <= ring->size / 2) && after + pad + REPLY_TAKES_MAX <= ring->size ? room : NULL;
}

bool lane_end_output(struct lane_end *end, int stream, uint64_t offset, const char *data, size_t length)
{
	uint64_t current = atomic_load_explicit(&end->current, memory_order_relaxed);
	assert(current != 0 && length > 0 && length <= LANE_INLINE_LIMIT && (stream == 0 || stream == 1));
	const struct reply_record record = {
		.payload_length = length,
		.started_ns = end->started_ns,
		.ended_ns = end->started_ns,
		.offset = offset,
		.word = LANE_OUTPUT,
		.seq = (uint32_t)(current - 1),
		.code = stream,
	};
	char *room = output_reserve(&end->completions, (uint32_t)(sizeof record + length));
	if (!room)
		return false;
	memcpy(room, &record, sizeof record);
	memcpy(room + sizeof record, data, length);
	ring_publish(&end->completions);
	return master_ring(end) == LANE_OK;
}

bool lane_end_interrupted(const struct lane_end *end)
{
	uint64_t current = atomic_load_explicit(&end->current, memory_order_relaxed);
	return current && atomic_load_explicit(&end->memory.shared->interrupt, memory_order_relaxed) == current;
}

/* A request's room is given back when it has been answered. The head first: between the two, the master may add one. */
bool lane_end_is_idle(const struct lane_end *end)
{
	struct ring_shared *requests = &end->memory.shared->requests;
	uint32_t head = atomic_load(&requests->head);
	return head == atomic_load(&requests->tail);
}
