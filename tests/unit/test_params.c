/* Parameters: every type by name and by place, what is absent, and what each mistake is told. */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "proto/params.h"
#include "proto/strbuf.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const words[] = { "all_completed", "first_completed", NULL };

struct all {
	char *task;
	bool watch;
	int64_t priority;
	int64_t free_int;
	int64_t timeout;
	int64_t size;
	uint64_t id;
	struct param_ids ids;
	struct param_strings states;
	int when;
	struct json_span args;
	struct json_span items;
	struct json_span any;
};

static const struct param_spec specs[] = {
	{ "task", PARAM_STRING, .required = true, .offset = offsetof(struct all, task), .max = 8 },
	{ "watch", PARAM_BOOL, .offset = offsetof(struct all, watch) },
	{ "priority", PARAM_INT, .offset = offsetof(struct all, priority), .min = -5, .max = 5 },
	{ "free_int", PARAM_INT, .offset = offsetof(struct all, free_int) },
	{ "timeout", PARAM_DURATION, .offset = offsetof(struct all, timeout) },
	{ "size", PARAM_SIZE, .offset = offsetof(struct all, size) },
	{ "id", PARAM_ID, .offset = offsetof(struct all, id) },
	{ "ids", PARAM_IDS, .offset = offsetof(struct all, ids) },
	{ "states", PARAM_STRINGS, .offset = offsetof(struct all, states) },
	{ "when", PARAM_ENUM, .offset = offsetof(struct all, when), .words = words },
	{ "args", PARAM_ARGS, .offset = offsetof(struct all, args) },
	{ "items", PARAM_ARRAY, .offset = offsetof(struct all, items) },
	{ "any", PARAM_ANY, .offset = offsetof(struct all, any) },
	{ .name = NULL },
};
static const struct param_spec none[] = { { .name = NULL } };

static struct all all;
static char error[320];

static int read_params(const struct param_spec *table, const char *text)
{
	struct json_span params = { 0 };

	if (text)
		ck_assert_msg(json_scan(text, strlen(text), &params, NULL, NULL) == 0, "%s", text);
	memset(&all, 0, sizeof(all));
	strcpy(error, "");
	return params_read(table, &params, &all, error, sizeof(error));
}

static void expect_good(const char *text)
{
	ck_assert_msg(read_params(specs, text) == 0, "%s: %s", text, error);
}

START_TEST(every_type_is_read_by_name)
{
	expect_good(
		"{\"any\":null,\"items\":[1],\"args\":{\"a\":1},\"when\":\"first_completed\",\"states\":[\"a\",\"b\"],"
		"\"ids\":[\"17\",18],\"id\":\"18446744073709551615\",\"size\":\"64M\",\"timeout\":\"1m30s\","
		"\"free_int\":-9223372036854775808,\"priority\":-5,\"watch\":true,\"t\\u0061sk\":\"f\\u0069b\"}");
	ck_assert_str_eq(all.task, "fib");
	ck_assert(all.watch);
	ck_assert_int_eq(all.priority, -5);
	ck_assert_int_eq(all.free_int, INT64_MIN);
	ck_assert_int_eq(all.timeout, INT64_C(90000000000));
	ck_assert_int_eq(all.size, 64 << 20);
	ck_assert(all.id == UINT64_MAX);
	ck_assert(all.ids.count == 2 && all.ids.ids[0] == 17 && all.ids.ids[1] == 18);
	ck_assert_uint_eq(all.states.count, 2);
	ck_assert_str_eq(all.states.strings[1], "b");
	ck_assert_int_eq(all.when, 1);
	ck_assert(all.args.kind == JSON_SPAN_OBJECT && all.args.length == 7);
	ck_assert(all.items.kind == JSON_SPAN_ARRAY && all.items.length == 3);
	ck_assert_int_eq(all.any.kind, JSON_SPAN_NULL);
	params_free(specs, &all);
	ck_assert_ptr_null(all.task);
	ck_assert_ptr_null(all.ids.ids);
}
END_TEST

START_TEST(every_type_is_read_by_place)
{
	expect_good("[\"fib\",false,5,7,1.5,4096,3,4,\"x\",\"all_completed\",[],[],{}]");
	ck_assert_str_eq(all.task, "fib");
	ck_assert_int_eq(all.priority, 5);
	ck_assert_int_eq(all.free_int, 7);
	ck_assert_int_eq(all.timeout, INT64_C(1500000000));
	ck_assert_int_eq(all.size, 4096);
	ck_assert_uint_eq(all.id, 3);
	ck_assert(all.ids.count == 1 && all.ids.ids[0] == 4);
	ck_assert(all.states.count == 1 && strcmp(all.states.strings[0], "x") == 0);
	ck_assert_int_eq(all.when, 0);
	ck_assert_int_eq(all.args.kind, JSON_SPAN_ARRAY);
	ck_assert_int_eq(all.any.kind, JSON_SPAN_OBJECT);
	params_free(specs, &all);
}
END_TEST

START_TEST(absent_and_null_are_told_alike)
{
	static const char *const texts[] = { "{\"task\":\"a\"}", "[\"a\"]",
		"[\"a\",null,null,null,null,null,null,null,null,null,null,null]",
		"{\"task\":\"a\",\"timeout\":null,\"when\":null,\"size\":null,\"ids\":null,\"watch\":null}" };

	for (size_t i = 0; i < COUNT(texts); i++) {
		expect_good(texts[i]);
		ck_assert(!all.watch && all.priority == 0 && all.timeout == -1 && all.size == -1 && all.id == 0);
		ck_assert(all.ids.count == 0 && all.states.count == 0 && all.when == -1);
		ck_assert(all.args.kind == JSON_NONE && all.items.kind == JSON_NONE && all.any.kind == JSON_NONE);
		params_free(specs, &all);
	}
}
END_TEST

START_TEST(no_parameters_are_fine_where_none_are_needed)
{
	ck_assert_int_eq(read_params(none, NULL), 0);
	ck_assert_int_eq(read_params(none, "[]"), 0);
	ck_assert_int_eq(read_params(none, "{}"), 0);
	ck_assert_int_lt(read_params(none, "[1]"), 0);
	ck_assert_int_lt(read_params(none, "{\"a\":1}"), 0);
	ck_assert_int_lt(read_params(specs, NULL), 0);
	ck_assert_str_eq(error, "parameter \"task\" is missing");
}
END_TEST

#define MUST_BE_ID "must be an id, such as \"17\""
#define MUST_BE_IDS "must be a task's id, such as \"17\", or an array of them"
#define MUST_BE_DURATION "must be a duration: seconds, or a string such as \"1.5s\" or \"2m\""
#define MUST_BE_SIZE "must be a size: bytes, or a string such as \"64M\""

static const struct {
	const char *text, *error;
} bad[] = {
	{ "{}", "parameter \"task\" is missing" },
	{ "[]", "parameter \"task\" is missing" },
	{ "[null]", "parameter \"task\" must be a string, not null" },
	{ "{\"task\":1}", "parameter \"task\" must be a string, not 1" },
	{ "{\"task\":[\"fib\"]}", "parameter \"task\" must be a string, not an array" },
	{ "{\"task\":\"123456789\"}", "parameter \"task\" must have at most 8 bytes, not 9" },
	{ "{\"task\":\"a\",\"task\":\"b\"}", "parameter \"task\" is given twice" },
	{ "{\"task\":\"a\",\"t\\u0061sk\":\"b\"}", "parameter \"task\" is given twice" },
	{ "{\"watch\":null,\"watch\":true,\"task\":\"b\"}", "parameter \"watch\" is given twice" },
	{ "{\"task\":\"a\",\"prioritty\":5}", "unknown parameter \"prioritty\": did you mean \"priority\"?" },
	{ "{\"task\":\"a\",\"frobnicate\":5}", "unknown parameter \"frobnicate\"" },
	{ "{\"task\":\"a\",\"\":5}", "unknown parameter \"\"" },
	{ "[\"a\",true,1,1,1,1,1,1,\"x\",\"all_completed\",[],[],1,14]", "too many parameters: there are 13 at most" },
	{ "[\"a\",1]", "parameter \"watch\" must be true or false, not 1" },
	{ "[\"a\",\"true\"]", "parameter \"watch\" must be true or false, not \"true\"" },
	{ "[\"a\",true,6]", "parameter \"priority\" must be from -5 to 5, not 6" },
	{ "[\"a\",true,-6]", "parameter \"priority\" must be from -5 to 5, not -6" },
	{ "[\"a\",true,1.0]", "parameter \"priority\" must be an integer, not 1.0" },
	{ "[\"a\",true,\"1\"]", "parameter \"priority\" must be an integer, not \"1\"" },
	{ "{\"task\":\"a\",\"timeout\":-1}", "parameter \"timeout\" " MUST_BE_DURATION ", not -1" },
	{ "{\"task\":\"a\",\"timeout\":-0.5}", "parameter \"timeout\" " MUST_BE_DURATION ", not -0.5" },
	{ "{\"task\":\"a\",\"timeout\":1e300}", "parameter \"timeout\" " MUST_BE_DURATION ", not 1e300" },
	{ "{\"task\":\"a\",\"timeout\":9300000000}", "parameter \"timeout\" " MUST_BE_DURATION ", not 9300000000" },
	{ "{\"task\":\"a\",\"timeout\":\"soon\"}", "parameter \"timeout\" " MUST_BE_DURATION ", not \"soon\"" },
	{ "{\"task\":\"a\",\"timeout\":true}", "parameter \"timeout\" " MUST_BE_DURATION ", not true" },
	{ "{\"task\":\"a\",\"size\":1.5}", "parameter \"size\" " MUST_BE_SIZE ", not 1.5" },
	{ "{\"task\":\"a\",\"size\":-1}", "parameter \"size\" " MUST_BE_SIZE ", not -1" },
	{ "{\"task\":\"a\",\"size\":\"64X\"}", "parameter \"size\" " MUST_BE_SIZE ", not \"64X\"" },
	{ "{\"task\":\"a\",\"id\":0}", "parameter \"id\" " MUST_BE_ID ", not 0" },
	{ "{\"task\":\"a\",\"id\":\"0\"}", "parameter \"id\" " MUST_BE_ID ", not \"0\"" },
	{ "{\"task\":\"a\",\"id\":\"\"}", "parameter \"id\" " MUST_BE_ID ", not \"\"" },
	{ "{\"task\":\"a\",\"id\":\"-1\"}", "parameter \"id\" " MUST_BE_ID ", not \"-1\"" },
	{ "{\"task\":\"a\",\"id\":\"1a\"}", "parameter \"id\" " MUST_BE_ID ", not \"1a\"" },
	{ "{\"task\":\"a\",\"id\":\"18446744073709551616\"}",
		"parameter \"id\" " MUST_BE_ID ", not \"18446744073709551616\"" },
	{ "{\"task\":\"a\",\"id\":[\"1\"]}", "parameter \"id\" " MUST_BE_ID ", not an array" },
	{ "{\"task\":\"a\",\"ids\":[1,\"x\",3]}", "parameter \"ids\" " MUST_BE_IDS ", not \"x\"" },
	{ "{\"task\":\"a\",\"ids\":{}}", "parameter \"ids\" " MUST_BE_IDS ", not an object" },
#define TEN "\"x\",\"x\",\"x\",\"x\",\"x\",\"x\",\"x\",\"x\",\"x\",\"x\""
	{ "{\"task\":\"a\",\"states\":[" TEN "," TEN "," TEN "," TEN "," TEN "," TEN "," TEN "]}",
		"parameter \"states\" must have at most 64 strings, not 70" },
	{ "{\"task\":\"a\",\"states\":[\"x\",1]}",
		"parameter \"states\" must be a string, or an array of strings, not 1" },
	{ "{\"task\":\"a\",\"when\":\"first_complete\"}",
		"parameter \"when\" must be one of \"all_completed\", \"first_completed\", not \"first_complete\": did you mean "
		"\"first_completed\"?" },
	{ "{\"task\":\"a\",\"when\":1}",
		"parameter \"when\" must be one of \"all_completed\", \"first_completed\", not 1" },
	{ "{\"task\":\"a\",\"args\":1}", "parameter \"args\" must be an array or an object, not 1" },
	{ "{\"task\":\"a\",\"items\":{}}", "parameter \"items\" must be an array, not an object" },
};

/* What was allocated before the mistake is freed: a leak checker sees to that. */
START_TEST(mistakes_are_told)
{
	ck_assert_msg(read_params(specs, bad[_i].text) < 0, "%s", bad[_i].text);
	ck_assert_str_eq(error, bad[_i].error);
	ck_assert_ptr_null(all.task);
}
END_TEST

START_TEST(numbers_of_seconds_are_exact_to_the_nanosecond)
{
	static const struct {
		const char *text;
		int64_t ns;
	} cases[] = { { "[\"a\",null,0,0,0]", 0 }, { "[\"a\",null,0,0,0.1]", 100000000 },
		{ "[\"a\",null,0,0,1e-9]", 1 }, { "[\"a\",null,0,0,0.30000000000000004]", 300000000 },
		{ "[\"a\",null,0,0,1E2]", INT64_C(100000000000) },
		{ "[\"a\",null,0,0,9223372036]", INT64_C(9223372036000000000) }, { "[\"a\",null,0,0,-0.0]", 0 } };

	for (size_t i = 0; i < COUNT(cases); i++) {
		expect_good(cases[i].text);
		ck_assert_int_eq(all.timeout, cases[i].ns);
		params_free(specs, &all);
	}
}
END_TEST

START_TEST(long_words_in_errors_are_cut)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_puts(&text, "{\"task\":\"a\",\"");
	for (int i = 0; i < 1000; i++)
		strbuf_puts(&text, "\xc3\xa9");
	strbuf_puts(&text, "\":1}");
	ck_assert_int_lt(read_params(specs, text.data), 0);
	ck_assert_uint_lt(strlen(error), 120);
	strbuf_free(&text);
}
END_TEST

/* --- what says when, how often, after what --- */

struct more {
	double number;
	double free_number;
	int64_t time;
	struct param_moment moment;
	struct param_refs refs;
	int64_t count;
	int64_t free_count;
	struct param_strings outcomes;
	struct json_span text;
	struct json_span object;
	struct param_strings pair;
};

static const char *const outcome_words[] = { "failed", "timed_out", "crashed", NULL };
static const struct param_spec more_specs[] = {
	{ "number", PARAM_NUMBER, .offset = offsetof(struct more, number), .min = 0, .max = 1, .otherwise = -1 },
	{ "free_number", PARAM_NUMBER, .offset = offsetof(struct more, free_number) },
	{ "time", PARAM_TIME, .offset = offsetof(struct more, time) },
	{ "moment", PARAM_MOMENT, .offset = offsetof(struct more, moment), .min = 1 },
	{ "refs", PARAM_REFS, .offset = offsetof(struct more, refs), .max = 3 },
	{ "count", PARAM_COUNT, .offset = offsetof(struct more, count), .max = 9 },
	{ "free_count", PARAM_COUNT, .offset = offsetof(struct more, free_count) },
	{ "outcomes", PARAM_STRINGS, .offset = offsetof(struct more, outcomes), .words = outcome_words },
	{ "text", PARAM_TEXT, .offset = offsetof(struct more, text) },
	{ "object", PARAM_OBJECT, .offset = offsetof(struct more, object) },
	{ "pair", PARAM_STRINGS, .offset = offsetof(struct more, pair), .count = 2, .array = true },
	{ .name = NULL },
};

static struct more more;

static int read_more(const char *text)
{
	struct json_span params = { 0 };

	ck_assert_msg(json_scan(text, strlen(text), &params, NULL, NULL) == 0, "%s", text);
	memset(&more, 0, sizeof(more));
	strcpy(error, "");
	return params_read(more_specs, &params, &more, error, sizeof(error));
}

/* Ids of every length and form, in the middle of others and at the end, beside what each is when it stands alone. */
START_TEST(many_ids_are_read_as_one_is)
{
	static const char *const forms[][2] = { { "", "" }, { "\"", "\"" }, { " ", "" }, { " \"", "\" " }, { "", "\n" }, { "-", "" },
		{ "", ".5" }, { "", "e1" }, { "\"", "x\"" }, { "\" ", "\"" }, { "\"\\u0031", "\"" }, { "[", "]" } };
	static const size_t counts[] = { 2, 3, 17 };
	static const char digits[] = "98765432101234567890123";
	static const char filler[] = "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15";
	for (size_t form = 0; form < COUNT(forms); form++) {
		for (int length = 1; length < (int)sizeof(digits); length++) {
			for (int start = 0; start < 3; start++) {
				char number[32], id[64], text[256];
				snprintf(number, sizeof(number), "%.*s", length, start == 2 ? "00000000000000000000000" : digits + start);
				if (start == 2 && (length > 1 || form > 1) && form != 1)
					continue;
				snprintf(id, sizeof(id), "%s%s%s", forms[form][0], number, forms[form][1]);
				snprintf(text, sizeof(text), "{\"task\":\"a\",\"ids\":%s}", id);
				struct json_span scanned;
				if (json_scan(text, strlen(text), &scanned, NULL, NULL) < 0)
					continue;
				bool good = read_params(specs, text) == 0 && form != COUNT(forms) - 1;
				uint64_t value = good ? all.ids.ids[0] : 0;
				params_free(specs, &all);
				for (int behind = 0; behind < 3; behind++) {
					snprintf(text, sizeof(text), "{\"task\":\"a\",\"ids\":[7,%s%s%s]}", id, behind ? "," : "",
						behind == 2 ? filler : behind ? "1" : "");
					ck_assert_msg((read_params(specs, text) == 0) == good, "%s: %s", text, error);
					if (good)
						ck_assert(all.ids.count == counts[behind] && all.ids.ids[0] == 7 &&
							all.ids.ids[1] == value);
					params_free(specs, &all);
				}
			}
		}
	}
	expect_good("{\"task\":\"a\",\"ids\":[ ]}");
	ck_assert(all.ids.count == 0 && all.ids.ids);
	params_free(specs, &all);
}
END_TEST

START_TEST(more_ids_than_any_method_takes_are_not_read)
{
	size_t room = 3 * PARAM_IDS_MOST + 100, length = 0;
	char *text = malloc(room);
	length += (size_t)sprintf(text, "{\"task\":\"a\",\"ids\":[1");
	for (int i = 1; i < PARAM_IDS_MOST + 10; i++)
		length += (size_t)sprintf(text + length, ",1");
	strcpy(text + length, "]}");
	expect_good(text);
	ck_assert_uint_eq(all.ids.count, PARAM_IDS_MOST);
	params_free(specs, &all);
	free(text);
}
END_TEST

START_TEST(absent_ones_have_values_of_their_own)
{
	static const char *const texts[] = { "{}", "[]", "[null,null,null,null,null,null,null,null]" };

	for (size_t i = 0; i < COUNT(texts); i++) {
		ck_assert_int_eq(read_more(texts[i]), 0);
		ck_assert(more.number == -1 && more.free_number == 0 && more.time == INT64_MIN && !more.moment.given);
		ck_assert(
			more.refs.count == 0 && more.count == -1 && more.free_count == -1 && more.outcomes.count == 0);
		params_free(more_specs, &more);
	}
}
END_TEST

START_TEST(numbers_counts_and_times_are_read)
{
	ck_assert_int_eq(
		read_more("[0.25,-1e300,\"1970-01-01T00:00:01.5Z\",\"30s\",17,9,9223372036854775807,\"crashed\"]"), 0);
	ck_assert(more.number == 0.25 && more.free_number == -1e300);
	ck_assert_int_eq(more.time, INT64_C(1500000000));
	ck_assert(more.moment.given && !more.moment.wall && more.moment.ns == INT64_C(30000000000));
	ck_assert(more.refs.count == 1 && more.refs.refs[0].id == 17 && !more.refs.refs[0].label);
	ck_assert(more.count == 9 && more.free_count == INT64_MAX);
	ck_assert_str_eq(more.outcomes.strings[0], "crashed");
	params_free(more_specs, &more);
	ck_assert_int_eq(
		read_more(
			"{\"number\":1,\"moment\":\"1970-01-01T00:00:00Z\",\"count\":0,\"outcomes\":[\"failed\",\"crashed\"]}"),
		0);
	ck_assert(more.number == 1 && more.moment.given && more.moment.wall && more.moment.ns == 0 && more.count == 0);
	ck_assert_uint_eq(more.outcomes.count, 2);
	params_free(more_specs, &more);
	ck_assert_int_eq(read_more("{\"moment\":0.5}"), 0);
	ck_assert(more.moment.given && !more.moment.wall && more.moment.ns == 500000000);
	params_free(more_specs, &more);
}
END_TEST

START_TEST(texts_and_objects_stay_unread)
{
	ck_assert_int_eq(read_more("{\"text\":\"a\\n\",\"object\":{\"a\":1},\"pair\":[\"a\",\"b\"]}"), 0);
	ck_assert(json_string_is(&more.text, "a\n") && more.object.kind == JSON_SPAN_OBJECT && more.object.length == 7);
	ck_assert_uint_eq(more.pair.count, 2);
	params_free(more_specs, &more);
}
END_TEST

struct named {
	struct param_name name;
	struct param_name other;
	int maybe;
};
static const struct param_spec named_specs[] = {
	{ "name", PARAM_NAME, .required = true, .offset = offsetof(struct named, name), .max = 5 },
	{ "other", PARAM_NAME, .offset = offsetof(struct named, other), .max = 5 },
	{ "maybe", PARAM_MAYBE, .offset = offsetof(struct named, maybe) },
	{ .name = NULL },
};

static int read_named(const char *text, struct named *out)
{
	struct json_span params = { 0 };

	ck_assert_msg(json_scan(text, strlen(text), &params, NULL, NULL) == 0, "%s", text);
	memset(out, 0, sizeof(*out));
	strcpy(error, "");
	return params_read(named_specs, &params, out, error, sizeof(error));
}

START_TEST(names_are_copied_only_where_they_have_escapes)
{
	static const char text[] = "[\"plain\",null,false]";
	struct named named;

	ck_assert_int_eq(read_named(text, &named), 0);
	ck_assert(named.name.data == text + 2 && named.name.length == 5 && !named.name.owned);
	ck_assert(named.other.length == 0 && named.maybe == 0);
	params_free(named_specs, &named);
	ck_assert_int_eq(read_named("{\"name\":\"\\u00e4\\\"b\",\"maybe\":true}", &named), 0);
	ck_assert(named.name.length == 4 && memcmp(named.name.data, "ä\"b", 4) == 0 && named.maybe == 1);
	params_free(named_specs, &named);
	ck_assert_ptr_null(named.name.owned);
	ck_assert_int_eq(read_named("{\"name\":\"a\"}", &named), 0);
	ck_assert_int_eq(named.maybe, -1);
	params_free(named_specs, &named);
}
END_TEST

static const struct {
	const char *text;
	const char *error;
} bad_names[] = {
	{ "[7]", "parameter \"name\" must be a string, not 7" },
	{ "[\"\"]", "parameter \"name\" must not be empty" },
	{ "[\"sixsix\"]", "parameter \"name\" must have at most 5 bytes, not 6" },
	{ "[\"a\\n\"]", "parameter \"name\" must not have control characters" },
	{ "[\"a\x7f\"]", "parameter \"name\" must not have control characters" },
	{ "[\"\\u009f\"]", "parameter \"name\" must not have control characters" },
	{ "[\"a\",\"\\t\"]", "parameter \"other\" must not have control characters" },
	{ "[\"a\",\"b\",1]", "parameter \"maybe\" must be true or false, not 1" },
	{ "[null]", "parameter \"name\" must be a string, not null" },
};

START_TEST(wrong_names_are_told)
{
	struct named named;

	ck_assert_int_eq(read_named(bad_names[_i].text, &named), -1);
	ck_assert_str_eq(error, bad_names[_i].error);
}
END_TEST

/* The scanner refuses them in what comes over the wire; nothing is cut where someone has not asked it. */
START_TEST(a_string_with_a_nul_is_refused)
{
	static const char text[] = "[\"a\\u0000b\"]";
	const struct json_span params = { text, sizeof(text) - 1, JSON_SPAN_ARRAY };

	memset(&all, 0, sizeof(all));
	ck_assert_int_lt(params_read(specs, &params, &all, error, sizeof(error)), 0);
	ck_assert_str_eq(error, "parameter \"task\" must not have a NUL byte");
	ck_assert_ptr_null(all.task);
}
END_TEST

START_TEST(references_are_ids_or_labels)
{
	ck_assert_int_eq(read_more("{\"refs\":[\"17\",\"a_1-B\",\"_\"]}"), 0);
	ck_assert(more.refs.count == 3 && more.refs.refs[0].id == 17 && more.refs.refs[1].id == 0);
	ck_assert_str_eq(more.refs.refs[1].label, "a_1-B");
	ck_assert_str_eq(more.refs.refs[2].label, "_");
	params_free(more_specs, &more);
	ck_assert_ptr_null(more.refs.refs);
	ck_assert_int_eq(read_more("{\"refs\":[]}"), 0);
	ck_assert_uint_eq(more.refs.count, 0);
	params_free(more_specs, &more);
	ck_assert(param_is_label("a") && param_is_label("Z9-_"));
	ck_assert(!param_is_label("") && !param_is_label("9a") && !param_is_label("-a") && !param_is_label("a b"));
}
END_TEST

#define MUST_BE_REF "must be a task's id, such as \"17\", a label, or an array of them"
#define MUST_BE_OUTCOME "must be one of \"failed\", \"timed_out\", \"crashed\""
#define MUST_BE_MOMENT \
	"must be a time such as \"2026-11-22T18:00:00Z\", or a duration: seconds, or a string such as \"30s\""
#define MUST_BE_TIME "must be a time such as \"2026-11-22T18:00:00+01:00\""

static const struct {
	const char *text, *error;
} more_bad[] = {
	{ "{\"number\":1.5}", "parameter \"number\" must be from 0 to 1, not 1.5" },
	{ "{\"number\":-1}", "parameter \"number\" must be from 0 to 1, not -1" },
	{ "{\"number\":\"1\"}", "parameter \"number\" must be a number, not \"1\"" },
	{ "{\"free_number\":true}", "parameter \"free_number\" must be a number, not true" },
	{ "{\"count\":-1}", "parameter \"count\" must be an integer of 0 or more, not -1" },
	{ "{\"count\":1.0}", "parameter \"count\" must be an integer of 0 or more, not 1.0" },
	{ "{\"count\":10}", "parameter \"count\" must be from 0 to 9, not 10" },
	{ "{\"time\":5}", "parameter \"time\" " MUST_BE_TIME ", not 5" },
	{ "{\"time\":\"30s\"}",
		"parameter \"time\" " MUST_BE_TIME ", not \"30s\": a date such as 2026-11-22 has to come first" },
	{ "{\"time\":\"2026-11-31T18:00:00Z\"}",
		"parameter \"time\" " MUST_BE_TIME ", not \"2026-11-31T18:00:00Z\": that month has no such day" },
	{ "{\"moment\":\"soon\"}", "parameter \"moment\" " MUST_BE_MOMENT ", not \"soon\"" },
	{ "{\"moment\":-1}", "parameter \"moment\" " MUST_BE_MOMENT ", not -1" },
	{ "{\"moment\":{}}", "parameter \"moment\" " MUST_BE_MOMENT ", not an object" },
	{ "{\"moment\":0}", "parameter \"moment\" must be more than 0" },
	{ "{\"moment\":\"2026-11-22\"}",
		"parameter \"moment\" " MUST_BE_MOMENT
		", not \"2026-11-22\": a time of day such as T18:00:00 has to follow the date" },
	{ "{\"refs\":0}", "parameter \"refs\" " MUST_BE_REF ", not 0" },
	{ "{\"refs\":[\"a\",\"5x\"]}", "parameter \"refs\" " MUST_BE_REF ", not \"5x\"" },
	{ "{\"refs\":[\"a\",null]}", "parameter \"refs\" " MUST_BE_REF ", not null" },
	{ "{\"refs\":\"a b\"}", "parameter \"refs\" " MUST_BE_REF ", not \"a b\"" },
	{ "{\"refs\":[1,2,3,4]}", "parameter \"refs\" must have at most 3 tasks, not 4" },
	{ "{\"outcomes\":[\"failed\",\"crashd\"]}",
		"parameter \"outcomes\" " MUST_BE_OUTCOME ", not \"crashd\": did you mean \"crashed\"?" },
	{ "{\"outcomes\":1}", "parameter \"outcomes\" " MUST_BE_OUTCOME ", not 1" },
	{ "{\"text\":1}", "parameter \"text\" must be a string, not 1" },
	{ "{\"object\":[]}", "parameter \"object\" must be an object, not an array" },
	{ "{\"pair\":\"a\"}", "parameter \"pair\" must be an array of strings, not \"a\"" },
	{ "{\"pair\":[\"a\",\"b\",\"c\"]}", "parameter \"pair\" must have at most 2 strings, not 3" },
};

START_TEST(more_mistakes_are_told)
{
	ck_assert_msg(read_more(more_bad[_i].text) < 0, "%s", more_bad[_i].text);
	ck_assert_str_eq(error, more_bad[_i].error);
	ck_assert_ptr_null(more.refs.refs);
}
END_TEST

static void expect_schema(const struct param_spec *spec)
{
	struct strbuf out = STRBUF_INIT;
	param_schema(&out, spec);
	json_t *json = json_loadb(out.data, out.length, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_msg(json_is_object(json), "%s", out.data);
	ck_assert_str_ne(param_type_name(spec->type), "");
	json_decref(json);
	strbuf_free(&out);
}

START_TEST(every_type_has_a_name_and_a_schema)
{
	for (size_t i = 0; specs[i].name; i++)
		expect_schema(&specs[i]);
	for (size_t i = 0; more_specs[i].name; i++)
		expect_schema(&more_specs[i]);
	for (size_t i = 0; named_specs[i].name; i++)
		expect_schema(&named_specs[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("params");
	TCase *tcase = tcase_create("params");
	tcase_add_test(tcase, every_type_is_read_by_name);
	tcase_add_test(tcase, every_type_is_read_by_place);
	tcase_add_test(tcase, absent_and_null_are_told_alike);
	tcase_add_test(tcase, no_parameters_are_fine_where_none_are_needed);
	tcase_add_loop_test(tcase, mistakes_are_told, 0, (int)COUNT(bad));
	tcase_add_test(tcase, numbers_of_seconds_are_exact_to_the_nanosecond);
	tcase_add_test(tcase, long_words_in_errors_are_cut);
	tcase_add_test(tcase, absent_ones_have_values_of_their_own);
	tcase_add_test(tcase, numbers_counts_and_times_are_read);
	tcase_add_test(tcase, texts_and_objects_stay_unread);
	tcase_add_test(tcase, names_are_copied_only_where_they_have_escapes);
	tcase_add_loop_test(tcase, wrong_names_are_told, 0, (int)COUNT(bad_names));
	tcase_add_test(tcase, a_string_with_a_nul_is_refused);
	tcase_add_test(tcase, references_are_ids_or_labels);
	tcase_add_test(tcase, many_ids_are_read_as_one_is);
	tcase_add_test(tcase, more_ids_than_any_method_takes_are_not_read);
	tcase_add_loop_test(tcase, more_mistakes_are_told, 0, (int)COUNT(more_bad));
	tcase_add_test(tcase, every_type_has_a_name_and_a_schema);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
