/* What a command says while it runs: it comes out whole and in order, never waits, and never takes a reply's room. */
#include "lane_fixture.h"

#include <pthread.h>
#include <sched.h>

static struct both b;

static void setup(void)
{
	b = both_make(LANE_RING_MIN);
}

static void teardown(void)
{
	both_free(&b);
}

static void begin(const char *args)
{
	struct lane_request request;
	send_ok(b.lane, args);
	ck_assert_int_eq(lane_end_take(b.end, &request), LANE_OK);
}

START_TEST(output_arrives_with_its_stream_and_place)
{
	struct lane_reply reply;
	begin("1");
	ck_assert(lane_end_output(b.end, 1, UINT64_C(5) << 40, "a\0b", 3));
	ck_assert(lane_end_output(b.end, 0, 0, "x", 1));
	ck_assert_int_eq(lane_receive(b.lane, &reply), LANE_OK);
	ck_assert_int_eq(reply.word, LANE_OUTPUT);
	ck_assert_int_eq(reply.code, 1);
	ck_assert_uint_eq(reply.offset, UINT64_C(5) << 40);
	ck_assert_uint_eq(reply.task_id, 7);
	ck_assert_uint_eq(reply.payload->size, 3);
	ck_assert_int_eq(memcmp(reply.payload->data, "a\0b", 3), 0);
	bytes_unref(reply.payload);
	ck_assert_int_eq(lane_receive(b.lane, &reply), LANE_OK);
	ck_assert_int_eq(reply.code, 0);
	ck_assert_uint_eq(reply.offset, 0);
	bytes_unref(reply.payload);
	ck_assert_int_eq(lane_receive(b.lane, &reply), LANE_NONE);
}
END_TEST

START_TEST(task_goes_on_after_output)
{
	struct lane_reply reply;
	begin("1");
	ck_assert(lane_end_output(b.end, 0, 0, "x", 1));
	ck_assert_int_eq(lane_receive(b.lane, &reply), LANE_OK);
	bytes_unref(reply.payload);
	ck_assert(!lane_revoke(b.lane, reply.seq));
	ck_assert_int_eq(say(b.end, LANE_SUCCEEDED, "2", 1), LANE_OK);
	hear_one(b.lane, reply.seq, "2");
}
END_TEST

START_TEST(progress_has_no_offset_nor_output_a_progress)
{
	struct lane_reply reply;
	const struct lane_reply progress = { .word = LANE_PROGRESS, .progress = 0.5 };
	begin("1");
	ck_assert_int_eq(lane_end_reply(b.end, &progress, NULL, 0), LANE_OK);
	ck_assert_int_eq(lane_receive(b.lane, &reply), LANE_OK);
	ck_assert_double_eq(reply.progress, 0.5);
	ck_assert_uint_eq(reply.offset, 0);
	ck_assert(lane_end_output(b.end, 0, 99, "x", 1));
	ck_assert_int_eq(lane_receive(b.lane, &reply), LANE_OK);
	ck_assert_double_eq(reply.progress, 0);
	ck_assert_uint_eq(reply.offset, 99);
	bytes_unref(reply.payload);
}
END_TEST

START_TEST(output_wakes_a_master_that_sleeps)
{
	begin("1");
	ck_assert(lane_sleep(b.lane, false));
	ck_assert(lane_end_output(b.end, 0, 0, "x", 1));
	ck_assert(rung(b.doorbell));
	ck_assert(lane_end_output(b.end, 0, 1, "x", 1));
	ck_assert(!rung(b.doorbell));
}
END_TEST

/* At every place of the ring's end, with pieces of every size: what is left is room for the largest reply, at once. */
START_TEST(largest_reply_has_room_however_much_was_said)
{
	char *text = calloc(1, LANE_INLINE_LIMIT);
	struct lane_shared *shared = lane_memory_of(b.lane)->shared;
	unsigned seed = 1;
	for (int round = 0; round < 2000; round++) {
		struct lane_reply reply = { .word = LANE_SUCCEEDED };
		size_t said = 0, size = _i ? (size_t)rand_r(&seed) % 3000 + 1 : LANE_INLINE_LIMIT;
		begin("1");
		while (lane_end_output(b.end, 0, said, text, size))
			said += size;
		ck_assert_uint_gt(said, 0); /* an empty ring has room for any */
		uint32_t used = atomic_load(&shared->completions.tail) - atomic_load(&shared->completions.head);
		ck_assert(said == size || used <= LANE_RING_MIN / 2);
		/* This would wait for ever: nobody listens. */
		memset(reply.message, 'm', sizeof reply.message - 1);
		ck_assert_int_eq(lane_end_reply(b.end, &reply, text, LANE_INLINE_LIMIT - (size_t)round % 9), LANE_OK);
		while (hear(b.lane) == LANE_OK)
			;
	}
	free(text);
}
END_TEST

START_TEST(what_found_no_room_was_not_said)
{
	char *text = calloc(1, LANE_INLINE_LIMIT);
	struct lane_reply reply;
	begin("1");
	uint64_t said = 0, heard = 0;
	while (lane_end_output(b.end, 0, said, text, 5000))
		said += 5000;
	for (int i = 0; i < 100; i++)
		ck_assert(!lane_end_output(b.end, 0, said, text, 5000));
	/* What is smaller still finds its place, and nothing is out of order. */
	ck_assert(lane_end_output(b.end, 1, 0, text, 8));
	while (lane_receive(b.lane, &reply) == LANE_OK) {
		if (reply.code == 0) {
			ck_assert_uint_eq(reply.offset, heard);
			heard += reply.payload->size;
		}
		bytes_unref(reply.payload);
	}
	ck_assert_uint_eq(heard, said);
	ck_assert(lane_end_output(b.end, 0, said, text, 5000));
	free(text);
}
END_TEST

START_TEST(output_to_a_ring_that_makes_no_sense_is_not_said)
{
	begin("1");
	atomic_fetch_add(&lane_memory_of(b.lane)->shared->completions.head, 8);
	ck_assert(!lane_end_output(b.end, 0, 0, "x", 1));
}
END_TEST

/* --- both at once --- */

#define SAYS 20000u

static char byte_at(uint64_t offset)
{
	return (char)('a' + offset % 23);
}

static void *say_all(void *end)
{
	struct lane_request request;
	char text[700];
	unsigned seed = 9;
	uint64_t said = 0;
	if (lane_end_take(end, &request) != LANE_OK)
		abort();
	for (unsigned i = 0; i < SAYS; i++) {
		size_t size = (size_t)rand_r(&seed) % sizeof text + 1;
		for (size_t k = 0; k < size; k++)
			text[k] = byte_at(said + k);
		while (!lane_end_output(end, (int)(i % 2), said, text, size))
			sched_yield();
		said += size;
	}
	if (say(end, LANE_SUCCEEDED, "over", 4) != LANE_OK)
		abort();
	return NULL;
}

START_TEST(two_threads_lose_and_mix_nothing)
{
	pthread_t slot;
	uint64_t heard = 0;
	uint32_t seq = send_ok(b.lane, "1");
	pthread_create(&slot, NULL, say_all, b.end);
	for (;;) {
		struct lane_reply reply;
		int status = lane_receive(b.lane, &reply);
		if (status == LANE_NONE) {
			ck_assert(master_waits(b.lane, b.doorbell));
			continue;
		}
		ck_assert_int_eq(status, LANE_OK);
		ck_assert_uint_eq(reply.seq, seq);
		if (reply.word == LANE_SUCCEEDED) {
			ck_assert_int_eq(memcmp(reply.payload->data, "over", 4), 0);
			bytes_unref(reply.payload);
			break;
		}
		ck_assert_uint_eq(reply.offset, heard);
		for (size_t k = 0; k < reply.payload->size; k++)
			if (reply.payload->data[k] != byte_at(heard + k))
				ck_abort_msg("byte %zu is wrong", (size_t)heard + k);
		heard += reply.payload->size;
		bytes_unref(reply.payload);
	}
	pthread_join(slot, NULL);
	ck_assert_int_eq(hear(b.lane), LANE_NONE);
}
END_TEST

/* --- lies --- */

static const struct {
	const char *what;
	int32_t code;
	uint32_t message_length, large, length; /* of the record; 0: as it ought to be */
	uint64_t offset, payload_length;
	int status;
} lies[] = {
	{ "the truth", .payload_length = 5, .status = LANE_OK },
	{ "the last place", .payload_length = 5, .offset = INT64_MAX - 5, .status = LANE_OK },
	{ "the place behind it", .payload_length = 5, .offset = INT64_MAX - 4, .status = LANE_BROKEN },
	{ "a place of everything", .payload_length = 5, .offset = UINT64_MAX, .status = LANE_BROKEN },
	{ "a third stream", .code = 2, .payload_length = 5, .status = LANE_BROKEN },
	{ "a stream below", .code = -1, .payload_length = 5, .status = LANE_BROKEN },
	{ "nothing", .payload_length = 0, .status = LANE_BROKEN },
	{ "a message", .payload_length = 5, .message_length = 1, .length = 200, .status = LANE_BROKEN },
	{ "more than there is", .payload_length = 6, .length = sizeof(struct reply_record) + 5, .status = LANE_BROKEN },
	{ "more than may be", .payload_length = LANE_INLINE_LIMIT + 1, .length = 20000, .status = LANE_BROKEN },
	{ "everything", .payload_length = UINT64_MAX, .length = 200, .status = LANE_BROKEN },
	{ "a memfd", .payload_length = LANE_INLINE_LIMIT + 1, .large = 1, .length = 200, .status = LANE_BROKEN },
};

START_TEST(lie_breaks_the_lane)
{
	const struct lane_memory *memory = lane_memory_of(b.lane);
	uint32_t seq = send_ok(b.lane, "1");
	const struct reply_record record = { .word = LANE_OUTPUT, .seq = seq, .code = lies[_i].code, .large = lies[_i].large,
		.message_length = lies[_i].message_length, .offset = lies[_i].offset, .payload_length = lies[_i].payload_length };
	uint32_t length = lies[_i].length ? lies[_i].length : (uint32_t)(sizeof record + lies[_i].payload_length);
	struct payload large = { .size = lies[_i].large ? LANE_INLINE_LIMIT + 1 : 0 };
	if (large.size) {
		large.data = calloc(1, large.size);
		ck_assert_int_eq(payload_send(lane_socket_fd(b.lane), seq, &large, PAYLOAD_OF_SLOT), LANE_OK);
		free((void *)(uintptr_t)large.data);
	}
	struct ring ring;
	void *room;
	ring_init(&ring, &memory->shared->completions, memory->completion_data, memory->completion_ring);
	ck_assert_int_eq(ring_reserve(&ring, length, 0, &room, NULL), RING_OK);
	memset(room, 'x', length);
	memcpy(room, &record, sizeof record);
	ring_publish(&ring);
	int status = hear(b.lane);
	ck_assert_msg(status == lies[_i].status, "%s: %d", lies[_i].what, status);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lane, output");
	TCase *tcase = tcase_create("output");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, output_arrives_with_its_stream_and_place);
	tcase_add_test(tcase, task_goes_on_after_output);
	tcase_add_test(tcase, progress_has_no_offset_nor_output_a_progress);
	tcase_add_test(tcase, output_wakes_a_master_that_sleeps);
	tcase_add_loop_test(tcase, largest_reply_has_room_however_much_was_said, 0, 2);
	tcase_add_test(tcase, what_found_no_room_was_not_said);
	tcase_add_test(tcase, output_to_a_ring_that_makes_no_sense_is_not_said);
	tcase_add_test(tcase, two_threads_lose_and_mix_nothing);
	tcase_add_loop_test(tcase, lie_breaks_the_lane, 0, (int)(sizeof lies / sizeof *lies));
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
