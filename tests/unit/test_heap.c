/* The heap: order, ties, leaving from the middle, moving. */
#include "base/heap.h"

#include <check.h>
#include <stdlib.h>

#define MANY 1000

struct item {
	int number;
	struct heap_node node;
};

static struct heap heap;
static struct item items[MANY];

static void fresh(void)
{
	heap_init(&heap);
	for (int i = 0; i < MANY; i++)
		items[i] = (struct item){ .number = i };
}

static void finish(void)
{
	heap_fini(&heap);
}

static struct item *pop(void)
{
	struct heap_node *node = heap_pop(&heap);

	return node ? heap_entry(node, struct item, node) : NULL;
}

START_TEST(new_heap_is_empty)
{
	ck_assert_ptr_null(heap_top(&heap));
	ck_assert_ptr_null(heap_pop(&heap));
}
END_TEST

START_TEST(smallest_key_comes_first_and_equal_keys_by_their_tie)
{
	srandom((unsigned)_i + 1);
	for (int i = 0; i < MANY; i++)
		heap_set(&heap, &items[i].node, random() % 50 - 25, (uint64_t)i);
	struct item *last = pop(), *next;
	for (int n = 1; n < MANY; n++, last = next) {
		next = pop();
		ck_assert_ptr_nonnull(next);
		ck_assert(last->node.key <= next->node.key);
		if (last->node.key == next->node.key)
			ck_assert_int_lt(last->number, next->number);
	}
	ck_assert_ptr_null(pop());
}
END_TEST

START_TEST(any_node_leaves_and_the_others_keep_their_order)
{
	for (int i = 0; i < MANY; i++)
		heap_set(&heap, &items[i].node, (i * 7919) % MANY, 0);
	for (int i = 0; i < MANY; i += 3) {
		heap_remove(&heap, &items[i].node);
		ck_assert(!heap_has(&items[i].node));
	}
	int64_t before = -1;
	int left = 0;
	for (struct item *item; (item = pop()); left++) {
		ck_assert_int_ne(item->number % 3, 0);
		ck_assert_int_gt(item->node.key, before);
		before = item->node.key;
	}
	ck_assert_int_eq(left, MANY - (MANY + 2) / 3);
}
END_TEST

START_TEST(node_moves_both_ways)
{
	for (int i = 0; i < 100; i++)
		heap_set(&heap, &items[i].node, 100 + i, 0);
	heap_set(&heap, &items[99].node, 1, 0);
	ck_assert_ptr_eq(heap_top(&heap), &items[99].node);
	heap_set(&heap, &items[99].node, 1000, 0);
	ck_assert_ptr_eq(heap_top(&heap), &items[0].node);
	ck_assert_uint_eq(heap.count, 100);
}
END_TEST

START_TEST(node_that_was_popped_may_come_back)
{
	heap_set(&heap, &items[0].node, 5, 0);
	ck_assert_ptr_eq(pop(), &items[0]);
	ck_assert(!heap_has(&items[0].node));
	heap_push(&heap, &items[0].node);
	ck_assert_ptr_eq(pop(), &items[0]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("heap");
	TCase *tcase = tcase_create("heap");

	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_test(tcase, new_heap_is_empty);
	tcase_add_loop_test(tcase, smallest_key_comes_first_and_equal_keys_by_their_tie, 0, 5);
	tcase_add_test(tcase, any_node_leaves_and_the_others_keep_their_order);
	tcase_add_test(tcase, node_moves_both_ways);
	tcase_add_test(tcase, node_that_was_popped_may_come_back);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
