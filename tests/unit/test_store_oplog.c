/* Operations that are not known to be on disk: against a list that is kept the slow way. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "store/oplog.h"

#define OPS_MOST 1000u

struct model_op {
	uint64_t number, id;
	enum store_message message;
	bool chained;
};

static struct oplog kept;
/* ops[first] is the oldest that is not committed, ops[from] was sent first since the last rewind. */
static struct {
	struct model_op ops[OPS_MOST];
	size_t n, first, from;
	uint64_t last;
} model;
static struct store_buffer wire; /* what was sent since the last rewind */
static char text[300000];

static void setup(void)
{
	oplog_init(&kept);
	memset(&model, 0, sizeof model);
	wire = (struct store_buffer){ 0 };
}

static void teardown(void)
{
	oplog_clear(&kept);
	store_buffer_free(&wire);
}

/* LENGTH: of its arguments or result. */
static void add(enum store_message message, uint64_t id, bool chained, size_t length)
{
	const struct store_task task = { .id = id, .args = store_text_of(text, length) };
	const struct store_task_end end = { .outcome.result = store_text_of(text, length) };
	const struct store_name name = { store_text_of(text, length) };
	const struct store_header header = {
		.message = (uint16_t)message, .flags = chained ? STORE_CHAINED : 0, .number = ++model.last, .id = id
	};
	const void *body = NULL;
	if (message == STORE_TASK_PUT)
		body = &task;
	else if (message == STORE_TASK_END)
		body = &end;
	else if (message == STORE_QUEUE_DROP)
		body = &name;
	ck_assert(oplog_add(&kept, &header, body));
	model.ops[model.n++] = (struct model_op){ model.last, id, message, chained };
}

static void send_some(size_t most)
{
	const char *data;
	size_t n;
	while (most && (n = oplog_unsent(&kept, &data)) > 0) {
		n = n < most ? n : most;
		wire.data = realloc(wire.data, wire.length + n);
		memcpy(wire.data + wire.length, data, n);
		wire.length += n;
		oplog_sent(&kept, n);
		most -= n;
	}
}

static void begin_again(void)
{
	wire.length = 0;
	model.from = model.first;
}

/* How many of the model's operations were sent in full; *TORN is what is missing of the next one, where something of it was sent.
 * Whatever was sent must be theirs. */
static size_t sent(size_t *torn)
{
	struct store_header header;
	size_t i = model.from, wrong = 0;
	*torn = 0;
	for (size_t at = 0; at < wire.length; i++) {
		if (wire.length - at < STORE_HEADER_SIZE) {
			*torn = 1; /* at least */
			break;
		}
		bool sound = store_read_header(wire.data + at, &header);
		const struct model_op *op = &model.ops[i];
		wrong += !sound || i >= model.n || header.number != op->number || header.id != op->id ||
			header.message != op->message || header.flags != (op->chained ? STORE_CHAINED : 0);
		at += STORE_HEADER_SIZE + header.length;
		if (at > wire.length) {
			*torn = at - wire.length;
			break;
		}
	}
	ck_assert_uint_eq(wrong, 0);
	return i;
}

static void commit(uint64_t seq)
{
	size_t torn, end = model.first, all = kept.bytes;
	while (end < model.n && model.ops[end].number <= seq)
		end++;
	bool makes_sense = end <= sent(&torn) && (end == model.first || !model.ops[end - 1].chained);
	ck_assert_int_eq(oplog_commit(&kept, seq), makes_sense);
	if (makes_sense)
		model.first = end;
	else
		ck_assert_uint_eq(kept.bytes, all);
	ck_assert_int_eq(kept.bytes == 0, model.first == model.n);
}

/* --- one thing at a time --- */

START_TEST(messages_come_out_as_they_went_in_and_leave_when_committed)
{
	size_t torn;
	add(STORE_TASK_PUT, 1, false, 10);
	add(STORE_TASK_PUT, 2, false, 10);
	add(STORE_TASK_END, 1, false, 200000);
	commit(1); /* it has not been sent */
	send_some(SIZE_MAX);
	ck_assert_uint_eq(sent(&torn), 3);
	ck_assert_uint_eq(kept.bytes, wire.length);
	commit(1);
	ck_assert_uint_eq(model.first, 1);
	commit(1);
	commit(3);
	ck_assert_uint_eq(kept.bytes, 0);
	add(STORE_TASK_FORGET, 9, false, 0);
	send_some(SIZE_MAX);
	ck_assert_uint_eq(sent(&torn), 4);
}
END_TEST

START_TEST(half_of_a_chain_or_of_a_message_is_not_committed)
{
	add(STORE_TASK_PUT, 1, true, 0);
	add(STORE_TASK_PUT, 2, false, 0);
	add(STORE_TASK_PUT, 3, false, 1000);
	send_some(kept.bytes - 500);
	ck_assert_uint_eq(oplog_torn(&kept), 500);
	ck_assert(!oplog_commit(&kept, 1));
	ck_assert(!oplog_commit(&kept, 3));
	ck_assert(oplog_commit(&kept, 2));
	oplog_sent(&kept, 500);
	ck_assert_uint_eq(oplog_torn(&kept), 0);
}
END_TEST

/* Two chunks: what was sent ends where the first one does. */
START_TEST(what_is_in_the_next_chunk_and_was_not_sent_is_not_committed)
{
	add(STORE_TASK_PUT, 1, false, 100000);
	size_t first = kept.bytes;
	add(STORE_TASK_PUT, 2, false, 5);
	send_some(first);
	commit(2);
	commit(1);
	send_some(SIZE_MAX);
	commit(2);
	ck_assert_uint_eq(model.first, 2);
}
END_TEST

START_TEST(sent_again_from_what_is_not_committed)
{
	size_t torn;
	for (uint64_t id = 1; id <= 1000; id++)
		add(STORE_TASK_PUT, id, false, 300);
	send_some(SIZE_MAX);
	commit(600);
	oplog_rewind(&kept);
	begin_again();
	send_some(SIZE_MAX);
	ck_assert_uint_eq(sent(&torn), 1000);
	ck_assert_uint_eq(kept.bytes, wire.length);
}
END_TEST

/* Those that are left, and their flags. */
static void drop_tasks(const uint64_t *expected, size_t n_expected)
{
	uint64_t *ids;
	ck_assert_uint_eq(oplog_drop_tasks(&kept, &ids), n_expected);
	for (size_t i = 0; i < n_expected; i++)
		ck_assert_uint_eq(ids[i], expected[i]);
	free(ids);
	wire.length = 0;
	send_some(SIZE_MAX);
	ck_assert_uint_eq(kept.bytes, wire.length);
}

START_TEST(new_tasks_are_dropped_with_all_about_them)
{
	struct store_header header;
	uint64_t numbers[8] = { 0 };
	size_t n = 0;
	add(STORE_TASK_END, 1, false, 5);
	add(STORE_TASK_PUT, 2, false, 5);
	add(STORE_TASK_PUT, 3, false, 200000);
	add(STORE_TASK_FORGET, 1, false, 0);
	add(STORE_TASK_END, 2, false, 5);
	add(STORE_QUEUE_DROP, 3, false, 5); /* which is no task's */
	send_some(100);
	drop_tasks((const uint64_t[]){ 2, 3 }, 2);
	for (size_t at = 0; at < wire.length; at += STORE_HEADER_SIZE + header.length) {
		ck_assert(store_read_header(wire.data + at, &header));
		numbers[n++] = header.number;
	}
	ck_assert_uint_eq(n, 3);
	ck_assert_uint_eq(numbers[0], 1);
	ck_assert_uint_eq(numbers[1], 4);
	ck_assert_uint_eq(numbers[2], 6);
	ck_assert(oplog_commit(&kept, 5)); /* 2, 3 and 5 are no more */
	ck_assert(oplog_commit(&kept, 6));
	ck_assert_uint_eq(kept.bytes, 0);
}
END_TEST

START_TEST(chain_ends_with_what_is_left_of_it)
{
	struct store_header header;
	add(STORE_QUEUE_DROP, 0, true, 5);
	add(STORE_TASK_FORGET, 9, true, 0);
	add(STORE_TASK_PUT, 1, true, 100000); /* in another chunk's place */
	add(STORE_TASK_PUT, 2, false, 5);
	add(STORE_TASK_PUT, 3, true, 5);
	add(STORE_TASK_PUT, 4, false, 5);
	add(STORE_TASK_FORGET, 9, false, 0);
	drop_tasks((const uint64_t[]){ 1, 2, 3, 4 }, 4);
	static const uint16_t flags[] = { STORE_CHAINED, 0, 0 };
	size_t at = 0;
	for (size_t i = 0; i < 3; i++) {
		ck_assert(store_read_header(wire.data + at, &header));
		ck_assert_uint_eq(header.flags, flags[i]);
		at += STORE_HEADER_SIZE + header.length;
	}
	ck_assert_uint_eq(at, wire.length);
	ck_assert(!oplog_commit(&kept, 1));
	ck_assert(oplog_commit(&kept, 2));
}
END_TEST

START_TEST(what_cannot_be_written_leaves_nothing)
{
	const struct store_task wrong = { .state = { "more than fifteen", 17 } };
	const struct store_header header = { .message = STORE_TASK_PUT, .number = 1, .id = 1 };
	ck_assert(!oplog_add(&kept, &header, &wrong));
	ck_assert_uint_eq(kept.bytes, 0);
	ck_assert(oplog_commit(&kept, 0));
	add(STORE_TASK_PUT, 1, false, 5);
	send_some(SIZE_MAX);
	commit(1);
}
END_TEST

/* --- everything at once --- */

static void model_drop_tasks(void)
{
	static bool dropped[64];
	uint64_t *ids;
	size_t n = 0, to = model.first;
	memset(dropped, 0, sizeof dropped);
	for (size_t i = model.first; i < model.n; i++)
		if (model.ops[i].message == STORE_TASK_PUT && !dropped[model.ops[i].id]) {
			dropped[model.ops[i].id] = true;
			n++;
		}
	struct model_op *last = NULL;
	for (size_t i = model.first; i < model.n; i++) {
		struct model_op op = model.ops[i];
		if (op.message == STORE_QUEUE_DROP || !dropped[op.id]) {
			last = &model.ops[to];
			model.ops[to++] = op;
		} else if (!op.chained && last) {
			last->chained = false;
		}
		if (!op.chained)
			last = NULL;
	}
	model.n = to;
	ck_assert_uint_eq(oplog_drop_tasks(&kept, &ids), n);
	free(ids);
	begin_again();
}

START_TEST(does_what_the_model_does)
{
	static const enum store_message messages[] = { STORE_TASK_PUT, STORE_TASK_END, STORE_TASK_FORGET,
		STORE_QUEUE_DROP };
	unsigned seed = (unsigned)_i + 1;
	size_t torn;
	while (model.n + 8 < OPS_MOST) {
		unsigned dice = (unsigned)rand_r(&seed) % 100;
		if (dice < 50) {
			size_t links = 1 + (unsigned)rand_r(&seed) % 5;
			for (size_t i = 1; i <= links; i++)
				add(messages[(unsigned)rand_r(&seed) % 4], (unsigned)rand_r(&seed) % 64, i < links,
					(unsigned)rand_r(&seed) % (rand_r(&seed) % 20 ? 500 : 70000));
		} else if (dice < 75) {
			send_some((unsigned)rand_r(&seed) % (rand_r(&seed) % 4 ? 5000 : 500000));
			size_t said = oplog_torn(&kept);
			sent(&torn);
			ck_assert_int_eq(said > 0, torn > 0);
			ck_assert(torn <= 1 || said == torn);
		} else if (dice < 95) {
			uint64_t first = model.first < model.n ? model.ops[model.first].number : model.last;
			commit(first + (unsigned)rand_r(&seed) % 20);
		} else if (dice < 97) {
			oplog_rewind(&kept);
			begin_again();
		} else if (dice < 98) {
			model_drop_tasks();
		}
	}
	send_some(SIZE_MAX);
	ck_assert_uint_eq(sent(&torn), model.n);
	commit(model.last);
	ck_assert_uint_eq(kept.bytes, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store oplog");
	TCase *tcase = tcase_create("oplog");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, messages_come_out_as_they_went_in_and_leave_when_committed);
	tcase_add_test(tcase, half_of_a_chain_or_of_a_message_is_not_committed);
	tcase_add_test(tcase, what_is_in_the_next_chunk_and_was_not_sent_is_not_committed);
	tcase_add_test(tcase, sent_again_from_what_is_not_committed);
	tcase_add_test(tcase, new_tasks_are_dropped_with_all_about_them);
	tcase_add_test(tcase, chain_ends_with_what_is_left_of_it);
	tcase_add_test(tcase, what_cannot_be_written_leaves_nothing);
	tcase_add_loop_test(tcase, does_what_the_model_does, 0, 16);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
