/* A queue's messages: random puts, takes and returns beside a sorted array, and what a million of them cost. */
#include "object/messages.h"

#include <check.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define MANY 6000

static struct messages messages;
static uint64_t seed;

static uint32_t next_random(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((seed >> 33) % below);
}

static struct message message_of(int64_t place, int32_t priority)
{
	return (struct message){
		.value = bytes_new(&place, 1 + (size_t)(place & 7)), .place = place, .priority = priority
	};
}

static void forget(void *user, struct message *message)
{
	size_t *n = user;

	(*n)++;
	bytes_unref(message->value);
}

/* --- the model: an array in order --- */
static struct message model[MANY], out[MANY];
static size_t n_model, n_out, model_bytes;

static bool model_is_before(const struct message *a, const struct message *b)
{
	if (messages.by_priority && a->priority != b->priority)
		return a->priority > b->priority;
	return a->place < b->place;
}

static void model_put(const struct message *message)
{
	size_t i = n_model++;

	for (; i > 0 && model_is_before(message, &model[i - 1]); i--)
		model[i] = model[i - 1];
	model[i] = *message;
	model_bytes += message->value->size;
}

static struct message model_take(bool last)
{
	struct message taken = model[last ? n_model - 1 : 0];

	n_model--;
	if (!last)
		memmove(model, model + 1, n_model * sizeof(model[0]));
	model_bytes -= taken.value->size;
	return taken;
}

static bool peeks_are_the_same(bool last)
{
	static struct bytes *seen[MANY];
	size_t count = next_random(2) ? next_random(20) : MANY, n = messages_peek(&messages, last, seen, count);

	if (n != (count < n_model ? count : n_model))
		return false;
	for (size_t i = 0; i < n; i++)
		if (seen[i] != model[last ? n_model - 1 - i : i].value)
			return false;
	return true;
}

/* Kinds of work: mostly a fifo, a lifo, a deque, priorities; GROWS: how many of a hundred are puts. */
static bool random_operations(uint64_t start, bool by_priority, uint32_t heads, uint32_t grows)
{
	int64_t head = 0, tail = 0;
	bool right = true;

	seed = start * 2 + 1;
	messages_init(&messages, by_priority);
	n_model = n_out = model_bytes = 0;
	for (int i = 0; i < 5000 && right; i++) {
		uint32_t what = next_random(100);

		if (i == 2500)
			grows = 100 - grows;
		if (what < grows && n_model + n_out < MANY) {
			struct message message = message_of(next_random(100) < heads ? --head : tail++,
				by_priority ? (int32_t)next_random(1 + (uint32_t)start % 50) - 5
					    : (int32_t)next_random(3));

			messages_put(&messages, &message);
			model_put(&message);
		} else if (what >= 97 && n_out > 0) {
			size_t k = next_random((uint32_t)n_out);

			messages_put(&messages, &out[k]);
			model_put(&out[k]);
			out[k] = out[--n_out];
		} else if (n_model > 0) {
			bool last = next_random(100) < heads / 2;
			struct message taken = { 0 }, expected = model_take(last);

			right = messages_take(&messages, last, &taken) && taken.value == expected.value &&
				taken.place == expected.place && taken.priority == expected.priority;
			if (next_random(4) == 0)
				out[n_out++] = expected;
			else
				bytes_unref(expected.value);
		}
		right = right && messages.count == n_model && messages.bytes == model_bytes;
		if (what == 50)
			right = right && peeks_are_the_same(next_random(2));
	}
	size_t forgotten = 0;

	messages_clear(&messages, forget, &forgotten);
	right = right && forgotten == n_model && messages.count == 0 && messages.bytes == 0;
	while (n_out > 0)
		bytes_unref(out[--n_out].value);
	messages_fini(&messages);
	return right;
}

START_TEST(random_operations_go_as_those_of_a_sorted_array)
{
	static const uint32_t heads[] = { 0, 10, 50, 100 }, grows[] = { 50, 70, 95 };

	for (uint64_t start = 0; start < 60; start++)
		for (size_t i = 0; i < 12; i++)
			for (int by_priority = 0; by_priority < 2; by_priority++)
				if (!random_operations(start, by_priority, heads[i % 4], grows[i / 4]))
					ck_abort_msg("seed %d, kind %zu, by priority: %d", (int)start, i, by_priority);
}
END_TEST

START_TEST(none_is_there_at_first)
{
	struct bytes *seen[1];
	struct message taken;
	size_t n = 0;

	messages_init(&messages, false);
	ck_assert(!messages_take(&messages, false, &taken));
	ck_assert_uint_eq(messages_peek(&messages, true, seen, 1), 0);
	messages_clear(&messages, forget, &n);
	ck_assert_uint_eq(n, 0);
	messages_fini(&messages);
}
END_TEST

/* Beside the value of each, in bytes: in a row at either end, and in the worst order that a priority can make. */
static size_t cost_of(bool by_priority, bool heads)
{
	enum { N = 1000000 };
	struct bytes *value = bytes_new("1", 1);
	size_t n = 0, before = mallinfo2().uordblks;

	seed = 1;
	messages_init(&messages, by_priority);
	for (int64_t i = 0; i < N; i++) {
		struct message message = { .value = bytes_ref(value),
			.place = heads ? -i : i,
			.priority = by_priority ? (int32_t)next_random(1 << 30) : 0 };

		messages_put(&messages, &message);
	}
	size_t cost = mallinfo2().uordblks - before;

	messages_clear(&messages, forget, &n);
	bytes_unref(value);
	return cost / N;
}

START_TEST(a_million_messages_cost_little_beside_their_values)
{
	ck_assert_uint_le(cost_of(false, false), 36);
	ck_assert_uint_le(cost_of(false, true), 36);
	ck_assert_uint_le(cost_of(true, false), 72);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("messages");
	TCase *tcase = tcase_create("messages");

	tcase_set_timeout(tcase, 300);
	tcase_add_test(tcase, none_is_there_at_first);
	tcase_add_test(tcase, random_operations_go_as_those_of_a_sorted_array);
	tcase_add_test(tcase, a_million_messages_cost_little_beside_their_values);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed != 0;
}
