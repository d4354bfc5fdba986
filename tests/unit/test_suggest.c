/* "Did you mean": slips are found, other words are not offered. */
#include <check.h>
#include <stdlib.h>

#include "proto/suggest.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const words[] = { "echo", "fib", "sleep", "noop", "task.call", "task.wall", "task.cancel", "task.submit",
	"priority", "timeout", "queue", "a" };

static const struct {
	const char *wanted, *best;
} cases[] = {
	{ "fip", "fib" },
	{ "fbi", "fib" },
	{ "fibb", "fib" },
	{ "fi", "fib" },
	{ "Fib", "fib" },
	{ "fxx", NULL },
	{ "prioritty", "priority" },
	{ "piroirty", "priority" },
	{ "task.cal", "task.call" },
	{ "task.sumbit", "task.submit" },
	{ "timout", "timeout" },
	{ "queu", "queue" },
	{ "nope", NULL },
	{ "frobnicate", NULL },
	{ "", NULL },
	{ "b", NULL },
	{ "xyz", NULL },
	{ "fib", "fib" },
	{ "slepe", "sleep" },
	{ "sle", NULL },
	{ "prio", "priority" },
	{ "pri", NULL },
	{ "task", NULL },
	{ "task.", "task.call" },
	{ "task.s", "task.submit" },
};

START_TEST(slips_find_their_word)
{
	struct suggest suggest;

	suggest_begin(&suggest, cases[_i].wanted);
	for (size_t i = 0; i < COUNT(words); i++)
		suggest_offer(&suggest, words[i]);
	if (cases[_i].best)
		ck_assert_pstr_eq(suggest.best, cases[_i].best);
	else
		ck_assert_msg(!suggest.best, "%s: %s", cases[_i].wanted, suggest.best);
}
END_TEST

START_TEST(the_nearest_wins_and_the_first_among_equals)
{
	struct suggest suggest;

	suggest_begin(&suggest, "timeoutt");
	suggest_offer(&suggest, "timeouts");
	suggest_offer(&suggest, "timeoutx");
	ck_assert_str_eq(suggest.best, "timeouts");
	suggest_offer(&suggest, "timeoutt");
	ck_assert_str_eq(suggest.best, "timeoutt");
	ck_assert_uint_eq(suggest.distance, 0);
}
END_TEST

START_TEST(long_words_are_left_alone)
{
	struct suggest suggest;
	char word[200];

	for (size_t i = 0; i < sizeof(word); i++)
		word[i] = i + 1 < sizeof(word) ? 'x' : '\0';
	suggest_begin(&suggest, word);
	suggest_offer(&suggest, word);
	suggest_offer(&suggest, "x");
	ck_assert_ptr_null(suggest.best);
	suggest_begin(&suggest, "xx");
	suggest_offer(&suggest, word);
	ck_assert_ptr_null(suggest.best);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("suggest");
	TCase *tcase = tcase_create("suggest");
	tcase_add_loop_test(tcase, slips_find_their_word, 0, (int)COUNT(cases));
	tcase_add_test(tcase, the_nearest_wins_and_the_first_among_equals);
	tcase_add_test(tcase, long_words_are_left_alone);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
