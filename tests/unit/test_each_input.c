/* Values: all combinations of words, and what comes from a descriptor; which words are which. */
#include <check.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/taskctl/each_input.h"
#include "client/taskctl/each_sources.h"
#include "client/taskctl/taskctl.h"

void *must(void *p)
{
	ck_assert_ptr_nonnull(p);
	return p;
}

/* Words with bars between them. */
static struct words {
	char text[256];
	char *words[32];
	size_t n;
} words[3];

static struct each_source cut(int i, const char *text)
{
	char *word = words[i].text;

	strcpy(words[i].text, text);
	for (words[i].n = 0; word; words[i].n++)
		words[i].words[words[i].n] = strsep(&word, "|");
	return (struct each_source){ .words = words[i].words, .n = words[i].n };
}

static int ends[2];

static void setup(void)
{
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
}

static void feed(const char *text, size_t length)
{
	ck_assert_int_eq(write(ends[1], text, length), (ssize_t)length);
}

static void check_value(struct each_input *input, const char *wanted)
{
	char **values;
	size_t n;

	ck_assert_int_eq(each_input_next(input, &values, &n), EACH_VALUES);
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(values[0], wanted);
}

static void check_next(struct each_input *input, enum each_next wanted)
{
	char **values;
	size_t n;

	ck_assert_int_eq(each_input_next(input, &values, &n), wanted);
}

START_TEST(words_of_several_sources_are_combined)
{
	static const char *const wanted[] = { "a1x", "a2x", "b1x", "b2x" };
	struct each_source sources[] = { cut(0, "a|b"), cut(1, "1|2"), cut(2, "x") };
	struct each_input *input = each_input_of_words(sources, 3);
	char **values, got[16];
	size_t n;

	ck_assert_uint_eq(each_input_total(input), 4);
	ck_assert_int_eq(each_input_fd(input), -1);
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(each_input_next(input, &values, &n), EACH_VALUES);
		ck_assert_uint_eq(n, 3);
		ck_assert_str_eq(strcat(strcat(strcpy(got, values[0]), values[1]), values[2]), wanted[i]);
	}
	check_next(input, EACH_END);
	check_next(input, EACH_END);
	each_input_free(input);
}
END_TEST

START_TEST(a_source_without_words_leaves_nothing)
{
	struct each_source sources[] = { cut(0, "a"), { .n = 0 } };
	struct each_input *input = each_input_of_words(sources, 2);

	ck_assert_uint_eq(each_input_total(input), 0);
	check_next(input, EACH_END);
	each_input_free(input);
}
END_TEST

START_TEST(more_combinations_than_can_be_counted_are_many)
{
	struct each_source sources[8];
	char **many = calloc(65536, sizeof *many);
	struct each_input *input;

	for (int i = 0; i < 8; i++)
		sources[i] = (struct each_source){ .words = many, .n = 65536 };
	input = each_input_of_words(sources, 8);
	ck_assert_uint_eq(each_input_total(input), SIZE_MAX);
	each_input_free(input);
	free(many);
}
END_TEST

START_TEST(lines_come_as_they_are_there_and_nothing_waits)
{
	struct each_input *input = each_input_of_fd(ends[0], '\n');

	check_next(input, EACH_WAIT);
	feed("one\ntw", 6);
	check_value(input, "one");
	check_next(input, EACH_WAIT);
	feed("o\n\nlast", 7);
	check_value(input, "two");
	check_value(input, "");
	check_next(input, EACH_WAIT);
	ck_assert_uint_eq(each_input_total(input), 0);
	close(ends[1]);
	check_value(input, "last");
	check_next(input, EACH_END);
	ck_assert_uint_eq(each_input_total(input), 4);
	check_next(input, EACH_END);
	each_input_free(input);
}
END_TEST

START_TEST(values_that_end_with_nul_may_be_several_lines)
{
	struct each_input *input = each_input_of_fd(ends[0], '\0');

	feed("a\nb\0c\0", 6);
	check_value(input, "a\nb");
	check_value(input, "c");
	close(ends[1]);
	check_next(input, EACH_END);
	each_input_free(input);
}
END_TEST

START_TEST(a_line_with_a_nul_is_refused_and_the_next_one_is_not)
{
	struct each_input *input = each_input_of_fd(ends[0], '\n');

	feed("a\0b\nc\n", 6);
	check_next(input, EACH_BAD);
	ck_assert_ptr_nonnull(strstr(each_input_reason(input), "NUL"));
	check_value(input, "c");
	each_input_free(input);
}
END_TEST

/* Longer than a buffer, and cut anywhere. */
START_TEST(long_values_are_whole)
{
	struct each_input *input = each_input_of_fd(ends[0], '\n');
	size_t length = 300000, fed = 0;
	char *text = malloc(length + 1), **values;
	enum each_next next;
	size_t n;

	memset(text, 'x', length);
	text[length - 1] = '\n';
	while ((next = each_input_next(input, &values, &n)) == EACH_WAIT) {
		size_t part = length - fed < 50000 ? length - fed : 50000;

		ck_assert_uint_gt(part, 0);
		feed(text + fed, part);
		fed += part;
	}
	ck_assert_int_eq(next, EACH_VALUES);
	ck_assert_uint_eq(strlen(values[0]), length - 1);
	feed("y\n", 2);
	check_value(input, "y");
	free(text);
	each_input_free(input);
}
END_TEST

START_TEST(a_descriptor_that_cannot_be_read_is_told)
{
	struct each_input *input = each_input_of_fd(open("/", O_RDONLY | O_DIRECTORY), '\n');

	check_next(input, EACH_BROKEN);
	close(each_input_fd(input));
	each_input_free(input);
}
END_TEST

static void check_split(const char *text, const char *command, const char *sources)
{
	struct each_source all = cut(0, text);
	struct each_source room[8];
	struct each_words split = { .sources = room };
	char got[256] = "";

	ck_assert_uint_lt(each_marks(all.words, all.n), 8);
	each_words_split(all.words, all.n, &split);
	for (size_t i = 0; i < split.n_command; i++)
		strcat(strcat(got, split.command[i]), " ");
	ck_assert_str_eq(got, command);
	*got = '\0';
	for (size_t i = 0; i < split.n_sources; i++) {
		strcat(got, "[");
		for (size_t j = 0; j < split.sources[i].n; j++)
			strcat(got, split.sources[i].words[j]);
		strcat(got, "]");
	}
	ck_assert_str_eq(got, sources);
}

START_TEST(values_stand_behind_the_command_or_before_it)
{
	check_split("echo|{}", "echo {} ", "");
	check_split("echo|:::|a|b", "echo ", "[ab]");
	check_split("echo|:::|a|:::|1|-", "echo ", "[a][1-]");
	check_split("echo|:::|a|--|b", "echo ", "[a--b]");
	check_split(":::|a|b|--|echo|{}", "echo {} ", "[ab]");
	check_split(":::|a|:::|b|--|echo|:::|--", "echo ::: -- ", "[a][b]");
	check_split(":::|a|b", "", "[ab]");
	check_split("echo|:::", "echo ", "[]");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("input");
	Suite *suite = suite_create("input");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, words_of_several_sources_are_combined);
	tcase_add_test(tcase, a_source_without_words_leaves_nothing);
	tcase_add_test(tcase, more_combinations_than_can_be_counted_are_many);
	tcase_add_test(tcase, lines_come_as_they_are_there_and_nothing_waits);
	tcase_add_test(tcase, values_that_end_with_nul_may_be_several_lines);
	tcase_add_test(tcase, a_line_with_a_nul_is_refused_and_the_next_one_is_not);
	tcase_add_test(tcase, long_values_are_whole);
	tcase_add_test(tcase, a_descriptor_that_cannot_be_read_is_told);
	tcase_add_test(tcase, values_stand_behind_the_command_or_before_it);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
