/* Named commands: what their texts mean, what is wrong with them, and what arguments make of them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/template.h"
#include "proto/command.h"
#include "proto/json_scan.h"
#include "proto/strbuf.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct config_command section;
static struct template *template;
static char error[400];

/* A section of which nothing is said but these. */
static void section_set(const char *argv, const char *parameters)
{
	section = (struct config_command){
		.name = (char *)"x",
		.argv = (char *)argv,
		.parameters = (char *)parameters,
		.limit_memory = -1,
		.limit_processes = -1,
		.limit_cpu = -1,
		.limit_files = -1,
		.limit_file_size = -1,
		.capture = -1,
	};
}

static void make(void)
{
	char *reason = NULL;
	template = template_new(&section, &reason);
	ck_assert_msg(template != NULL, "%s", reason);
	ck_assert_ptr_null(reason);
}

static void refuse(const char *wanted)
{
	char *reason = NULL;
	ck_assert_ptr_null(template_new(&section, &reason));
	ck_assert_ptr_nonnull(reason);
	ck_assert_str_eq(reason, wanted);
	free(reason);
}

/* What ARGS make of it, malloc'ed; NULL with `error`. */
static char *expand(const char *args)
{
	struct strbuf out = STRBUF_INIT;
	struct json_span span = { 0 };
	if (args)
		ck_assert_msg(json_scan(args, strlen(args), &span, NULL, NULL) == 0, "%s", args);
	strcpy(error, "");
	strbuf_puts(&out, "before ");
	if (template_expand(template, &span, &out, error, sizeof(error)) < 0) {
		strbuf_free(&out);
		return NULL;
	}
	char *text = strdup(out.data + 7);
	strbuf_free(&out);
	return text;
}

static void expect(const char *args, const char *wanted)
{
	char *text = expand(args);
	ck_assert_msg(text != NULL, "%s: %s", args, error);
	ck_assert_str_eq(text, wanted);
	free(text);
}

/* --- words --- */

static const struct {
	const char *argv, *expanded;
} words[] = {
	{ "true", "[\"true\"]" },
	{ "  a\tb  c ", "[\"a\",\"b\",\"c\"]" },
	{ "a 'b c' \"d e\"", "[\"a\",\"b c\",\"d e\"]" },
	{ "a '' \"\"", "[\"a\",\"\",\"\"]" },
	{ "a b'c d'\"e f\"g", "[\"a\",\"bc de fg\"]" },
	{ "a b\\ c \\' \\\\", "[\"a\",\"b c\",\"'\",\"\\\\\"]" },
	{ "a \"\\\"\\\\\\$\\`\\n\" '\\n'", "[\"a\",\"\\\"\\\\$`\\\\n\",\"\\\\n\"]" },
	{ "a $HOME * ~ | > b & `c` $(d)", "[\"a\",\"$HOME\",\"*\",\"~\",\"|\",\">\",\"b\",\"&\",\"`c`\",\"$(d)\"]" },
	{ "a {{b}} '{{}}' \"}}{{\"", "[\"a\",\"{b}\",\"{}\",\"}{\"]" },
	{ "a \\{b\\} \\{\\{", "[\"a\",\"{b}\",\"{{\"]" },
	{ "a gr\xc3\xbcn", "[\"a\",\"gr\xc3\xbcn\"]" },
};

START_TEST(words_are_cut_as_a_shell_cuts_them)
{
	char wanted[256];
	section_set(words[_i].argv, NULL);
	make();
	snprintf(wanted, sizeof(wanted), "{\"argv\":%s}", words[_i].expanded);
	expect("[]", wanted);
	expect("{}", wanted);
	expect(NULL, wanted);
	ck_assert_str_eq(template_parameters(template), "");
}
END_TEST

/* --- places and types --- */

START_TEST(a_place_is_never_several_words)
{
	section_set("p {a} -x{a}y{b} '{a} z' \"{b}\" {{{a}}}", "a b");
	make();
	expect("[\"1 '2\\n\",\"$(x)\"]",
		"{\"argv\":[\"p\",\"1 '2\\n\",\"-x1 '2\\ny$(x)\",\"1 '2\\n z\",\"$(x)\",\"{1 '2\\n}\"]}");
	expect("{\"b\":\"{a}\",\"a\":\"\"}", "{\"argv\":[\"p\",\"\",\"-xy{a}\",\" z\",\"{a}\",\"{}\"]}");
	ck_assert_str_eq(template_parameters(template), "a: string, b: string");
}
END_TEST

START_TEST(types_are_kept)
{
	section_set("p {s} {i} {n} {f} {w}", "s:string i:integer n:number f:path w:png|jpeg|2");
	make();
	ck_assert_str_eq(template_parameters(template), "s: string, i: integer, n: number, f: path, w: png|jpeg|2");
	expect("[\"x\",5,1.50,\"a b\",\"png\"]", "{\"argv\":[\"p\",\"x\",\"5\",\"1.50\",\"a b\",\"png\"]}");
	expect("[true,-5,-1e3,\"-\",2]", "{\"argv\":[\"p\",\"true\",\"-5\",\"-1e3\",\"./-\",\"2\"]}");
	/* A command line does not tell numbers from strings. */
	expect("[2024,0,7,2024,\"2\"]", "{\"argv\":[\"p\",\"2024\",\"0\",\"7\",\"2024\",\"2\"]}");
}
END_TEST

START_TEST(a_path_is_no_option)
{
	section_set("p {f} -f{f} --in={f} {f...}", "f:path");
	refuse("argv: {f...}: f is no list");
	section_set("p {f} -f{f} {fs...}", "f:path fs:path...");
	make();
	expect("[\"-r\",\"-a\",\"b\",\"/-c\"]", "{\"argv\":[\"p\",\"./-r\",\"-f-r\",\"./-a\",\"b\",\"/-c\"]}");
}
END_TEST

START_TEST(defaults_stand_for_what_is_absent)
{
	section_set("p {a} {b} {c} {d}", "a b=5 c:integer=-1 d:string='x y'");
	make();
	ck_assert_str_eq(template_parameters(template), "a: string, b: string = 5, c: integer = -1, d: string = x y");
	expect("[\"1\"]", "{\"argv\":[\"p\",\"1\",\"5\",\"-1\",\"x y\"]}");
	expect("[\"1\",\"2\",3,\"\"]", "{\"argv\":[\"p\",\"1\",\"2\",\"3\",\"\"]}");
	expect("{\"d\":\"4\",\"a\":\"1\"}", "{\"argv\":[\"p\",\"1\",\"5\",\"-1\",\"4\"]}");
	expect("{\"a\":\"1\",\"c\":null}", "{\"argv\":[\"p\",\"1\",\"5\",\"-1\",\"x y\"]}");
	template_free(template);
	section_set("p '{a}'", "a=");
	make();
	expect("[]", "{\"argv\":[\"p\",\"\"]}");
	ck_assert_str_eq(template_parameters(template), "a: string = \"\"");
}
END_TEST

START_TEST(a_list_is_words_of_their_own)
{
	section_set("tar -C {d} -cf - -- {files...} end", "d:path=/ files:path...");
	make();
	ck_assert_str_eq(template_parameters(template), "d: path = /, files: path...");
	expect("[\"/a\",\"b c\",\"d\"]", "{\"argv\":[\"tar\",\"-C\",\"/a\",\"-cf\",\"-\",\"--\",\"b c\",\"d\",\"end\"]}");
	expect("{\"files\":[\"b\",\"c\"]}", "{\"argv\":[\"tar\",\"-C\",\"/\",\"-cf\",\"-\",\"--\",\"b\",\"c\",\"end\"]}");
	expect("{\"files\":\"b\"}", "{\"argv\":[\"tar\",\"-C\",\"/\",\"-cf\",\"-\",\"--\",\"b\",\"end\"]}");
	ck_assert_ptr_null(expand("[\"/a\"]"));
	ck_assert_str_eq(error, "parameter \"files\" is missing");
	ck_assert_ptr_null(expand("{\"files\":[]}"));
	ck_assert_str_eq(error, "parameter \"files\" is empty");
	template_free(template);
	section_set("echo {words...}", "words:string...=");
	make();
	ck_assert_str_eq(template_parameters(template), "words: string... = none");
	expect("[]", "{\"argv\":[\"echo\"]}");
	expect("{\"words\":[]}", "{\"argv\":[\"echo\"]}");
	expect("[\"a\",5,true]", "{\"argv\":[\"echo\",\"a\",\"5\",\"true\"]}");
	template_free(template);
	section_set("echo {words...}", "words:string...=hello");
	make();
	expect("[]", "{\"argv\":[\"echo\",\"hello\"]}");
	expect("[\"a\",\"b\"]", "{\"argv\":[\"echo\",\"a\",\"b\"]}");
}
END_TEST

/* As task.map hands them on. */
START_TEST(what_is_secret_is_said_before_all_else)
{
	section_set("login -p {password} --as={user}:{password} {file...}", "user password file:path...");
	section.secret = (char *)"password file";
	make();
	expect("[\"me\",\"x y\",\"a\",\"b\"]",
		"{\"secret\":[2,3,4,5],\"argv\":[\"login\",\"-p\",\"x y\",\"--as=me:x y\",\"a\",\"b\"]}");
}
END_TEST

static void expect_told(const char *args, const char *wanted)
{
	ck_assert_msg(expand(args) == NULL, "%s", args);
	ck_assert_str_eq(error, wanted);
}

START_TEST(what_is_wrong_with_a_secret_does_not_show_it)
{
	section_set("unlock {pin} {door} {count}", "pin:integer door:front|back count:integer");
	section.secret = (char *)"pin door";
	make();
	expect_told("[\"4711x\",\"front\",1]", "parameter \"pin\" must be an integer");
	expect_told("[[4711],\"front\",1]", "parameter \"pin\" must be an integer");
	expect_told("[4711,\"side\",1]", "parameter \"door\" must be a word");
	expect_told("[4711,\"front\",\"x\"]", "parameter \"count\" must be an integer, not \"x\"");
	section.secret = (char *)"pinn";
	refuse("secret: pinn is no parameter; did you mean pin?");
}
END_TEST

START_TEST(paths_have_no_place_for_what_is_secret)
{
	section_set("cat", "who word");
	section.secret = (char *)"word";
	section.env = (char *)"WORD={word}";
	section.cwd = (char *)"/home/{who}";
	make();
	section.cwd = (char *)"/home/{who}/{word}";
	refuse("cwd: word is secret, and paths are told in errors");
	section.cwd = NULL;
	section.stdin_file = (char *)"/home/{who}/{word}";
	refuse("stdin_file: word is secret, and paths are told in errors");
}
END_TEST

START_TEST(an_item_may_be_the_arguments)
{
	section_set("p {a} {b}", "a b:integer=1");
	make();
	expect("[[\"x\",2]]", "{\"argv\":[\"p\",\"x\",\"2\"]}");
	expect("[{\"b\":3,\"a\":\"x\"}]", "{\"argv\":[\"p\",\"x\",\"3\"]}");
	expect("[\"x\"]", "{\"argv\":[\"p\",\"x\",\"1\"]}");
}
END_TEST

START_TEST(what_is_around_the_command_goes_along)
{
	section_set("p", "a:path dir");
	section.cwd = (char *)"/srv/{dir}";
	section.stdin_file = (char *)"/srv/{{in}}/{a}";
	section.env = (char *)"LANG=C 'TITLE=of {a}' EMPTY=";
	section.umask = (char *)"077";
	section.success = (char *)"0 1  24";
	section.nice = 5;
	section.limit_memory = 1 << 20;
	section.limit_processes = 8;
	section.limit_cpu = INT64_C(90000000000);
	section.limit_files = 16;
	section.limit_core = 4096;
	section.limit_file_size = 0;
	section.capture = 0;
	make();
	expect("[\"-x\",\"d e\"]",
		"{\"argv\":[\"p\"],\"cwd\":\"/srv/d e\",\"env\":{\"LANG\":\"C\",\"TITLE\":\"of -x\",\"EMPTY\":\"\"},"
		"\"stdin_file\":\"/srv/{in}/-x\",\"nice\":5,\"limit_memory\":1048576,\"limit_processes\":8,\"limit_cpu\":90,"
		"\"limit_files\":16,\"limit_core\":4096,\"limit_file_size\":0,\"capture\":0,\"umask\":\"077\","
		"\"success\":[0,1,24]}");
}
END_TEST

/* --- what is wrong with arguments --- */

static const struct {
	const char *args, *error;
} bad_args[] = {
	{ "[]", "parameter \"input\" is missing" },
	{ "{}", "parameter \"input\" is missing" },
	{ "[null]", "parameter \"input\" is missing" },
	{ "[\"a\",1,2,\"png\",5]", "5 arguments are too many: there are 4 at most" },
	{ "{\"input\":\"a\",\"sise\":1}", "unknown parameter \"sise\": did you mean \"size\"?" },
	{ "{\"input\":\"a\",\"elephant\":1}", "unknown parameter \"elephant\"" },
	{ "{\"input\":\"a\",\"input\":\"b\"}", "parameter \"input\" is given twice" },
	{ "[\"\"]", "parameter \"input\" must be a path, not \"\"" },
	{ "[{\"input\":{}}]", "parameter \"input\" must be a path, not {}" },
	{ "[[\"a\"],1]", "parameter \"input\" must be a path, not [\"a\"]" },
	{ "[\"a\",\"5\"]", "parameter \"size\" must be an integer, not \"5\"" },
	{ "[\"a\",1.5]", "parameter \"size\" must be an integer, not \"1.5\"" },
	{ "[\"a\",true]", "parameter \"size\" must be an integer, not \"true\"" },
	{ "[\"a\",1,true]", "parameter \"scale\" must be a number, not \"true\"" },
	{ "[\"a\",1,1,\"pgn\"]", "parameter \"format\" must be one of \"png\", \"jpeg\", not \"pgn\": did you mean \"png\"?" },
	{ "[\"a\",1,1,[\"png\"]]", "parameter \"format\" must be a word, not [\"png\"]" },
};

START_TEST(wrong_arguments_are_told)
{
	section_set("p {input} {size} {scale} {format}", "input:path size:integer=128 scale:number=1 format:png|jpeg=png");
	make();
	ck_assert_msg(expand(bad_args[_i].args) == NULL, "%s", bad_args[_i].args);
	ck_assert_str_eq(error, bad_args[_i].error);
}
END_TEST

START_TEST(a_command_without_parameters_takes_none)
{
	section_set("p", NULL);
	make();
	ck_assert_ptr_null(expand("[1]"));
	ck_assert_str_eq(error, "1 arguments are too many: there are 0 at most");
	ck_assert_ptr_null(expand("{\"a\":1}"));
	ck_assert_str_eq(error, "unknown parameter \"a\": this command takes none");
}
END_TEST

START_TEST(what_exec_would_refuse_is_refused)
{
	struct strbuf args = STRBUF_INIT;
	section_set("p {a} {a}{a}", "a");
	make();
	strbuf_puts(&args, "[\"");
	for (int i = 0; i < 100000; i++)
		strbuf_puts(&args, "x");
	strbuf_puts(&args, "\"]");
	ck_assert_ptr_null(expand(args.data));
	ck_assert_str_eq(error, "element 2 of \"argv\" has 200000 bytes: the kernel takes 131071 at most");
	strbuf_reset(&args);
	strbuf_puts(&args, "[\"");
	for (int i = 0; i < 140000; i++)
		strbuf_puts(&args, "x");
	strbuf_puts(&args, "\"]");
	ck_assert_ptr_null(expand(args.data));
	ck_assert_str_eq(error, "parameter \"a\" has 140000 bytes: the kernel takes 131071 at most");
	strbuf_free(&args);
}
END_TEST

/* --- what is wrong with a section --- */

static const struct {
	const char *argv, *parameters, *error;
} bad_sections[] = {
	{ "", NULL, "argv: it is empty" },
	{ "''", NULL, "argv: the program's name is empty" },
	{ "a 'b", NULL, "argv: a quote is not closed: '" },
	{ "a \"b\\\"", NULL, "argv: a quote is not closed: \"" },
	{ "a b\\", NULL, "argv: a backslash at the end" },
	{ "a {", NULL, "argv: a brace that begins no {NAME}, in {; for itself it is written {{" },
	{ "a x{}", NULL, "argv: a brace that begins no {NAME}, in {}; for itself it is written {{" },
	{ "a {b", "b", "argv: a brace that begins no {NAME}, in {b; for itself it is written {{" },
	{ "a {b-c}", "b", "argv: a brace that begins no {NAME}, in {b-c}; for itself it is written {{" },
	{ "a b}", NULL, "argv: a brace that ends no {NAME}, in b}; for itself it is written }}" },
	{ "a {b}", NULL, "argv: {b} is not in parameters" },
	{ "a {sise}", "size", "argv: {sise} is no parameter; did you mean {size}?" },
	{ "a {b...}", "b", "argv: {b...}: b is no list" },
	{ "a {b}", "b:path...", "argv: b is a list: its place is {b...}, a word of its own" },
	{ "a x{b...}", "b:path...", "argv: b is a list: its place is {b...}, a word of its own" },
	{ "a {b...}x", "b:path...", "argv: b is a list: its place is {b...}, a word of its own" },
	{ "{a} b", "a", "argv: the program has a place: it cannot be left to those who submit" },
	{ "{a...}", "a:string...", "argv: the program has a place: it cannot be left to those who submit" },
#define SHELL "argv: the shell would read what is put into that place: give it as an argument, sh -c 'echo \"$1\"' sh {NAME}"
	{ "sh -c 'ls {a}'", "a", SHELL },
	{ "/bin/bash -e -o pipefail -c {a}", "a", SHELL },
	{ "/usr/bin/nice /bin/sh -ec 'ls {a}'", "a", SHELL },
	{ "a {b}", "b:strin", "parameters: b: strin is no type; did you mean string?" },
	{ "a {b}", "b:elephant",
		"parameters: b: elephant is no type; there are string, integer, number, path, and words with | between them" },
	{ "a {b}", "b:", "parameters: b:  is no type; there are string, integer, number, path, and words with | between them" },
	{ "a {b}", "b:integer...", "parameters: b: a list has the type string... or path..." },
	{ "a {b}", "b:x||y", "parameters: b: an empty word beside a |" },
	{ "a {b}", "b:x|", "parameters: b: an empty word beside a |" },
	{ "a {b}", "b:x|y|x", "parameters: b: the word x is there twice" },
	{ "a {b}", "b:x|y=z", "parameters: b: its default must be one of \"x\", \"y\", not \"z\"" },
	{ "a {b}", "b:integer=x", "parameters: b: its default must be an integer, not \"x\"" },
	{ "a {b}", "b:integer=", "parameters: b: its default must be an integer, not \"\"" },
	{ "a {b}", "b:number=0x1", "parameters: b: its default must be a number, not \"0x1\"" },
	{ "a {b}", "b:path=", "parameters: b: its default must be a path, not \"\"" },
	{ "a {b}", "b b", "parameters: b is there twice" },
	{ "a {b} {c}", "b=1 c", "parameters: c has no default, and comes behind b, which has one" },
	{ "a {b...} {c}", "b:path... c", "parameters: b is a list: it comes last" },
	{ "a {b}", "b c", "parameters: c has no place: {c} is nowhere" },
	{ "a {b}", "b c:path...", "parameters: c has no place: {c...} is nowhere" },
	{ "a", "1b", "parameters: \"1b\" is no name of a parameter: it has letters, digits and _" },
	{ "a", "b-c", "parameters: \"b-c\" is no name of a parameter: it has letters, digits and _" },
	{ "a", ":string", "parameters: \"\" is no name of a parameter: it has letters, digits and _" },
	{ "a", "'b", "parameters: a quote is not closed: '" },
};

START_TEST(a_wrong_command_line_is_told)
{
	section_set(bad_sections[_i].argv, bad_sections[_i].parameters);
	refuse(bad_sections[_i].error);
}
END_TEST

/* As the first argument of a line that was given, it does no harm. */
START_TEST(a_shell_may_have_arguments)
{
	section_set("sh -c 'echo \"$1\"' sh {a}", "a");
	make();
	expect("[\"$(reboot)\"]", "{\"argv\":[\"sh\",\"-c\",\"echo \\\"$1\\\"\",\"sh\",\"$(reboot)\"]}");
	template_free(template);
	section_set("bash script.sh -c {a}", "a");
	make();
}
END_TEST

START_TEST(what_is_wrong_around_the_command_is_told)
{
	static const struct {
		const char *env, *cwd, *stdin_file, *umask, *success, *error;
	} cases[] = {
		{ .env = "A", .error = "env: A is not NAME=value" },
		{ .env = "=b", .error = "env: =b is not NAME=value" },
		{ .env = "{a}=b", .error = "env: the name {a} has a brace" },
		{ .env = "A=1 A=2", .error = "env: A is there twice" },
		{ .env = "A={b}", .error = "env: {b} is not in parameters" },
		{ .env = "A={l...}", .error = "env: A: a list has no place here" },
		{ .env = "A='b", .error = "env: a quote is not closed: '" },
		{ .cwd = "/{b}", .error = "cwd: {b} is not in parameters" },
		{ .cwd = "/{", .error = "cwd: a brace that begins no {NAME}, in {; for itself it is written {{" },
		{ .stdin_file = "/{l}", .error = "stdin_file: l is a list: its place is {l...}, a word of its own" },
		{ .umask = "8", .error = "umask: 8 is not an octal number such as 022" },
		{ .umask = "1777", .error = "umask: 1777 is not an octal number such as 022" },
		{ .success = "0,1", .error = "success: 0,1 is not an exit status from 0 to 255" },
		{ .success = "256", .error = "success: 256 is not an exit status from 0 to 255" },
		{ .success = "-1", .error = "success: -1 is not an exit status from 0 to 255" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		section_set("p {a} {l...}", "a l:string...=");
		section.env = (char *)cases[i].env;
		section.cwd = (char *)cases[i].cwd;
		section.stdin_file = (char *)cases[i].stdin_file;
		section.umask = (char *)cases[i].umask;
		section.success = (char *)cases[i].success;
		refuse(cases[i].error);
	}
}
END_TEST

static void setup(void)
{
	template = NULL;
}

static void teardown(void)
{
	template_free(template);
}

int main(void)
{
	Suite *suite = suite_create("template");
	TCase *tcase = tcase_create("template");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, words_are_cut_as_a_shell_cuts_them, 0, (int)COUNT(words));
	tcase_add_test(tcase, a_place_is_never_several_words);
	tcase_add_test(tcase, types_are_kept);
	tcase_add_test(tcase, a_path_is_no_option);
	tcase_add_test(tcase, defaults_stand_for_what_is_absent);
	tcase_add_test(tcase, a_list_is_words_of_their_own);
	tcase_add_test(tcase, an_item_may_be_the_arguments);
	tcase_add_test(tcase, what_is_secret_is_said_before_all_else);
	tcase_add_test(tcase, what_is_wrong_with_a_secret_does_not_show_it);
	tcase_add_test(tcase, paths_have_no_place_for_what_is_secret);
	tcase_add_test(tcase, what_is_around_the_command_goes_along);
	tcase_add_loop_test(tcase, wrong_arguments_are_told, 0, (int)COUNT(bad_args));
	tcase_add_test(tcase, a_command_without_parameters_takes_none);
	tcase_add_test(tcase, what_exec_would_refuse_is_refused);
	tcase_add_loop_test(tcase, a_wrong_command_line_is_told, 0, (int)COUNT(bad_sections));
	tcase_add_test(tcase, a_shell_may_have_arguments);
	tcase_add_test(tcase, what_is_wrong_around_the_command_is_told);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
