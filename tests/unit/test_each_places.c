/* {} and its kin, and how words are quoted for a shell. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskctl/each_places.h"
#include "client/taskctl/shell_words.h"
#include "client/taskctl/taskctl.h"

void *must(void *p)
{
	ck_assert_ptr_nonnull(p);
	return p;
}

/* Words with bars between them. */
static struct words {
	char text[512];
	char *words[32];
	size_t n;
} command, values;

static void cut(struct words *words, const char *text)
{
	char *word = words->text;

	ck_assert_uint_lt(strlen(text), sizeof words->text);
	strcpy(words->text, text);
	for (words->n = 0; word; words->n++)
		words->words[words->n] = strsep(&word, "|");
}

static struct places *read_places(const char *text, size_t n_sources)
{
	char *error = NULL;
	struct places *places;

	cut(&command, text);
	places = places_new(command.words, command.n, n_sources, &error);
	ck_assert_msg(places != NULL, "%s", error ? error : "");
	return places;
}

static void check_argv(const char *text, const char *values_text, uint64_t number, const char *wanted)
{
	cut(&values, values_text);
	struct place_values filled = { .values = values.words, .n = values.n, .number = number };
	struct places *places = read_places(text, values.n);
	char **argv = places_argv(places, &filled), got[1024] = "";

	for (size_t i = 0; argv[i]; i++) {
		strcat(got, i > 0 ? "|" : "");
		strcat(got, argv[i]);
	}
	ck_assert_str_eq(got, wanted);
	free(argv);
	places_free(places);
}

static void check_line(const char *text, const char *values_text, const char *wanted)
{
	cut(&values, values_text);
	struct place_values filled = { .values = values.words, .n = values.n, .number = 1 };
	struct places *places = read_places(text, values.n);
	char *line = places_line(places, &filled);

	ck_assert_str_eq(line, wanted);
	free(line);
	places_free(places);
}

static const struct {
	const char *value, *stem, *base, *folder, *base_stem;
} paths[] = {
	{ "a.txt", "a", "a.txt", ".", "a" },
	{ "dir/a.tar.gz", "dir/a.tar", "a.tar.gz", "dir", "a.tar" },
	{ "dir.d/a", "dir.d/a", "a", "dir.d", "a" },
	{ "/a.b", "/a", "a.b", "/", "a" },
	{ "//x/y/", "//x/y", "y", "//x", "y" },
	{ "/", "/", "", "/", "" },
	{ "dir/.bashrc", "dir/.bashrc", ".bashrc", "dir", ".bashrc" },
	{ "a.", "a", "a.", ".", "a" },
	{ "", "", "", ".", "" },
	{ "a//b.c", "a//b", "b.c", "a", "b" },
};

START_TEST(each_place_takes_its_part_of_a_path)
{
	char wanted[256];

	snprintf(wanted, sizeof wanted, "%s|%s|%s|%s|%s|<%s>", paths[_i].value, paths[_i].stem, paths[_i].base,
		paths[_i].folder, paths[_i].base_stem, paths[_i].stem);
	check_argv("{}|{.}|{/}|{//}|{/.}|<{1.}>", paths[_i].value, 1, wanted);
}
END_TEST

START_TEST(a_command_without_places_gets_the_value_last)
{
	check_argv("gzip|-9", "a b", 1, "gzip|-9|a b");
	check_argv("echo|{#}", "a", 17, "echo|17");
	check_argv("echo", "a|b", 1, "echo|a|b");
}
END_TEST

START_TEST(several_sources_are_words_of_their_own_only_where_a_word_is_nothing_else)
{
	check_argv("{}|<{}>|{.}|{2}{1.}", "x.c|y z", 1, "x.c|y z|<x.c y z>|x|y z|y zx");
}
END_TEST

START_TEST(other_braces_are_themselves)
{
	check_argv("{print}|${x}|{|}|{ }|{1x}|{0}|{{}}|{1234567}|{/./}", "v", 1,
		"{print}|${x}|{|}|{ }|{1x}|{0}|{v}|{1234567}|{/./}");
}
END_TEST

START_TEST(a_source_that_is_not_there_is_an_error)
{
	char *error = NULL;

	cut(&command, "echo|{3}");
	ck_assert_ptr_null(places_new(command.words, 2, 2, &error));
	ck_assert_str_eq(error, "{3}: there are only 2 sources of values");
	free(error);
}
END_TEST

START_TEST(in_a_line_the_values_are_quoted_and_the_rest_is_not)
{
	check_line("cat|{} && wc >{/.}.n", "a/it's here.txt", "cat 'a/it'\\''s here.txt' && wc >'it'\\''s here'.n");
	check_line("echo", "a|$b", "echo a '$b'");
	check_line("echo {}", "", "echo ''");
}
END_TEST

/* SECRET: the words of TEXT, from 0; WANTED: the line that a person sees of all. */
static void check_shown(const char *text, const char *values_text, const int *secret, size_t n, const char *wanted)
{
	cut(&values, values_text);
	struct place_values filled = { .values = values.words, .n = values.n, .number = 1 };
	struct places *places = read_places(text, values.n);
	char **argv = places_argv(places, &filled), *line;
	int *spread;
	size_t n_spread = places_spread(places, values.n, secret, n, &spread);

	line = shell_line(argv, spread, n_spread);
	ck_assert_str_eq(line, wanted);
	free(line);
	free(spread);
	free(argv);
	places_free(places);
}

START_TEST(what_is_secret_is_in_no_line_though_a_word_has_become_several)
{
	check_shown("curl|-u|me:word|{}", "a b", (const int[]){ 2 }, 1, "curl -u *** 'a b'");
	check_shown("echo|{}|x|y", "1|2|3", (const int[]){ 2 }, 1, "echo 1 2 3 *** y");
	check_shown("echo|{}|x|y", "1|2|3", (const int[]){ 3, 1 }, 2, "echo *** *** *** x ***");
	check_shown("echo|{2}-{1}|{1}", "1|2", (const int[]){ 2 }, 1, "echo 2-1 ***");
	check_shown("echo|x", "1|2", (const int[]){ 2 }, 1, "echo x *** ***");
	check_shown("echo|x", "1", NULL, 0, "echo x 1");
}
END_TEST

static void check_quoted(const char *word, const char *in_shell, const char *on_line)
{
	struct strbuf out = STRBUF_INIT;

	shell_quote(&out, word);
	ck_assert_str_eq(out.data, in_shell);
	strbuf_reset(&out);
	shell_quote_line(&out, word);
	ck_assert_str_eq(out.data, on_line);
	strbuf_free(&out);
}

START_TEST(words_are_quoted_where_a_shell_would_see_more_in_them)
{
	check_quoted("plain-1.2/x", "plain-1.2/x", "plain-1.2/x");
	check_quoted("", "''", "''");
	check_quoted("a b", "'a b'", "'a b'");
	check_quoted("'", "''\\'''", "''\\'''");
	check_quoted("~", "'~'", "'~'");
	check_quoted("\xc3\xa4", "'\xc3\xa4'", "'\xc3\xa4'");
	check_quoted("a\nb\t'\\\x01", "'a\nb\t'\\''\\\x01'", "$'a\\nb\\t\\'\\\\\\001'");
}
END_TEST

/* The judge is a shell. */
START_TEST(a_shell_reads_the_same_word_again)
{
	static const char word[] = "a'b\"c\\d\n$e `f` *!#\x7f";
	struct places *places = read_places("printf %s", 1);
	struct place_values filled = { .values = values.words, .n = 1, .number = 1 };
	char text[256] = "", *line;
	FILE *shell;

	cut(&values, word);
	line = places_line(places, &filled);
	shell = popen(line, "r");
	ck_assert_ptr_nonnull(shell);
	ck_assert_uint_gt(fread(text, 1, sizeof text - 1, shell), 0);
	ck_assert_int_eq(pclose(shell), 0);
	ck_assert_str_eq(text, word);
	free(line);
	places_free(places);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("places");
	Suite *suite = suite_create("places");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, each_place_takes_its_part_of_a_path, 0, (int)(sizeof paths / sizeof paths[0]));
	tcase_add_test(tcase, a_command_without_places_gets_the_value_last);
	tcase_add_test(tcase, several_sources_are_words_of_their_own_only_where_a_word_is_nothing_else);
	tcase_add_test(tcase, other_braces_are_themselves);
	tcase_add_test(tcase, a_source_that_is_not_there_is_an_error);
	tcase_add_test(tcase, in_a_line_the_values_are_quoted_and_the_rest_is_not);
	tcase_add_test(tcase, what_is_secret_is_in_no_line_though_a_word_has_become_several);
	tcase_add_test(tcase, words_are_quoted_where_a_shell_would_see_more_in_them);
	tcase_add_test(tcase, a_shell_reads_the_same_word_again);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
