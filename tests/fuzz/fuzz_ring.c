/* The byte ring and the stream over it, in memory whose every end a sanitizer sees. The input is a program: what the honest
 * other side does, what a hostile one scribbles over indices and records, and what this side does then. */
#include "fuzz.h"
#include "lane/ring.h"
#include "lane/stream.h"

const char fuzz_name[] = "ring";
const unsigned fuzz_runs = 60000;

#define SIZE 4096u

struct side {
	struct ring_shared shared;
	uint8_t *data;
};
struct world {
	struct side in, out;
	struct ring producer;       /* of `in`: the honest other side */
	struct ring consumer;       /* of `in` */
	struct stream_inlet stream; /* … or this */
	struct ring own;            /* of `out` */
	bool broken, own_broken;
};

static void side_init(struct side *side)
{
	ring_shared_init(&side->shared);
	side->data = calloc(1, SIZE);
	FUZZ_CHECK(side->data);
}

static void check_within(const struct side *side, const void *record, uint32_t length)
{
	const uint8_t *at = record;
	FUZZ_CHECK(at >= side->data + RING_HEADER && at <= side->data + SIZE &&
		length <= (size_t)(side->data + SIZE - at));
	FUZZ_CHECK(length <= ring_record_limit(SIZE) && (uintptr_t)(at - side->data) % 8 == 0);
}

static void other_says(struct world *world, uint32_t number)
{
	void *room;
	uint32_t length = number % (ring_record_limit(SIZE) + 2);
	if (ring_reserve(&world->producer, length, 0, &room, NULL) != RING_OK)
		return;
	memset(room, (int)number, length);
	ring_publish(&world->producer);
}

static void scribble(struct side *side, uint32_t number, bool index)
{
	uint32_t value = number >> 12;
	if (!index) {
		/* Mostly lengths and marks. */
		memcpy(side->data + (number % SIZE & ~3u), &value, sizeof value);
		return;
	}
	_Atomic uint32_t *at = number & 1 ? &side->shared.tail : &side->shared.head;
	atomic_fetch_add(at, number & 2 ? value : (value & 0x3ff) * 8);
}

static void hear(struct world *world, uint32_t number)
{
	void *record;
	uint32_t length;
	if (world->broken)
		return;
	int status = ring_peek(&world->consumer, &record, &length);
	world->broken = status == RING_BROKEN;
	FUZZ_CHECK(world->consumer.theirs - world->consumer.mine <= SIZE);
	if (status != RING_OK)
		return;
	check_within(&world->in, record, length);
	fuzz_touch(record, length);
	if (number & 1)
		ring_release(&world->consumer);
}

static void read_stream(struct world *world, uint32_t number)
{
	bool released;
	size_t size = number % (2 * SIZE);
	char *room = malloc(size ? size : 1);
	if (!world->broken) {
		int64_t n = stream_read(&world->stream, room, size, &released);
		FUZZ_CHECK(n == RING_BROKEN || (n >= 0 && n <= (int64_t)size));
		world->broken = n == RING_BROKEN;
		stream_is_readable(&world->stream);
	}
	free(room);
}

static void say(struct world *world, uint32_t number)
{
	void *room;
	uint32_t position, length = number % (ring_record_limit(SIZE) + 2), keep = number >> 16 & (SIZE - 1);
	if (world->own_broken)
		return;
	int status = ring_reserve(&world->own, length, keep, &room, &position);
	world->own_broken = status == RING_BROKEN;
	FUZZ_CHECK(world->own.mine - world->own.theirs <= SIZE);
	FUZZ_CHECK(status == RING_TOO_LARGE || length <= ring_record_limit(SIZE));
	if (status != RING_OK)
		return;
	check_within(&world->out, room, length);
	FUZZ_CHECK((uint8_t *)room == world->out.data + position);
	memset(room, 'x', length);
	ring_publish(&world->own);
}

static void write_stream(struct world *world, uint32_t number)
{
	size_t length = number % (2 * SIZE);
	char *text = calloc(1, length + 1);
	if (!world->own_broken) {
		int64_t n = stream_write(&world->own, text, length);
		FUZZ_CHECK(n == RING_BROKEN || (n >= 0 && n <= (int64_t)length));
		world->own_broken = n == RING_BROKEN;
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	static struct world world;
	bool is_stream = fuzz_byte(&input) & 1;
	world = (struct world){ 0 };
	side_init(&world.in);
	side_init(&world.out);
	ring_init(&world.producer, &world.in.shared, world.in.data, SIZE);
	ring_init(&world.consumer, &world.in.shared, world.in.data, SIZE);
	stream_inlet_init(&world.stream, &world.in.shared, world.in.data, SIZE);
	ring_init(&world.own, &world.out.shared, world.out.data, SIZE);
	for (int steps = 0; input.left && steps < 400; steps++) {
		uint8_t what = fuzz_byte(&input) % 8;
		uint32_t number = (uint32_t)fuzz_number(&input, 4);
		if (what < 2)
			other_says(&world, number);
		else if (what == 2)
			scribble(&world.in, number, true);
		else if (what == 3)
			scribble(&world.in, number, false);
		else if (what == 4)
			scribble(&world.out, number, true);
		else if (what < 7 && is_stream)
			read_stream(&world, number);
		else if (what < 7)
			hear(&world, number);
		else if (is_stream)
			write_stream(&world, number);
		else
			say(&world, number);
	}
	free(world.in.data);
	free(world.out.data);
	return 0;
}
