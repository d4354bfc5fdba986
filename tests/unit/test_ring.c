/* The byte ring: order and contents across wraps, what it refuses, what a lying or dead peer can do to it. */
#include "lane/ring.h"

#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define SIZE 4096u

static struct ring_shared shared;
static _Alignas(8) uint8_t data[SIZE];
static struct ring producer, consumer;

static void fresh(void)
{
	ring_shared_init(&shared);
	memset(data, 0xa5, sizeof data);
	ring_init(&producer, &shared, data, SIZE);
	ring_init(&consumer, &shared, data, SIZE);
}

static int put(uint32_t length, uint8_t fill)
{
	void *room;
	int status = ring_reserve(&producer, length, 0, &room, NULL);
	if (status == RING_OK) {
		memset(room, fill, length);
		ring_publish(&producer);
	}
	return status;
}

static void expect(uint32_t length, uint8_t fill)
{
	void *record;
	uint32_t got;
	ck_assert_int_eq(ring_peek(&consumer, &record, &got), RING_OK);
	ck_assert_uint_eq(got, length);
	ck_assert_uint_eq((uintptr_t)record % 8, 0);
	for (uint32_t i = 0; i < got; i++)
		if (((uint8_t *)record)[i] != fill)
			ck_abort_msg("byte %u is %u, not %u", i, ((uint8_t *)record)[i], fill);
	ring_release(&consumer);
}

static int peek(void)
{
	void *record;
	uint32_t length;
	return ring_peek(&consumer, &record, &length);
}

START_TEST(new_ring_is_empty)
{
	ck_assert_int_eq(peek(), RING_EMPTY);
}
END_TEST

START_TEST(records_come_out_in_order_with_their_contents)
{
	ck_assert_int_eq(put(1, 1), RING_OK);
	ck_assert_int_eq(put(0, 0), RING_OK);
	ck_assert_int_eq(put(77, 3), RING_OK);
	expect(1, 1);
	expect(0, 0);
	expect(77, 3);
	ck_assert_int_eq(peek(), RING_EMPTY);
}
END_TEST

START_TEST(peeked_record_stays_until_released)
{
	ck_assert_int_eq(put(8, 1), RING_OK);
	ck_assert_int_eq(put(8, 2), RING_OK);
	ck_assert_int_eq(peek(), RING_OK);
	ck_assert_int_eq(peek(), RING_OK);
	expect(8, 1);
	expect(8, 2);
}
END_TEST

/* Every pair of lengths at every place of the ring: pads of each size, also of a header alone. */
START_TEST(every_length_survives_every_place_of_the_wrap)
{
	for (uint32_t length = 0; length <= 256; length += 3) {
		fresh();
		for (uint32_t i = 0; i < 3 * SIZE / (length + 8); i++) {
			ck_assert_int_eq(put(length, (uint8_t)i), RING_OK);
			if (i % 3 == 0)
				continue;
			expect(length, (uint8_t)(i % 3 == 1 ? i - 1 : i));
			if (i % 3 == 2)
				continue;
			expect(length, (uint8_t)i);
		}
	}
}
END_TEST

START_TEST(counters_wrap_with_records_inside)
{
	uint32_t rounds = 0;
	while (rounds < 400) {
		ck_assert_int_eq(put(1000, (uint8_t)rounds), RING_OK);
		ck_assert_int_eq(put(500, (uint8_t)(rounds + 1)), RING_OK);
		expect(1000, (uint8_t)rounds);
		expect(500, (uint8_t)(rounds + 1));
		rounds++;
	}
	ck_assert_uint_lt(producer.mine, RING_FIRST);
}
END_TEST

START_TEST(full_ring_refuses_and_takes_again_after_release)
{
	int n = 0;
	while (put(56, (uint8_t)n) == RING_OK)
		n++;
	ck_assert_int_eq(n, SIZE / 64);
	ck_assert_int_eq(put(0, 0), RING_FULL);
	expect(56, 0);
	ck_assert_int_eq(put(56, (uint8_t)n), RING_OK);
	ck_assert_int_eq(put(0, 0), RING_FULL);
	for (int i = 1; i <= n; i++)
		expect(56, (uint8_t)i);
	ck_assert_int_eq(peek(), RING_EMPTY);
}
END_TEST

START_TEST(largest_record_fits_wherever_the_empty_ring_stands)
{
	uint32_t limit = ring_record_limit(SIZE);
	for (uint32_t before = 0; before < 600; before++) {
		ck_assert_int_eq(put(limit, 7), RING_OK);
		expect(limit, 7);
		ck_assert_int_eq(put(before % 64, 1), RING_OK);
		expect(before % 64, 1);
	}
}
END_TEST

START_TEST(too_large_is_told_apart_from_full)
{
	ck_assert_int_eq(put(ring_record_limit(SIZE) + 1, 0), RING_TOO_LARGE);
	ck_assert_int_eq(put(UINT32_MAX, 0), RING_TOO_LARGE);
	ck_assert_int_eq(peek(), RING_EMPTY);
}
END_TEST

START_TEST(kept_bytes_are_not_written_over)
{
	void *room;
	uint32_t position, first;
	ck_assert_int_eq(ring_reserve(&producer, 1016, 0, &room, &first), RING_OK);
	ring_publish(&producer);
	expect(1016, 0xa5);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(put(1016, 1), RING_OK);
		expect(1016, 1);
	}
	/* The consumer has passed all of it. */
	ck_assert_int_eq(ring_reserve(&producer, 0, SIZE, &room, NULL), RING_FULL);
	ck_assert_int_eq(ring_reserve(&producer, 1024, SIZE - 1024, &room, NULL), RING_FULL);
	ck_assert_int_eq(ring_reserve(&producer, 1016, SIZE - 1024, &room, &position), RING_OK);
	ck_assert_uint_eq(position, first);
}
END_TEST

/* --- a dead peer: it stops after any step, and what it did not finish is not there --- */

START_TEST(what_was_reserved_and_never_published_is_not_there)
{
	void *room;
	ck_assert_int_eq(put(8, 1), RING_OK);
	ck_assert_int_eq(ring_reserve(&producer, 100, 0, &room, NULL), RING_OK);
	expect(8, 1);
	ck_assert_int_eq(peek(), RING_EMPTY);
	memset(room, 9, 100); /* copied, and died then */
	ck_assert_int_eq(peek(), RING_EMPTY);
	memset(room, 9, 50);
	ck_assert_int_eq(put(24, 2), RING_OK); /* reserved again: as if nothing had been */
	expect(24, 2);
	ck_assert_int_eq(peek(), RING_EMPTY);
}
END_TEST

START_TEST(pad_without_its_record_is_not_there)
{
	void *room;
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(put(1016, 1), RING_OK);
		expect(1016, 1);
	}
	ck_assert_int_eq(ring_reserve(&producer, 1500, 0, &room, NULL), RING_OK);
	ck_assert_uint_eq(producer.staged, 1024 + 1504 + RING_HEADER);
	ck_assert_int_eq(peek(), RING_EMPTY);
}
END_TEST

START_TEST(consumer_that_never_releases_costs_room_and_nothing_else)
{
	while (put(200, 1) == RING_OK)
		;
	ck_assert_int_eq(peek(), RING_OK);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(put(200, 2), RING_FULL);
	expect(200, 1);
}
END_TEST

/* --- lies. Each begins with two records of 100 bytes (112 with header) at the ring's start, one of them consumed. --- */

struct lie {
	const char *what;
	uint32_t tail; /* added to the true one */
	uint32_t head;
	uint32_t length; /* of the second record; 0: the truth */
	uint32_t mark;
	int peeked; /* what the consumer says */
	int consumed; /* what the producer says */
};
#define TRUE_PAD 0x50414431u
static const struct lie lies[] = {
	{ "the truth", .peeked = RING_OK, .consumed = RING_OK },
	{ "a tail beyond the ring", .tail = SIZE, .peeked = RING_BROKEN },
	{ "a tail half the numbers away", .tail = 0x80000000u, .peeked = RING_BROKEN },
	{ "a tail behind the head", .tail = (uint32_t)-120, .peeked = RING_BROKEN },
	{ "a tail between records", .tail = 4, .peeked = RING_BROKEN },
	{ "a tail a bit too far", .tail = 1, .peeked = RING_BROKEN },
	{ "a tail inside the record", .tail = (uint32_t)-8, .peeked = RING_BROKEN },
	{ "a head beyond the tail", .head = 120, .consumed = RING_BROKEN },
	{ "a head that goes back", .head = (uint32_t)-112, .consumed = RING_BROKEN },
	{ "a head half the numbers away", .head = 0x80000000u, .consumed = RING_BROKEN },
	{ "a head between words", .head = 4, .consumed = RING_BROKEN },
	{ "a length above what is there", .length = 105, .peeked = RING_BROKEN },
	{ "a length of everything", .length = UINT32_MAX, .peeked = RING_BROKEN },
	{ "a length that wraps when rounded", .length = UINT32_MAX - 7, .peeked = RING_BROKEN },
	{ "a length that wraps with its header", .length = UINT32_MAX - 15, .peeked = RING_BROKEN },
	{ "a length of the ring", .length = SIZE, .peeked = RING_BROKEN },
	{ "a length above the limit", .length = SIZE / 2, .peeked = RING_BROKEN },
	{ "no mark", .mark = 1, .peeked = RING_BROKEN },
	{ "a pad with nothing behind it", .mark = TRUE_PAD, .length = SIZE - 112 - RING_HEADER, .peeked = RING_BROKEN },
	{ "a pad that ends early", .mark = TRUE_PAD, .peeked = RING_BROKEN },
	{ "a pad beyond the end", .mark = TRUE_PAD, .length = SIZE, .peeked = RING_BROKEN },
};

START_TEST(lie_is_found)
{
	const struct lie *lie = &lies[_i];
	/* To the ring's beginning: RING_FIRST is a multiple of its size. */
	ck_assert_int_eq(put(100, 1), RING_OK);
	ck_assert_int_eq(put(100, 2), RING_OK);
	expect(100, 1);
	uint32_t head;
	ck_assert_int_eq(ring_consumed(&producer, &head), RING_OK);
	ck_assert_uint_eq(head, RING_FIRST + 112);
	consumer.theirs = consumer.mine; /* it has to look again */
	atomic_store(&shared.tail, producer.mine + lie->tail);
	atomic_store(&shared.head, consumer.mine + lie->head);
	uint32_t header[2];
	memcpy(header, data + 112, sizeof header);
	if (lie->length)
		header[0] = lie->length;
	if (lie->mark)
		header[1] = lie->mark;
	memcpy(data + 112, header, sizeof header);
	ck_assert_msg(peek() == lie->peeked, "%s: the consumer says %d", lie->what, peek());
	int consumed = ring_consumed(&producer, &head);
	ck_assert_msg(consumed == lie->consumed, "%s: the producer says %d", lie->what, consumed);
}
END_TEST

START_TEST(record_across_the_end_is_refused)
{
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(put(1016, 1), RING_OK);
		expect(1016, 1);
	}
	ck_assert_int_eq(put(1016, 1), RING_OK); /* up to the end */
	ck_assert_int_eq(put(1016, 1), RING_OK); /* and at the beginning */
	const uint32_t length = 1500;
	memcpy(data + 3072, &length, sizeof length);
	ck_assert_int_eq(peek(), RING_BROKEN);
}
END_TEST

START_TEST(two_pads_are_refused)
{
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(put(1016, 1), RING_OK);
		expect(1016, 1);
	}
	ck_assert_int_eq(put(1500, 2), RING_OK);
	const uint32_t pad[2] = { SIZE - RING_HEADER, TRUE_PAD };
	memcpy(data, pad, sizeof pad);
	ck_assert_int_eq(peek(), RING_BROKEN);
}
END_TEST

START_TEST(lying_head_stops_a_full_producer)
{
	while (put(200, 1) == RING_OK)
		;
	atomic_store(&shared.head, producer.mine + 8);
	ck_assert_int_eq(put(200, 1), RING_BROKEN);
}
END_TEST

START_TEST(own_index_is_never_read_back)
{
	ck_assert_int_eq(put(8, 1), RING_OK);
	atomic_store(&shared.head, 12345); /* the consumer's own, scribbled over by the producer */
	expect(8, 1);
	ck_assert_uint_eq(atomic_load(&shared.head), RING_FIRST + 16);
	atomic_store(&shared.tail, 12345);
	ck_assert_int_eq(put(8, 2), RING_OK);
	expect(8, 2);
}
END_TEST

/* Any bytes at all: the consumer ends with EMPTY or BROKEN, and never looks outside (under ASan, the proof). */
START_TEST(random_memory_breaks_nothing_but_the_ring)
{
	unsigned seed = 1;
	uint8_t *exact = malloc(SIZE);
	for (int round = 0; round < 3000; round++) {
		ring_shared_init(&shared);
		for (uint32_t i = 0; i < SIZE; i += 4)
			*(uint32_t *)(exact + i) = rand_r(&seed) % 4 ? (uint32_t)rand_r(&seed) % 200 : 0x52454331u;
		ring_init(&consumer, &shared, exact, SIZE);
		consumer.mine = consumer.theirs = (uint32_t)rand_r(&seed) & ~7u;
		atomic_store(&shared.tail, consumer.mine + ((uint32_t)rand_r(&seed) % (SIZE + 64)));
		void *record;
		uint32_t length, sum = 0;
		int status;
		while ((status = ring_peek(&consumer, &record, &length)) == RING_OK) {
			for (uint32_t i = 0; i < length; i++)
				sum += ((uint8_t *)record)[i];
			ring_release(&consumer);
		}
		ck_assert(sum != 1 && (status == RING_EMPTY || status == RING_BROKEN));
	}
	free(exact);
}
END_TEST

/* --- two threads --- */

#define STRESS 100000u

static uint32_t stress_length(uint32_t i)
{
	uint32_t x = i * 2654435761u;
	return x >> 28 ? x >> 16 & 63 : x >> 8 & 1023;
}

static void *stress_write(void *unused)
{
	for (uint32_t i = 0; i < STRESS;) {
		void *room;
		uint32_t length = stress_length(i);
		int status = ring_reserve(&producer, length, 0, &room, NULL);
		if (status == RING_FULL) {
			sched_yield();
			continue;
		}
		if (status != RING_OK)
			abort();
		memset(room, (int)(i & 0xff), length);
		ring_publish(&producer);
		i++;
	}
	return unused;
}

START_TEST(two_threads_lose_and_mix_nothing)
{
	pthread_t writer;
	ck_assert_int_eq(pthread_create(&writer, NULL, stress_write, NULL), 0);
	for (uint32_t i = 0; i < STRESS;) {
		void *record;
		uint32_t length;
		int status = ring_peek(&consumer, &record, &length);
		if (status == RING_EMPTY) {
			sched_yield();
			continue;
		}
		if (status != RING_OK || length != stress_length(i))
			ck_abort_msg("record %u: status %d, length %u", i, status, length);
		for (uint32_t k = 0; k < length; k++)
			if (((uint8_t *)record)[k] != (i & 0xff))
				ck_abort_msg("record %u: byte %u is wrong", i, k);
		ring_release(&consumer);
		i++;
	}
	pthread_join(writer, NULL);
	ck_assert_int_eq(peek(), RING_EMPTY);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring");
	TCase *tcase = tcase_create("one thread");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, fresh, NULL);
	tcase_add_test(tcase, new_ring_is_empty);
	tcase_add_test(tcase, records_come_out_in_order_with_their_contents);
	tcase_add_test(tcase, peeked_record_stays_until_released);
	tcase_add_test(tcase, every_length_survives_every_place_of_the_wrap);
	tcase_add_test(tcase, counters_wrap_with_records_inside);
	tcase_add_test(tcase, full_ring_refuses_and_takes_again_after_release);
	tcase_add_test(tcase, largest_record_fits_wherever_the_empty_ring_stands);
	tcase_add_test(tcase, too_large_is_told_apart_from_full);
	tcase_add_test(tcase, kept_bytes_are_not_written_over);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("dead and lying peers");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, fresh, NULL);
	tcase_add_test(tcase, what_was_reserved_and_never_published_is_not_there);
	tcase_add_test(tcase, pad_without_its_record_is_not_there);
	tcase_add_test(tcase, consumer_that_never_releases_costs_room_and_nothing_else);
	tcase_add_loop_test(tcase, lie_is_found, 0, sizeof lies / sizeof *lies);
	tcase_add_test(tcase, record_across_the_end_is_refused);
	tcase_add_test(tcase, two_pads_are_refused);
	tcase_add_test(tcase, lying_head_stops_a_full_producer);
	tcase_add_test(tcase, own_index_is_never_read_back);
	tcase_add_test(tcase, random_memory_breaks_nothing_but_the_ring);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("two threads");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, fresh, NULL);
	tcase_add_test(tcase, two_threads_lose_and_mix_nothing);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
