/* A lane as its master sees it, while a worker answers, lies and scribbles. The input is a program of what both do. Whatever
 * that is: answers are to what was asked, in order and once; their sizes are within the limits; no descriptor is left
 * open; and a lane that is broken stays so. */
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "fuzz.h"
#include "lane/lane.h"
#include "lane/payload.h"
#include "lane/records.h"
#include "scribble.h"

const char fuzz_name[] = "lane";
const unsigned fuzz_runs = 3000;

#define PAYLOAD_LIMIT (LANE_INLINE_LIMIT + 128)
#define SENT_MOST 512
#define SAID_MOST 256

struct world {
	struct lane *lane;
	const struct lane_memory *memory;
	struct ring honest; /* the worker's, of its answers */
	uint32_t first, sent, heard;
	bool over[SENT_MOST]; /* answered or revoked */
	bool broken;
	bool scribbled;
	uint32_t lengths[SAID_MOST]; /* of the records that the worker has written */
	uint32_t said, received;
};

/* --- the worker --- */

/* An answer as the input has it: mostly right, since what is wrong ends everything. */
static struct reply_record record_of(const struct world *world, struct fuzz_input *input, uint8_t how)
{
	struct reply_record record = { .word = LANE_SUCCEEDED + (how & 3), .seq = world->first + world->heard };
	record.message_length = record.word == LANE_OUTPUT ? 0 : fuzz_byte(input);
	record.payload_length = fuzz_number(input, 2);
	if (how & 4)
		record.seq += fuzz_byte(input);
	if (how & 8)
		record.payload_length = fuzz_number(input, 8);
	if (how & 16)
		record.message_length = (uint32_t)fuzz_number(input, 4);
	if (how & 32)
		record.large = fuzz_byte(input);
	if (how & 64)
		record.word = (uint32_t)fuzz_number(input, 4);
	return record;
}

static void worker_says(struct world *world, struct fuzz_input *input)
{
	uint8_t how = fuzz_byte(input);
	struct reply_record record = record_of(world, input, how);
	uint32_t length = (uint32_t)sizeof record;
	if (record.message_length <= 1024)
		length += record.message_length;
	if (!record.large && record.payload_length <= LANE_INLINE_LIMIT)
		length += (uint32_t)record.payload_length;
	if (how & 128)
		length = (uint32_t)fuzz_number(input, 2);
	void *room;
	if (world->said == SAID_MOST || ring_reserve(&world->honest, length, 0, &room, NULL) != RING_OK)
		return;
	memcpy(room, &record, length < sizeof record ? length : sizeof record);
	if (length > sizeof record)
		memset((char *)room + sizeof record, 'm', length - sizeof record);
	ring_publish(&world->honest);
	world->lengths[world->said++] = length;
}

/* A large payload, or something that is none. */
static void worker_sends(struct world *world, struct fuzz_input *input)
{
	static const char text[LANE_INLINE_LIMIT * 2] = "[";
	uint8_t how = fuzz_byte(input);
	struct {
		uint32_t seq, n_fds;
		uint64_t size;
	} header = { .seq = world->first + world->heard, .size = LANE_INLINE_LIMIT + 1 + fuzz_byte(input) };
	int socket = lane_socket_fd(world->lane);
	if (how & 1) {
		int fd = lane_memory_fd(world->lane);
		const struct payload payload = {
			.data = text, .size = (size_t)header.size, .n_fds = how >> 2 & 3, .fds = { fd, fd, fd }
		};
		int status = payload_send(socket, header.seq, &payload, how & 2 ? PAYLOAD_OF_MASTER : PAYLOAD_OF_SLOT);
		FUZZ_CHECK(status <= LANE_OK);
		return;
	}
	header.n_fds = how & 4 ? fuzz_byte(input) : 0;
	header.seq += how & 8 ? fuzz_byte(input) : 0;
	FUZZ_CHECK(send(socket, &header, how & 16 ? fuzz_byte(input) % sizeof header : sizeof header,
			   MSG_DONTWAIT | MSG_NOSIGNAL) >= -1);
}

/* As if it had taken what was sent, and was done with it. */
static void worker_takes(struct world *world)
{
	atomic_store(&world->memory->shared->requests.head, atomic_load(&world->memory->shared->requests.tail));
}

/* --- the master --- */

static void master_sends(struct world *world, struct fuzz_input *input)
{
	static const char args[LANE_INLINE_LIMIT * 2] = "[";
	uint8_t how = fuzz_byte(input);
	uint32_t seq;
	int files[LANE_FDS_LIMIT] = { lane_memory_fd(world->lane), lane_memory_fd(world->lane),
		lane_memory_fd(world->lane) };
	struct lane_request request = { .task_id = world->sent + 1,
		.attempt = 1,
		.name = "task",
		.name_length = how & 3,
		.args = args,
		.args_length = fuzz_number(input, 2) % (how & 4 ? sizeof args : 64) };
	if (how & 8) {
		memcpy(request.fds, files, sizeof files);
		request.n_fds = how >> 4 & 3;
		request.fds_are_files = how & 64;
	}
	if (world->sent == SENT_MOST)
		return;
	int status = lane_send(world->lane, &request, &seq);
	world->broken |= status == LANE_BROKEN;
	if (status != LANE_OK)
		return;
	if (world->sent == 0)
		world->first = seq;
	FUZZ_CHECK(!world->broken && seq == world->first + world->sent);
	world->sent++;
	lane_kick(world->lane);
}

static void skip_over(struct world *world)
{
	while (world->heard < world->sent && world->over[world->heard])
		world->heard++;
}

static void master_hears(struct world *world)
{
	struct lane_reply reply;
	bool was_broken = world->broken;
	int status = lane_receive(world->lane, &reply);
	FUZZ_CHECK(status == LANE_OK || status == LANE_NONE || status == LANE_BROKEN);
	FUZZ_CHECK(!was_broken || status == LANE_BROKEN);
	world->broken |= status == LANE_BROKEN;
	if (status != LANE_OK)
		return;
	FUZZ_CHECK(world->heard < world->sent && reply.seq == world->first + world->heard);
	FUZZ_CHECK(reply.task_id == world->heard + 1 && memchr(reply.message, '\0', sizeof reply.message));
	/* Nothing is read but what is the record's. */
	size_t inside = reply.payload && reply.payload->size <= LANE_INLINE_LIMIT ? reply.payload->size : 0;
	inside += sizeof(struct reply_record) + strlen(reply.message);
	FUZZ_CHECK(world->scribbled || inside <= world->lengths[world->received++]);
	if (reply.payload) {
		FUZZ_CHECK(reply.payload->size > 0 && reply.payload->size <= PAYLOAD_LIMIT);
		fuzz_touch(reply.payload->data, reply.payload->size);
	}
	if (reply.word == LANE_OUTPUT) {
		FUZZ_CHECK((reply.code == 0 || reply.code == 1) && reply.offset < UINT64_C(1) << 63);
		FUZZ_CHECK(reply.payload && reply.payload->size <= LANE_INLINE_LIMIT);
	} else if (reply.word != LANE_PROGRESS) {
		FUZZ_CHECK(reply.word == LANE_SUCCEEDED || reply.word == LANE_FAILED);
		world->over[world->heard] = true;
		skip_over(world);
	}
	bytes_unref(reply.payload);
}

static void master_asks(struct world *world, struct fuzz_input *input)
{
	uint8_t how = fuzz_byte(input);
	uint32_t n = fuzz_byte(input), seq = world->first + n;
	int64_t started_ns;
	switch (how % 6) {
	case 0:
		if (lane_revoke(world->lane, seq)) {
			FUZZ_CHECK(n < world->sent && !world->over[n]);
			world->over[n] = true;
			skip_over(world);
		}
		break;
	case 1:
		started_ns = lane_started(world->lane, seq, 10, 20);
		FUZZ_CHECK(started_ns == 0 || (started_ns >= 10 && started_ns <= 20));
		break;
	case 2:
		lane_interrupt(world->lane, seq);
		break;
	case 3:
		if (lane_sleep(world->lane, how & 8))
			lane_wake(world->lane);
		break;
	case 4:
		FUZZ_CHECK(!world->broken || !lane_has_reply(world->lane));
		break;
	case 5:
		lane_stop(world->lane);
		break;
	}
}

static int open_descriptors(void)
{
	int n = 0;
	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Now and then: what a worker has sent and nobody wants is closed by others, and that is waited for. */
static void check_descriptors(void)
{
	static int before, runs;
	if (runs++ == 0)
		before = open_descriptors() + 1; /* what is unread there, or not */
	if (runs % 64)
		return;
	for (int ms = 0; ms < 20000 && open_descriptors() > before; ms++)
		poll(NULL, 0, 1);
	FUZZ_CHECK(open_descriptors() <= before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct lane_options options = {
		.request_ring = LANE_RING_MIN, .completion_ring = LANE_RING_MIN, .payload_limit = PAYLOAD_LIMIT
	};
	struct fuzz_input input = { data, size };
	static struct world world;
	check_descriptors();
	world = (struct world){ .lane = lane_new(&options) };
	FUZZ_CHECK(world.lane);
	world.memory = lane_memory_of(world.lane);
	const struct lane_memory *memory = world.memory;
	void *guard = fuzz_guard(memory->base, memory->size);
	memset(memory->completion_data, 'x', memory->completion_ring); /* what is behind a record is not nothing */
	ring_init(&world.honest, &memory->shared->completions, memory->completion_data, memory->completion_ring);
	for (int steps = 0; input.left && steps < 200; steps++) {
		switch (fuzz_byte(&input) % 10) {
		case 0:
		case 1:
			master_sends(&world, &input);
			break;
		case 2:
		case 3:
			master_hears(&world);
			break;
		case 4:
			master_asks(&world, &input);
			break;
		case 5:
		case 6:
			worker_says(&world, &input);
			break;
		case 7:
			worker_sends(&world, &input);
			break;
		case 8:
			worker_takes(&world);
			break;
		case 9: {
			/* Pages 1 and 3 are the master's own, and read-only: what a worker writes there is elsewhere. */
			world.scribbled = true;
			bool header = fuzz_byte(&input) & 1;
			uint8_t *base = header ? memory->base : memory->request_data;
			size_t head = header ? sizeof(struct lane_shared) : 1024;
			fuzz_scribble(
				&input, base, head, header ? head : memory->request_ring + memory->completion_ring);
			break;
		}
		}
	}
	fuzz_unguard(guard);
	lane_free(world.lane);
	return 0;
}
