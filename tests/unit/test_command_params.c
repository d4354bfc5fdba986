/* The arguments of exec: every form that they may have, what each mistake is told, and the line that people see. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/command.h"
#include "proto/strbuf.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct command_params params;
static char error[320];

static struct json_span scan(const char *text)
{
	struct json_span args;
	ck_assert_msg(json_scan(text, strlen(text), &args, NULL, NULL) == 0, "%.200s", text);
	return args;
}

static int read_args(const char *text)
{
	struct json_span args = scan(text);
	memset(&params, 0xa5, sizeof(params)); /* it need not be zeroed */
	strcpy(error, "");
	return command_read(&args, &params, error, sizeof(error));
}

static void read_well(const char *text)
{
	ck_assert_msg(read_args(text) == 0, "%.200s: %s", text, error);
}

static void expect_error(const char *text, const char *wanted)
{
	ck_assert_msg(read_args(text) == -1, "%.200s", text);
	ck_assert_str_eq(error, wanted);
	ck_assert(!params.argv.strings && !params.env && !params.shell && !params.cwd && !params.stdin_base64);
}

/* --- forms --- */

static const char *const forms[] = {
	"{\"argv\":[\"ls\",\"-l\"],\"cwd\":\"/tmp\"}",
	"[[\"ls\",\"-l\"],null,\"/tmp\"]",
	"[{\"cwd\":\"/tmp\",\"argv\":[\"ls\",\"-l\"]}]",
};

START_TEST(arguments_by_name_by_place_and_as_an_item)
{
	read_well(forms[_i]);
	ck_assert_uint_eq(params.argv.count, 2);
	ck_assert_str_eq(params.argv.strings[0], "ls");
	ck_assert_str_eq(params.argv.strings[1], "-l");
	ck_assert_str_eq(params.cwd, "/tmp");
	ck_assert_ptr_null(params.shell);
	command_free(&params);
	ck_assert_ptr_null(params.argv.strings);
}
END_TEST

START_TEST(what_is_absent_is_the_default)
{
	size_t length;
	read_well("[[\"true\"]]");
	ck_assert(!params.cwd && !params.env && params.n_env == 0 && !params.umask_text && params.nice == 0);
	ck_assert(params.limit_memory == -1 && params.limit_processes == -1 && params.limit_cpu == -1 &&
		params.limit_files == -1 && params.limit_core == -1 && params.limit_file_size == -1);
	ck_assert(params.stdin_text.kind == JSON_NONE && !params.stdin_base64 && !params.stdin_file && !params.stdin_live);
	ck_assert(params.capture == -1 && !params.merge && !params.tty && !params.rows && !params.columns);
	ck_assert(params.fds.count == 0 && !params.direct);
	ck_assert_ptr_null(command_stdin(&params, &length));
	for (int status = -1; status <= 256; status++)
		ck_assert_int_eq(command_succeeds(&params, status), status == 0);
	for (int stream = 0; stream < COMMAND_FDS; stream++)
		ck_assert_int_eq(command_fd_place(&params, stream), -1);
	command_free(&params);
}
END_TEST

START_TEST(what_is_said_is_read)
{
	read_well("{\"shell\":\"a | b\",\"umask\":\"0077\",\"nice\":-5,\"limit_memory\":\"64M\",\"limit_processes\":8,"
		  "\"limit_cpu\":\"2m\",\"limit_files\":64,\"limit_core\":0,\"limit_file_size\":\"1G\",\"capture\":\"4k\","
		  "\"stdin_live\":true,\"success\":[0,1,255],\"fds\":[\"stderr\",\"stdout\"],\"direct\":true}");
	ck_assert_str_eq(params.shell, "a | b");
	ck_assert_str_eq(params.umask_text, "0077");
	ck_assert(params.nice == -5 && params.limit_memory == 64 << 20 && params.limit_processes == 8);
	ck_assert(params.limit_cpu == INT64_C(120000000000) && params.limit_files == 64 && params.limit_core == 0);
	ck_assert(params.limit_file_size == 1 << 30 && params.capture == 4096 && params.stdin_live && params.direct);
	ck_assert_int_eq(command_fd_place(&params, 0), -1);
	ck_assert_int_eq(command_fd_place(&params, 1), 1);
	ck_assert_int_eq(command_fd_place(&params, 2), 0);
	for (int status = 0; status <= 256; status++)
		ck_assert_int_eq(command_succeeds(&params, status), status == 0 || status == 1 || status == 255);
	command_free(&params);
	read_well("{\"shell\":\"x\",\"tty\":true,\"rows\":50,\"columns\":65535,\"fds\":[\"stdin\",\"stdout\"]}");
	ck_assert(params.tty && params.rows == 50 && params.columns == 65535);
	command_free(&params);
	read_well("{\"shell\":\"x\",\"merge\":true,\"fds\":\"stdout\",\"direct\":true,\"success\":[3]}");
	ck_assert(!command_succeeds(&params, 0) && command_succeeds(&params, 3));
	command_free(&params);
}
END_TEST

START_TEST(an_environment_sets_and_takes_away)
{
	read_well("{\"shell\":\"x\",\"env\":{\"LANG\":\"C\",\"EMPTY\":\"\",\"AWAY\":null,\"\\u00e4\":\"a=b\\n\"}}");
	ck_assert_uint_eq(params.n_env, 4);
	ck_assert_str_eq(params.env[0].name, "AWAY"); /* sorted */
	ck_assert_ptr_null(params.env[0].value);
	ck_assert_str_eq(params.env[1].value, "");
	ck_assert_str_eq(params.env[2].value, "C");
	ck_assert_str_eq(params.env[3].name, "\xc3\xa4");
	ck_assert_str_eq(params.env[3].value, "a=b\n");
	command_free(&params);
	read_well("{\"shell\":\"x\",\"env\":{}}");
	ck_assert_uint_eq(params.n_env, 0);
	command_free(&params);
}
END_TEST

static void expect_input(const char *text, const char *wanted, size_t wanted_length)
{
	size_t length = 99;
	read_well(text);
	char *bytes = command_stdin(&params, &length);
	ck_assert_ptr_nonnull(bytes);
	ck_assert_uint_eq(length, wanted_length);
	ck_assert(length == 0 || memcmp(bytes, wanted, length) == 0);
	free(bytes);
	command_free(&params);
}

START_TEST(given_input_is_text_or_base64)
{
	expect_input("{\"shell\":\"x\",\"stdin\":\"a\\n\\u00e4\"}", "a\n\xc3\xa4", 4);
	expect_input("{\"shell\":\"x\",\"stdin\":\"\"}", "", 0);
	expect_input("{\"shell\":\"x\",\"stdin_base64\":\"AP8=\"}", "\0\xff", 2);
	expect_input("{\"shell\":\"x\",\"stdin_base64\":\"\"}", "", 0);
}
END_TEST

/* --- mistakes --- */

static const struct {
	const char *args, *error;
} bad[] = {
	{ "{}", "parameter \"argv\" is missing: an array of the program and its arguments" },
	{ "[]", "parameter \"argv\" is missing: an array of the program and its arguments" },
	{ "{\"argv\":null}", "parameter \"argv\" is missing: an array of the program and its arguments" },
	{ "{\"argv\":[]}", "parameter \"argv\" is empty: its first element is the program" },
	{ "{\"argv\":[\"\",\"a\"]}", "the first element of \"argv\" is empty: it is the program" },
	{ "{\"argv\":\"ls -l\"}", "parameter \"argv\" must be an array of strings, not \"ls -l\"" },
	{ "[\"ls\",\"-l\"]", "parameter \"argv\" must be an array of strings, not \"ls\"" },
	{ "{\"argv\":[\"ls\",5]}", "parameter \"argv\" must be an array of strings, not of 5" },
	{ "{\"argv\":[\"ls\"],\"shell\":\"ls\"}", "parameters \"argv\" and \"shell\" exclude each other" },
	{ "{\"argv\":[],\"shell\":\"ls\"}", "parameters \"argv\" and \"shell\" exclude each other" },
	{ "{\"shell\":\"\"}", "parameter \"shell\" is empty" },
	{ "{\"shel\":\"ls\"}", "unknown parameter \"shel\": did you mean \"shell\"?" },
	{ "{\"shell\":\"x\",\"limit_procs\":1}", "unknown parameter \"limit_procs\"" },
	{ "{\"shell\":\"x\",\"cwd\":\"tmp\"}", "parameter \"cwd\" must be an absolute path, not \"tmp\"" },
	{ "{\"shell\":\"x\",\"cwd\":\"\"}", "parameter \"cwd\" must be an absolute path, not \"\"" },
	{ "{\"shell\":\"x\",\"env\":[\"A=b\"]}", "parameter \"env\" must be an object, not an array" },
	{ "{\"shell\":\"x\",\"env\":{\"\":\"b\"}}", "a name in \"env\" is empty" },
	{ "{\"shell\":\"x\",\"env\":{\"A=\":\"b\"}}", "a name in \"env\" has a \"=\": \"A=\"" },
	{ "{\"shell\":\"x\",\"env\":{\"B\":\"\",\"A\":5}}", "variable \"A\" of \"env\" must be a string or null" },
	{ "{\"shell\":\"x\",\"env\":{\"A\":\"1\",\"B\":\"\",\"A\":\"2\"}}", "variable \"A\" of \"env\" is given twice" },
	{ "{\"shell\":\"x\",\"umask\":\"9\"}", "parameter \"umask\" must be octal, such as \"022\", not \"9\"" },
	{ "{\"shell\":\"x\",\"umask\":\"1777\"}", "parameter \"umask\" must be octal, such as \"022\", not \"1777\"" },
	{ "{\"shell\":\"x\",\"umask\":\"\"}", "parameter \"umask\" must be octal, such as \"022\", not \"\"" },
	{ "{\"shell\":\"x\",\"umask\":\"00022\"}", "parameter \"umask\" must have at most 4 bytes, not 5" },
	{ "{\"shell\":\"x\",\"umask\":22}", "parameter \"umask\" must be a string, not 22" },
	{ "{\"shell\":\"x\",\"nice\":20}", "parameter \"nice\" must be from -20 to 19, not 20" },
	{ "{\"shell\":\"x\",\"limit_memory\":0}", "parameter \"limit_memory\" must be more than 0" },
	{ "{\"shell\":\"x\",\"limit_processes\":0}",
		"parameter \"limit_processes\" must be at least 1: the command is one" },
	{ "{\"shell\":\"x\",\"limit_cpu\":1.5}", "parameter \"limit_cpu\" must be whole seconds" },
	{ "{\"shell\":\"x\",\"limit_cpu\":0}", "parameter \"limit_cpu\" must be more than 0" },
	{ "{\"shell\":\"x\",\"limit_files\":2}", "parameter \"limit_files\" must be at least 3" },
	{ "{\"shell\":\"x\",\"stdin\":5}", "parameter \"stdin\" must be a string, not 5" },
	{ "{\"shell\":\"x\",\"stdin\":\"\",\"stdin_live\":true}",
		"standard input is given twice: by \"stdin\" and by \"stdin_live\"" },
	{ "{\"shell\":\"x\",\"stdin_file\":\"/a\",\"stdin_base64\":\"\"}",
		"standard input is given twice: by \"stdin_base64\" and by \"stdin_file\"" },
	{ "{\"shell\":\"x\",\"stdin_live\":true,\"fds\":[\"stdin\"]}",
		"standard input is given twice: by \"stdin_live\" and by a descriptor" },
	{ "{\"shell\":\"x\",\"stdin_file\":\"a\"}", "parameter \"stdin_file\" must be an absolute path, not \"a\"" },
	{ "{\"shell\":\"x\",\"stdin_base64\":\"a b\"}", "parameter \"stdin_base64\" is not base64" },
	{ "{\"shell\":\"x\",\"tty\":true,\"stdin\":\"a\"}",
		"what a terminal reads comes from task.send or a descriptor, not from \"stdin\"" },
	{ "{\"shell\":\"x\",\"tty\":true,\"stdin_file\":\"/a\"}",
		"what a terminal reads comes from task.send or a descriptor, not from \"stdin_file\"" },
	{ "{\"shell\":\"x\",\"rows\":24}", "parameter \"rows\" is of a terminal: \"tty\" is missing" },
	{ "{\"shell\":\"x\",\"columns\":80}", "parameter \"columns\" is of a terminal: \"tty\" is missing" },
	{ "{\"shell\":\"x\",\"tty\":true,\"rows\":65536}", "parameter \"rows\" must be from 1 to 65535, not 65536" },
	{ "{\"shell\":\"x\",\"fds\":[\"stdout\",\"stdin\",\"stdout\"]}", "parameter \"fds\" has \"stdout\" twice" },
	{ "{\"shell\":\"x\",\"fds\":[\"stdot\"]}",
		"parameter \"fds\" must be one of \"stdin\", \"stdout\", \"stderr\", not \"stdot\": did you mean \"stdout\"?" },
	{ "{\"shell\":\"x\",\"fds\":[\"stdin\",\"stdin\",\"stdin\",\"stdin\"]}",
		"parameter \"fds\" must have at most 3 strings, not 4" },
	{ "{\"shell\":\"x\",\"merge\":true,\"fds\":[\"stderr\"]}",
		"standard error has no descriptor of its own with \"merge\"" },
	{ "{\"shell\":\"x\",\"tty\":true,\"fds\":[\"stderr\"]}", "standard error has no descriptor of its own with \"tty\"" },
	{ "{\"shell\":\"x\",\"direct\":true}", "parameter \"direct\" needs descriptors, which \"fds\" names" },
	{ "{\"shell\":\"x\",\"direct\":true,\"tty\":true,\"fds\":[\"stdout\"]}",
		"parameters \"direct\" and \"tty\" exclude each other" },
	{ "{\"shell\":\"x\",\"success\":[0,256]}", "parameter \"success\" must have exit statuses from 0 to 255, not 256" },
	{ "{\"shell\":\"x\",\"success\":[-1]}", "parameter \"success\" must have exit statuses from 0 to 255, not -1" },
	{ "{\"shell\":\"x\",\"success\":[\"0\"]}",
		"parameter \"success\" must have exit statuses from 0 to 255, not \"0\"" },
	{ "{\"shell\":\"x\",\"success\":[]}", "parameter \"success\" is empty: it lists exit statuses" },
	{ "{\"shell\":\"x\",\"success\":0}", "parameter \"success\" must be an array, not 0" },
	{ "{\"shell\":\"x\",\"secret\":[0]}", "parameter \"secret\" is about \"argv\", which is not there" },
	{ "{\"argv\":[\"a\",\"b\"],\"secret\":[2]}", "parameter \"secret\" must have places in \"argv\" from 1 to 1, not 2" },
	{ "{\"argv\":[\"a\"],\"secret\":[0]}",
		"parameter \"secret\" is about arguments in \"argv\", and there are none" },
	{ "{\"argv\":[\"a\",\"b\"],\"secret\":[0]}", "parameter \"secret\" must have places in \"argv\" from 1 to 1, not 0" },
	{ "{\"argv\":[\"a\",\"b\"],\"secret\":[-1]}", "parameter \"secret\" must have places in \"argv\" from 1 to 1, not -1" },
	{ "{\"argv\":[\"a\",\"b\"],\"secret\":[\"b\"]}",
		"parameter \"secret\" must have places in \"argv\" from 1 to 1, not \"b\"" },
	{ "{\"argv\":[\"a\",\"b\"],\"secret\":1}", "parameter \"secret\" must be an array, not 1" },
	{ "\"\"", "the arguments must be an object or an array" },
	{ "5", "the arguments must be an object or an array" },
	{ "[{\"argv\":[\"ls\"]},null,null]", "parameter \"argv\" must be an array of strings, not an object" },
};

START_TEST(mistakes_are_told)
{
	expect_error(bad[_i].args, bad[_i].error);
}
END_TEST

/* What comes over the wire has passed the scanner, which refuses it there; nothing is cut in any case. */
static const struct {
	const char *args, *error;
} nul[] = {
	{ "{\"argv\":[\"rm\",\"a\\u0000b\"]}", "parameter \"argv\" must not have a NUL byte" },
	{ "{\"shell\":\"a\\u0000b\"}", "parameter \"shell\" must not have a NUL byte" },
	{ "{\"shell\":\"x\",\"cwd\":\"/a\\u0000\"}", "parameter \"cwd\" must not have a NUL byte" },
	{ "{\"shell\":\"x\",\"env\":{\"A\":\"\\u0000\"}}", "variable \"A\" of \"env\" must not have a NUL byte" },
	{ "{\"shell\":\"x\",\"env\":{\"A\\u0000B\":\"\"}}", "variable \"A\" of \"env\" must not have a NUL byte" },
};

START_TEST(a_nul_is_refused_and_nothing_cut)
{
	const char *text = nul[_i].args;
	const struct json_span args = { text, strlen(text), JSON_SPAN_OBJECT };
	struct json_span span;
	struct json_error where;

	ck_assert_int_eq(json_scan(text, strlen(text), &span, NULL, &where), -1);
	ck_assert_str_eq(where.reason, "NUL in a string");
	ck_assert_int_eq(command_read(&args, &params, error, sizeof(error)), -1);
	ck_assert_str_eq(error, nul[_i].error);
}
END_TEST

/* BEFORE, LENGTH letters, AFTER. */
static char *long_text(const char *before, size_t length, const char *after)
{
	struct strbuf text = STRBUF_INIT;
	strbuf_puts(&text, before);
	for (size_t i = 0; i < length; i++)
		strbuf_add(&text, "a", 1);
	strbuf_puts(&text, after);
	return strbuf_take(&text, NULL);
}

static void expect_long(const char *before, size_t length, const char *after, const char *wanted)
{
	char *text = long_text(before, length, after);
	if (wanted)
		expect_error(text, wanted);
	else
		read_well(text);
	if (!wanted)
		command_free(&params);
	free(text);
}

START_TEST(the_kernels_limits_are_told_at_once)
{
	expect_long("{\"argv\":[\"x\",\"", COMMAND_ARG_LIMIT, "\"]}", NULL);
	expect_long("{\"argv\":[\"x\",\"", COMMAND_ARG_LIMIT + 1, "\"]}",
		"element 1 of \"argv\" has 131072 bytes: the kernel takes 131071 at most");
	expect_long("{\"shell\":\"", COMMAND_ARG_LIMIT, "\"}", NULL);
	expect_long("{\"shell\":\"", COMMAND_ARG_LIMIT + 1, "\"}",
		"parameter \"shell\" must have at most 131071 bytes, not 131072");
	expect_long("{\"shell\":\"x\",\"env\":{\"AB\":\"", COMMAND_ARG_LIMIT - 3, "\"}}", NULL);
	expect_long("{\"shell\":\"x\",\"env\":{\"AB\":\"", COMMAND_ARG_LIMIT - 2, "\"}}",
		"variable \"AB\" of \"env\" has 131072 bytes: the kernel takes 131071 at most");
	expect_long("{\"shell\":\"x\",\"cwd\":\"/", 4095, "\"}", "parameter \"cwd\" must have at most 4095 bytes, not 4096");
}
END_TEST

START_TEST(all_arguments_together_have_a_limit)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_puts(&text, "{\"argv\":[\"x\"");
	for (int i = 0; i < 10000; i++)
		strbuf_puts(&text, ",\"a\"");
	strbuf_puts(&text, "]}");
	char *few = strbuf_take(&text, NULL);
	read_well(few);
	ck_assert_uint_eq(params.argv.count, 10001);
	command_free(&params);
	free(few);

	char *one = long_text(",\"", 100000, "\"");
	strbuf_puts(&text, "{\"argv\":[\"x\"");
	for (int i = 0; i < 70; i++)
		strbuf_puts(&text, one);
	strbuf_puts(&text, "]}");
	char *much = strbuf_take(&text, NULL);
	expect_error(much, "arguments and environment have more bytes than the kernel takes: 6291456 at most");
	free(much);
	free(one);
}
END_TEST

START_TEST(its_table_is_described)
{
	for (const struct param_spec *spec = command_param_specs; spec->name; spec++) {
		ck_assert_ptr_nonnull(spec->summary);
		for (const struct param_spec *other = command_param_specs; other < spec; other++)
			ck_assert(strcmp(spec->name, other->name) != 0 && spec->offset != other->offset);
	}
}
END_TEST

/* --- what people see --- */

static const struct {
	const char *args, *text;
} texts[] = {
	{ "{\"argv\":[\"ls\",\"-l\"]}", "ls -l" },
	{ "{\"cwd\":\"/\",\"argv\":[\"ls\",\"a b\",\"\",\"it's\",\"$HOME\"]}", "ls 'a b' '' 'it'\\''s' '$HOME'" },
	{ "[[\"ls\",\"-l\"]]", "ls -l" },
	{ "[null,\"ls | wc\"]", "ls | wc" },
	{ "[{\"shell\":\"ls | wc\"}]", "ls | wc" },
	{ "{\"argv\":null,\"shell\":\"echo \\\"a\\\"\"}", "echo \"a\"" },
	{ "{\"argv\":[\"a\\nb\",\"\\u001b[2J'\\\\\",\"\\u0001\\u007f\"]}", "$'a\\nb' $'\\x1b[2J\\'\\\\' $'\\x01\\x7f'" },
	{ "{\"shell\":\"a\\nb\\u001b[2J\"}", "a\\nb\\x1b[2J" },
	{ "{\"argv\":[\"gr\\u00fcn\",\"\\ud83d\\ude00\"]}", "gr\xc3\xbcn \xf0\x9f\x98\x80" },
	{ "{\"argv\":[\"\\u009b2J\",\"\\u202egpj\"]}", "$'\\u009b2J' $'\\u202egpj'" },
	{ "{\"command\":\"ls -l 'a b'\",\"status\":0}", "ls -l 'a b'" },
	{ "{\"secret\":[2],\"argv\":[\"curl\",\"-u\",\"me:pass word\",\"x\"]}", "curl -u *** x" },
	{ "[{\"secret\":[0,1],\"argv\":[\"a\",\"b\"]}]", "*** ***" },
	{ "{\"secret\":[],\"argv\":[\"a\"]}", "a" },
};

/* What is shown of them, whatever the order in which they were said. */
static const struct {
	const char *args, *hidden;
} hidings[] = {
	{ "{\"argv\":[\"a\",\"b\"],\"secret\":[1],\"cwd\":\"/\"}",
		"{\"secret\":[1],\"argv\":[\"a\",\"b\"],\"cwd\":\"/\"}" },
	{ "[{\"argv\":[\"a\",\"b\"],\"stdin\":\"x\",\"secret\":[1]}]",
		"{\"secret\":[1],\"argv\":[\"a\",\"b\"],\"stdin\":\"x\"}" },
	{ "[[\"a\",\"b\"],null,\"/\",null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,"
	  "null,null,null,null,null,[1]]",
		"{\"secret\":[1],\"argv\":[\"a\",\"b\"],\"shell\":null,\"cwd\":\"/\",\"env\":null,\"umask\":null,\"nice\":null,"
		"\"limit_memory\":null,\"limit_processes\":null,\"limit_cpu\":null,\"limit_files\":null,\"limit_core\":null,"
		"\"limit_file_size\":null,\"stdin\":null,\"stdin_base64\":null,\"stdin_file\":null,\"stdin_live\":null,"
		"\"capture\":null,\"merge\":null,\"tty\":null,\"rows\":null,\"columns\":null,\"fds\":null,\"direct\":null,"
		"\"success\":null}" },
	{ "{\"secret\":[1],\"argv\":[\"a\",\"b\"]}", NULL },
	{ "{\"argv\":[\"a\",\"b\"]}", NULL },
};

START_TEST(secrets_come_first)
{
	struct strbuf out = STRBUF_INIT, text = STRBUF_INIT;
	struct json_span args = scan(hidings[_i].args);
	ck_assert_msg(command_read(&args, &params, error, sizeof(error)) == 0, "%s", error);
	ck_assert_int_eq(command_hide(&args, &params, &out), hidings[_i].hidden != NULL);
	command_free(&params);
	if (!hidings[_i].hidden)
		return;
	ck_assert_str_eq(out.data, hidings[_i].hidden);
	args = scan(out.data);
	ck_assert_msg(command_read(&args, &params, error, sizeof(error)) == 0, "%s", error);
	command_free(&params);
	ck_assert(command_text(&args, &text));
	ck_assert_str_eq(text.data, "a ***");
	strbuf_free(&out);
	strbuf_free(&text);
}
END_TEST

START_TEST(a_command_line_is_shown_as_a_shell_would_have_it)
{
	struct strbuf out = STRBUF_INIT;
	struct json_span args = scan(texts[_i].args);
	ck_assert(command_text(&args, &out));
	ck_assert_str_eq(out.data, texts[_i].text);
	strbuf_free(&out);
}
END_TEST

START_TEST(what_is_no_command_has_no_line)
{
	static const char *const none[] = { "{}", "[]", "{\"argv\":[]}", "[5]", "[null]", "{\"argv\":[5]}", "5", "\"ls\"",
		"{\"status\":0}", "{\"shell\":5}" };

	for (size_t i = 0; i < COUNT(none); i++) {
		struct strbuf out = STRBUF_INIT;
		struct json_span args = scan(none[i]);
		ck_assert_msg(!command_text(&args, &out), "%s", none[i]);
		ck_assert_uint_eq(out.length, 0);
		strbuf_free(&out);
	}
}
END_TEST

/* Whether TEXT is shown in full, or cut to the limit. */
static void expect_cut(const char *text, size_t wanted)
{
	struct strbuf out = STRBUF_INIT;
	struct json_span args = scan(text), span;
	char *quoted;

	ck_assert(command_text(&args, &out));
	ck_assert_uint_eq(out.length, wanted);
	struct strbuf json = STRBUF_INIT;
	strbuf_json_string(&json, out.data, out.length);
	quoted = strbuf_take(&json, NULL);
	ck_assert(!strstr(quoted, "\xef\xbf\xbd")); /* no character was cut in two */
	span = scan(quoted);
	ck_assert_int_eq(span.kind, JSON_SPAN_STRING);
	free(quoted);
	strbuf_free(&out);
}

START_TEST(a_long_line_is_cut_between_characters)
{
	struct strbuf text = STRBUF_INIT;
	char *one = long_text("[[\"", 200, "\"]]");
	expect_cut(one, 200);
	free(one);
	one = long_text("[[\"", 201, "\"]]");
	expect_cut(one, 200);
	free(one);
	one = long_text("[[\"x\",\"", 131000, "\",\"y\"]]");
	expect_cut(one, 200);
	free(one);
	one = long_text("[null,\"", 131000, "\"]");
	expect_cut(one, 200);
	free(one);
	/* In every position of a character of four bytes, which is written as twelve. */
	for (size_t before = 0; before < 5; before++) {
		strbuf_puts(&text, "[[\"");
		for (size_t i = 0; i < before; i++)
			strbuf_puts(&text, "a");
		for (int i = 0; i < 200; i++)
			strbuf_puts(&text, i % 2 ? "\\ud83d\\ude00" : "\xf0\x9f\x98\x80");
		strbuf_puts(&text, "\"]]");
		one = strbuf_take(&text, NULL);
		expect_cut(one, 197 - (197 - before) % 4 + 3);
		free(one);
	}
}
END_TEST

START_TEST(signals_have_names_and_numbers)
{
	ck_assert_int_eq(command_signal("TERM"), SIGTERM);
	ck_assert_int_eq(command_signal("SIGTERM"), SIGTERM);
	ck_assert_int_eq(command_signal("sigterm"), SIGTERM);
	ck_assert_int_eq(command_signal("15"), 15);
	ck_assert_int_eq(command_signal("64"), 64);
	ck_assert_int_eq(command_signal("RTMIN+2"), SIGRTMIN + 2);
	ck_assert_int_eq(command_signal("SIGRTMAX"), SIGRTMAX);
	static const char *const none[] = { "", "SIG", "0", "65", "-1", "15x", " 15", "+15", "99999999999", "TERMX", "NOPE" };
	for (size_t i = 0; i < COUNT(none); i++)
		ck_assert_msg(command_signal(none[i]) == -1, "%s", none[i]);
	ck_assert_str_eq(command_signal_name(SIGKILL), "SIGKILL");
	ck_assert_str_eq(command_signal_name(SIGRTMIN), "SIGRTMIN");
	ck_assert_ptr_null(command_signal_name(0));
	ck_assert_ptr_null(command_signal_name(-1));
	ck_assert_ptr_null(command_signal_name(SIGRTMAX + 1));
	for (int number = 1; number <= SIGRTMAX; number++)
		if (command_signal_name(number))
			ck_assert_int_eq(command_signal(command_signal_name(number)), number);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("command_params");
	TCase *tcase = tcase_create("command_params");
	tcase_add_loop_test(tcase, arguments_by_name_by_place_and_as_an_item, 0, (int)COUNT(forms));
	tcase_add_test(tcase, what_is_absent_is_the_default);
	tcase_add_test(tcase, what_is_said_is_read);
	tcase_add_test(tcase, an_environment_sets_and_takes_away);
	tcase_add_test(tcase, given_input_is_text_or_base64);
	tcase_add_loop_test(tcase, mistakes_are_told, 0, (int)COUNT(bad));
	tcase_add_loop_test(tcase, a_nul_is_refused_and_nothing_cut, 0, (int)COUNT(nul));
	tcase_add_test(tcase, the_kernels_limits_are_told_at_once);
	tcase_add_test(tcase, all_arguments_together_have_a_limit);
	tcase_add_test(tcase, its_table_is_described);
	tcase_add_loop_test(tcase, a_command_line_is_shown_as_a_shell_would_have_it, 0, (int)COUNT(texts));
	tcase_add_loop_test(tcase, secrets_come_first, 0, (int)COUNT(hidings));
	tcase_add_test(tcase, what_is_no_command_has_no_line);
	tcase_add_test(tcase, a_long_line_is_cut_between_characters);
	tcase_add_test(tcase, signals_have_names_and_numbers);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
