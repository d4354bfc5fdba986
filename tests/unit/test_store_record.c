/* Messages between master and store: what is written is what is read, and nothing else is read. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_samples.h"

static struct store_buffer out;

static void setup(void)
{
	out = (struct store_buffer){ 0 };
}

static void teardown(void)
{
	store_buffer_free(&out);
}

static void put(const struct store_sample_of *sample)
{
	const struct store_header header = { .length = 77,
		.message = (uint16_t)sample->message,
		.flags = store_is_operation(sample->message) ? STORE_CHAINED : 0,
		.number = 0x0102030405060708,
		.id = 0x1112131415161718 };
	ck_assert_msg(store_write(&out, &header, sample->body), "%s", sample->what);
}

/* A copy of exactly so many bytes, so that a sanitizer sees who reads behind them. */
static char *exactly(const char *data, size_t length)
{
	char *copy = malloc(length ? length : 1);
	memcpy(copy, data, length);
	return copy;
}

START_TEST(what_is_written_is_read)
{
	const struct store_sample_of *sample = &store_samples[_i];
	struct store_header header;
	union store_sample body;
	put(sample);
	ck_assert(store_read_header(out.data, &header));
	ck_assert_int_eq(header.message, sample->message);
	ck_assert_uint_eq(header.flags, store_is_operation(sample->message) ? STORE_CHAINED : 0);
	ck_assert_uint_eq(header.number, 0x0102030405060708);
	ck_assert_uint_eq(header.id, 0x1112131415161718);
	ck_assert_uint_eq(header.length, out.length - STORE_HEADER_SIZE);
	ck_assert(!sample->body == !header.length);
	char *data = exactly(out.data + STORE_HEADER_SIZE, header.length);
	memset(&body, 0xff, sizeof body);
	ck_assert_msg(store_read_body(&header, data, &body), "%s", sample->what);
	ck_assert_msg(!sample->body || sample->same(sample->body, &body), "%s", sample->what);
	store_body_free(sample->message, &body);
	free(data);
}
END_TEST

/* The whole less one byte, two bytes, …: nothing that is cut off is taken, and neither is one with something behind it. */
START_TEST(every_truncation_is_refused)
{
	const struct store_sample_of *sample = &store_samples[_i];
	struct store_header header;
	union store_sample body;
	size_t taken = 0;
	put(sample);
	ck_assert(store_read_header(out.data, &header));
	uint32_t whole = header.length;
	for (header.length = 0; header.length < whole; header.length++) {
		char *data = exactly(out.data + STORE_HEADER_SIZE, header.length);
		taken += store_read_body(&header, data, &body);
		free(data);
	}
	ck_assert_msg(taken == 0, "%s", sample->what);
	char *longer = calloc(1, whole + 1);
	memcpy(longer, out.data + STORE_HEADER_SIZE, whole);
	header.length = whole + 1;
	ck_assert_msg(!store_read_body(&header, longer, &body), "%s", sample->what);
	free(longer);
}
END_TEST

/* What is read of nonsense, if anything, can be written again, and is then the same. */
static size_t read_nonsense(const struct store_header *header, const char *data)
{
	union store_sample body;
	struct store_buffer again = { 0 };
	size_t wrong = 0;
	if (!store_read_body(header, data, &body))
		return 0;
	wrong += !store_write(&again, header, &body);
	wrong += again.length != STORE_HEADER_SIZE + header->length ||
		memcmp(again.data + STORE_HEADER_SIZE, data, header->length) != 0;
	store_body_free(header->message, &body);
	store_buffer_free(&again);
	return wrong;
}

START_TEST(every_bit_may_be_wrong)
{
	const struct store_sample_of *sample = &store_samples[_i];
	struct store_header header;
	size_t wrong = 0;
	put(sample);
	ck_assert(store_read_header(out.data, &header));
	char *data = exactly(out.data + STORE_HEADER_SIZE, header.length);
	for (size_t bit = 0; bit < 8 * (size_t)header.length; bit++) {
		data[bit / 8] = (char)(data[bit / 8] ^ 1 << bit % 8);
		wrong += read_nonsense(&header, data);
		data[bit / 8] = (char)(data[bit / 8] ^ 1 << bit % 8);
	}
	free(data);
	ck_assert_msg(wrong == 0, "%s", sample->what);
}
END_TEST

START_TEST(random_bytes_are_read_without_harm)
{
	const struct store_sample_of *sample = &store_samples[_i];
	size_t wrong = 0;
	srandom((unsigned)_i + 1);
	for (int round = 0; round < 4000; round++) {
		struct store_header header = { .message = (uint16_t)sample->message,
			.length = (uint32_t)random() % 400 };
		char *data = calloc(1, header.length + 1), *exact;
		/* Mostly zeros: they get further. */
		unsigned density = 1 + (unsigned)random() % 40;
		for (uint32_t i = 0; i < header.length; i++)
			data[i] = (char)((unsigned)random() % density ? 0 : random());
		exact = exactly(data, header.length);
		wrong += read_nonsense(&header, exact);
		free(exact);
		free(data);
	}
	ck_assert_msg(wrong == 0, "%s", sample->what);
}
END_TEST

START_TEST(headers_that_make_no_sense_are_refused)
{
	static const struct store_header lies[] = {
		{ .message = 0 },
		{ .message = STORE_AGAIN + 1 },
		{ .message = STORE_IDS + 1 },
		{ .message = STORE_ANSWERED + 1 },
		{ .message = UINT16_MAX },
		{ .message = STORE_TASK_PUT, .length = STORE_BODY_LIMIT + 1 },
		{ .message = STORE_TASK_PUT, .length = UINT32_MAX },
		{ .message = STORE_TASK_PUT, .flags = 2 },
		{ .message = STORE_ROW, .flags = STORE_CHAINED },
		{ .message = STORE_STOP, .length = 1 },
	};
	struct store_header header;
	for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
		char data[STORE_HEADER_SIZE] = { 0 };
		memcpy(data, &lies[i].length, 4);
		memcpy(data + 4, &lies[i].message, 2);
		memcpy(data + 6, &lies[i].flags, 2);
		ck_assert_msg(!store_read_header(data, &header), "%zu", i);
	}
}
END_TEST

static long address_space_kib(void)
{
	long kib = 0;
	char line[128];
	FILE *status = fopen("/proc/self/status", "r");
	while (fgets(line, sizeof line, status) && sscanf(line, "VmPeak: %ld", &kib) != 1)
		;
	fclose(status);
	return kib;
}

/* Numbers of elements are of what is there, and not of what is said. */
START_TEST(counts_are_bounded_by_what_is_there)
{
	const struct store_task task = { .id = 1 };
	const struct store_header said = { .message = STORE_TASK_PUT };
	struct store_header header;
	struct store_task heard;
	size_t taken = 0;
	const uint32_t lie = 1 << 20;
	ck_assert(store_write(&out, &said, &task));
	ck_assert(store_read_header(out.data, &header));
	long before = address_space_kib();
	for (uint32_t i = 0; i + sizeof lie <= header.length; i++) {
		char *data = exactly(out.data + STORE_HEADER_SIZE, header.length);
		memcpy(data + i, &lie, sizeof lie);
		if (store_read_body(&header, data, &heard)) {
			taken += heard.n_attempts + heard.n_claims + heard.n_dependencies;
			store_body_free(STORE_TASK_PUT, &heard);
		}
		free(data);
	}
	ck_assert_uint_eq(taken, 0);
	ck_assert_int_lt(address_space_kib() - before, 16L << 10);
}
END_TEST

START_TEST(what_no_reader_would_believe_is_not_written)
{
	const struct store_header put_header = { .message = STORE_TASK_PUT },
				  queue_header = { .message = STORE_QUEUE_PUT },
				  query_header = { .message = STORE_QUERY };
	const struct store_task task = { .state = { "1234567890123456", 16 } };
	const struct store_queue nan_queue = { .rate = NAN }, said_queue = { .durable = 2 };
	const struct store_query query = { .question = STORE_ASK_BACKUP + 1 };
	put(&store_samples[0]);
	char *before = exactly(out.data, out.length);
	size_t length = out.length;
	ck_assert(!store_write(&out, &put_header, &task));
	ck_assert(!store_write(&out, &queue_header, &nan_queue));
	ck_assert(!store_write(&out, &queue_header, &said_queue));
	ck_assert(!store_write(&out, &query_header, &query));
	/* And leaves what was there as it was, to go on with. */
	ck_assert_uint_eq(out.length, length);
	ck_assert_int_eq(memcmp(out.data, before, length), 0);
	put(&store_samples[1]);
	free(before);
}
END_TEST

START_TEST(many_messages_in_one_buffer_are_there_one_behind_the_other)
{
	struct store_header header;
	union store_sample body;
	size_t at = 0;
	for (size_t i = 0; i < n_store_samples; i++)
		put(&store_samples[i]);
	for (size_t i = 0; i < n_store_samples; i++) {
		ck_assert(store_read_header(out.data + at, &header));
		ck_assert_int_eq(header.message, store_samples[i].message);
		ck_assert(store_read_body(&header, out.data + at + STORE_HEADER_SIZE, &body));
		store_body_free(header.message, &body);
		at += STORE_HEADER_SIZE + header.length;
	}
	ck_assert_uint_eq(at, out.length);
}
END_TEST

START_TEST(chain_is_undone)
{
	struct store_header header;
	const struct store_header chained = {
		.message = STORE_TASK_FORGET, .flags = STORE_CHAINED, .number = 7, .id = 8
	};
	ck_assert(store_write(&out, &chained, NULL));
	store_unchain(out.data);
	ck_assert(store_read_header(out.data, &header));
	ck_assert_uint_eq(header.flags, 0);
	ck_assert_uint_eq(header.number, 7);
	ck_assert_int_eq(header.message, STORE_TASK_FORGET);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store record");
	TCase *tcase = tcase_create("record");
	const int n = (int)n_store_samples;
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, what_is_written_is_read, 0, n);
	tcase_add_loop_test(tcase, every_truncation_is_refused, 0, n);
	tcase_add_loop_test(tcase, every_bit_may_be_wrong, 0, n);
	tcase_add_loop_test(tcase, random_bytes_are_read_without_harm, 0, n);
	tcase_add_test(tcase, headers_that_make_no_sense_are_refused);
	tcase_add_test(tcase, counts_are_bounded_by_what_is_there);
	tcase_add_test(tcase, what_no_reader_would_believe_is_not_written);
	tcase_add_test(tcase, many_messages_in_one_buffer_are_there_one_behind_the_other);
	tcase_add_test(tcase, chain_is_undone);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
