/* A channel as its master sees it, while the child writes, lies and scribbles: nothing is read but what there is room for,
 * what the child has said honestly arrives as it was, and a channel that is broken stays so until it is renewed. */
#include "fuzz.h"
#include "lane/channel.h"
#include "lane/channel_memory.h"
#include "lane/stream.h"
#include "scribble.h"

const char fuzz_name[] = "channel";
const unsigned fuzz_runs = 2000;

#define RING LANE_RING_MIN

struct world {
	struct channel *channel;
	const struct lane_memory *memory;
	struct ring honest; /* the child's, of what it says */
	uint64_t said, heard;
	bool lied, broken;
};

static uint8_t byte_at(uint64_t place)
{
	return (uint8_t)(place * 31 + (place >> 8));
}

static void child_says(struct world *world, struct fuzz_input *input)
{
	static uint8_t text[RING];
	size_t length = (size_t)fuzz_number(input, 2);
	for (size_t i = 0; i < length; i++)
		text[i] = byte_at(world->said + i);
	int64_t n = stream_write(&world->honest, text, length);
	FUZZ_CHECK(n <= (int64_t)length);
	if (n > 0)
		world->said += (uint64_t)n;
}

static void child_reads(struct world *world)
{
	atomic_store(&world->memory->shared->requests.head, atomic_load(&world->memory->shared->requests.tail));
}

static void master_reads(struct world *world, struct fuzz_input *input)
{
	size_t size = (size_t)fuzz_number(input, 2), wrong = 0;
	uint8_t *room = malloc(size ? size : 1);
	int64_t n = channel_read(world->channel, room, size);
	FUZZ_CHECK(n == LANE_BROKEN || (n >= 0 && n <= (int64_t)size));
	FUZZ_CHECK(!world->broken || n == LANE_BROKEN);
	FUZZ_CHECK(world->lied || n >= 0);
	world->broken |= n < 0;
	for (int64_t i = 0; i < n; i++)
		wrong += room[i] != byte_at(world->heard + (uint64_t)i);
	FUZZ_CHECK(world->lied || (wrong == 0 && world->heard + (uint64_t)n <= world->said));
	world->heard += n > 0 ? (uint64_t)n : 0;
	free(room);
}

static void master_writes(struct world *world, struct fuzz_input *input)
{
	static const uint8_t text[2 * RING];
	size_t length = (size_t)fuzz_number(input, 3) % sizeof text;
	int64_t n = channel_write(world->channel, text, length);
	FUZZ_CHECK(n == LANE_BROKEN || (n >= 0 && n <= (int64_t)length));
	FUZZ_CHECK(!world->broken || n == LANE_BROKEN);
	FUZZ_CHECK(world->lied || n >= 0);
	world->broken |= n < 0;
	channel_kick(world->channel);
}

static void lie(struct world *world, struct fuzz_input *input)
{
	const struct lane_memory *memory = world->memory;
	bool header = fuzz_byte(input) & 1;
	uint8_t *base = header ? memory->base : memory->completion_data;
	size_t head = header ? sizeof(struct lane_shared) : 1024;
	world->lied = true;
	fuzz_scribble(input, base, head, header ? head : memory->completion_ring);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	static struct channel *channel;
	if (!channel)
		channel = channel_new(RING, RING);
	else
		FUZZ_CHECK(channel_renew(channel) == 0);
	struct world world = { .channel = channel, .memory = channel_memory_of(channel) };
	const struct lane_memory *memory = world.memory;
	void *guard = fuzz_guard(memory->base, memory->size);
	ring_init(&world.honest, &memory->shared->completions, memory->completion_data, memory->completion_ring);
	for (int steps = 0; input.left && steps < 200; steps++) {
		uint8_t what = fuzz_byte(&input) % 8;
		if (what < 2)
			child_says(&world, &input);
		else if (what == 2)
			child_reads(&world);
		else if (what < 5)
			master_reads(&world, &input);
		else if (what == 5)
			master_writes(&world, &input);
		else if (what == 6)
			lie(&world, &input);
		else if (channel_sleep(channel))
			channel_wake(channel);
	}
	fuzz_unguard(guard);
	return 0;
}
