/* The envelope: what is a request, what is a batch, what is neither and why; ids to the letter; what is written reads
 * back. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/jsonrpc.h"
#include "proto/strbuf.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void expect_span(const struct json_span *span, const char *text)
{
	ck_assert_int_eq(span->kind != JSON_NONE, text != NULL);
	if (text)
		ck_assert_msg(span->length == strlen(text) && memcmp(span->text, text, span->length) == 0,
			"%.*s is not %s", (int)span->length, span->text, text);
}

static const struct {
	const char *text, *id, *method, *params;
} requests[] = {
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fib\",\"params\":[30]}", "1", "\"fib\"", "[30]" },
	{ " { \"params\" : { } , \"method\" : \"a.b\" , \"id\" : \"x\" , \"jsonrpc\" : \"2.0\" } ", "\"x\"", "\"a.b\"",
		"{ }" },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"fib\"}", NULL, "\"fib\"", NULL },
	{ "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"fib\"}", "null", "\"fib\"", NULL },
	{ "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"fib\"}", "0", "\"fib\"", NULL },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1.50,\"method\":\"fib\"}", "1.50", "\"fib\"", NULL },
	{ "{\"jsonrpc\":\"2.0\",\"id\":-0,\"method\":\"fib\"}", "-0", "\"fib\"", NULL },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1e999,\"method\":\"fib\"}", "1e999", "\"fib\"", NULL },
	{ "{\"jsonrpc\":\"2.0\",\"id\":123456789012345678901234567890,\"method\":\"fib\"}",
		"123456789012345678901234567890", "\"fib\"", NULL },
	{ "{\"jsonrpc\":\"2.0\",\"id\":\"\\u0041\\n\",\"method\":\"fib\"}", "\"\\u0041\\n\"", "\"fib\"", NULL },
	{ "{\"json\\u0072pc\":\"2\\u002e0\",\"\\u0069d\":7,\"m\\u0065thod\":\"fib\"}", "7", "\"fib\"", NULL },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fib\",\"trace\":1,\"trace\":2,\"\":{}}", "1", "\"fib\"", NULL },
};

START_TEST(requests_are_taken_apart)
{
	const char *text = requests[_i].text;
	struct rpc_request request;
	struct json_span batch;
	enum proto_error error;
	const char *reason;

	ck_assert_msg(rpc_read(text, strlen(text), &request, &batch, &error, &reason) == RPC_REQUEST, "%s", text);
	expect_span(&request.id, requests[_i].id);
	expect_span(&request.method, requests[_i].method);
	expect_span(&request.params, requests[_i].params);
}
END_TEST

#define PARSE PROTO_PARSE_ERROR
#define INVALID PROTO_INVALID_REQUEST

static const struct {
	const char *text;
	enum proto_error error;
	const char *id; /* NULL: null */
	const char *reason;
} bad[] = {
	{ "", PARSE, NULL, "unexpected end at offset 0" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":", PARSE, NULL, "unexpected end at offset 33" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fib\"} x", PARSE, NULL, "unexpected character at offset 40" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fib\",\"params\":[1e999]}", PARSE, NULL,
		"number too large at offset 49" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fib\",\"params\":[9223372036854775808]}", PARSE, NULL,
		"integer beyond 64 bits at offset 49" },
	{ "{\"id\":\"\xff\"}", PARSE, NULL, "invalid UTF-8 at offset 7" },
	{ "[{\"id\":1},]", PARSE, NULL, "unexpected character at offset 10" },
	{ "[1] [2]", PARSE, NULL, "text behind the message at offset 4" },
	{ "[[[1e999]]]", PARSE, NULL, "number too large at offset 3" },
	{ "nonsense", PARSE, NULL, NULL },
	{ "1", INVALID, NULL, "neither an object nor an array" },
	{ "\"fib\"", INVALID, NULL, "neither an object nor an array" },
	{ "null", INVALID, NULL, "neither an object nor an array" },
	{ "[]", INVALID, NULL, "an empty batch" },
	{ " [ ] ", INVALID, NULL, "an empty batch" },
	{ "{}", INVALID, NULL, "\"jsonrpc\" is not \"2.0\"" },
	{ "{\"id\":5,\"method\":\"fib\"}", INVALID, "5", "\"jsonrpc\" is not \"2.0\"" },
	{ "{\"jsonrpc\":2.0,\"id\":5,\"method\":\"fib\"}", INVALID, "5", "\"jsonrpc\" is not \"2.0\"" },
	{ "{\"jsonrpc\":\"1.0\",\"id\":5,\"method\":\"fib\"}", INVALID, "5", "\"jsonrpc\" is not \"2.0\"" },
	{ "{\"jsonrpc\":\"2.00\",\"id\":5,\"method\":\"fib\"}", INVALID, "5", "\"jsonrpc\" is not \"2.0\"" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":5}", INVALID, "5", "\"method\" is missing" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":1}", INVALID, "5", "\"method\" is not a string" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":null}", INVALID, "5", "\"method\" is not a string" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":[1],\"method\":\"fib\"}", INVALID, NULL,
		"\"id\" is not a string, a number or null" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"fib\"}", INVALID, NULL,
		"\"id\" is not a string, a number or null" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"fib\"}", INVALID, NULL,
		"\"id\" is not a string, a number or null" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"fib\",\"params\":1}", INVALID, "\"a\"",
		"\"params\" is neither an array nor an object" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"fib\",\"params\":null}", INVALID, "5",
		"\"params\" is neither an array nor an object" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"fib\",\"method\":\"fib\"}", INVALID, "5",
		"a member is there twice" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":5,\"m\\u0065thod\":\"fib\",\"method\":\"fib\"}", INVALID, "5",
		"a member is there twice" },
	{ "{\"jsonrpc\":\"2.0\",\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"fib\"}", INVALID, "5",
		"a member is there twice" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":5,\"id\":6,\"method\":\"fib\"}", INVALID, NULL, "a member is there twice" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"fib\",\"params\":[],\"params\":[]}", INVALID, "5",
		"a member is there twice" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":1}", INVALID, "5", "a response, where a request was expected" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":5,\"error\":{}}", INVALID, "5", "a response, where a request was expected" },
};

START_TEST(bad_messages_are_told_apart)
{
	const char *text = bad[_i].text;
	struct rpc_request request;
	struct json_span batch;
	enum proto_error error;
	const char *reason = "";

	ck_assert_msg(rpc_read(text, strlen(text), &request, &batch, &error, &reason) == RPC_BAD, "%s", text);
	ck_assert_msg(error == bad[_i].error, "%s", text);
	expect_span(&request.id, bad[_i].id);
	if (bad[_i].reason)
		ck_assert_str_eq(reason, bad[_i].reason);
}
END_TEST

START_TEST(a_batch_is_read_element_by_element)
{
	static const char text[] = " [{\"jsonrpc\":\"2.0\",\"id\":1e999,\"method\":\"a\"}, 1,{\"id\":2}, "
				   "{\"jsonrpc\":\"2.0\",\"method\":\"b\",\"params\":[3]},[]] ";
	static const enum rpc_read expected[] = { RPC_REQUEST, RPC_BAD, RPC_BAD, RPC_REQUEST, RPC_BAD };
	static const char *const ids[] = { "1e999", NULL, "2", NULL, NULL };
	struct rpc_request request;
	struct json_span batch, element;
	enum proto_error error;
	const char *reason;
	size_t cursor = 0, n = 0;

	ck_assert_int_eq(rpc_read(text, strlen(text), &request, &batch, &error, &reason), RPC_BATCH);
	while (json_next(&batch, &cursor, NULL, &element)) {
		ck_assert_uint_lt(n, COUNT(expected));
		ck_assert_int_eq(rpc_read_value(&element, &request, &error, &reason), expected[n]);
		if (expected[n] == RPC_BAD)
			ck_assert_int_eq(error, PROTO_INVALID_REQUEST);
		expect_span(&request.id, ids[n]);
		n++;
	}
	ck_assert_uint_eq(n, COUNT(expected));
}
END_TEST

/* The message nests as deep as the limit allows, and not deeper, alone and in a batch. */
START_TEST(nesting_counts_the_envelope)
{
	for (size_t outer = 1; outer <= 2; outer++) {
		for (size_t depth = JSON_DEPTH_LIMIT - 3; depth < JSON_DEPTH_LIMIT + 2; depth++) {
			struct strbuf text = STRBUF_INIT;
			struct rpc_request request;
			struct json_span batch;
			enum proto_error error;
			const char *reason;
			if (outer == 2)
				strbuf_puts(&text, "[");
			strbuf_puts(&text, "{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"params\":");
			for (size_t i = 0; i < depth; i++)
				strbuf_puts(&text, "[");
			for (size_t i = 0; i < depth; i++)
				strbuf_puts(&text, "]");
			strbuf_puts(&text, outer == 2 ? "}]" : "}");
			bool fits = rpc_read(text.data, text.length, &request, &batch, &error, &reason) != RPC_BAD;
			ck_assert_int_eq(fits, depth + outer <= JSON_DEPTH_LIMIT);
			strbuf_free(&text);
		}
	}
}
END_TEST

static const char *method_of(const char *literal, char buf[128], size_t *length)
{
	struct rpc_request request = { 0 };

	ck_assert_int_eq(json_scan(literal, strlen(literal), &request.method, NULL, NULL), 0);
	return rpc_method(&request, buf, length);
}

START_TEST(method_names_are_unescaped_where_they_need_it)
{
	char buf[128], literal[200];
	const char *name;
	size_t length;

	name = method_of("\"fib\"", buf, &length);
	ck_assert(length == 3 && memcmp(name, "fib", 3) == 0 && name != buf);
	name = method_of("\"f\\u0069b\"", buf, &length);
	ck_assert(length == 3 && memcmp(name, "fib", 3) == 0 && name == buf);
	name = method_of("\"\"", buf, &length);
	ck_assert(name && length == 0);
	snprintf(literal, sizeof(literal), "\"%0127d\"", 0);
	ck_assert(method_of(literal, buf, &length) && length == 127);
	snprintf(literal, sizeof(literal), "\"%0128d\"", 0);
	ck_assert_ptr_null(method_of(literal, buf, &length));
	snprintf(literal, sizeof(literal), "\"%0126d\\n\"", 0);
	ck_assert(method_of(literal, buf, &length) && length == 127);
	snprintf(literal, sizeof(literal), "\"%0127d\\n\"", 0);
	ck_assert_ptr_null(method_of(literal, buf, &length));
}
END_TEST

START_TEST(errors_are_complete_and_read_back)
{
	for (int error = 0; error < PROTO_N_ERRORS; error++) {
		const struct proto_error_info *info = proto_error_info((enum proto_error)error);
		struct strbuf out = STRBUF_INIT;
		struct rpc_response response;
		rpc_error(&out, "\"x\"", 3, (enum proto_error)error, NULL, NULL);
		ck_assert_int_eq(rpc_read_response(out.data, out.length, &response), 0);
		expect_span(&response.id, "\"x\"");
		json_t *json = json_loadb(response.error.text, response.error.length, 0, NULL);
		json_t *data = json_object_get(json, "data");
		ck_assert_int_eq(json_integer_value(json_object_get(json, "code")), info->code);
		ck_assert_str_eq(json_string_value(json_object_get(json, "message")), info->text);
		ck_assert_str_eq(json_string_value(json_object_get(data, "kind")), info->kind);
		if (info->hint)
			ck_assert_str_eq(json_string_value(json_object_get(data, "hint")), info->hint);
		json_decref(json);
		strbuf_free(&out);
	}
}
END_TEST

START_TEST(what_is_written_has_its_exact_form)
{
	struct strbuf out = STRBUF_INIT;

	rpc_begin_result(&out, "1.50", 4);
	ck_assert_str_eq(out.data, "{\"jsonrpc\":\"2.0\",\"id\":1.50,\"result\":");
	strbuf_reset(&out);
	rpc_begin_notification(&out, "task.finished");
	ck_assert_str_eq(out.data, "{\"jsonrpc\":\"2.0\",\"method\":\"task.finished\",\"params\":");
	strbuf_reset(&out);
	rpc_error(&out, NULL, 0, PROTO_PARSE_ERROR, "a \"b\"", "{\"kind\":\"x\"}");
	ck_assert_str_eq(out.data,
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"a \\\"b\\\"\","
		"\"data\":{\"kind\":\"x\"}}}");
	strbuf_reset(&out);
	rpc_error_object(&out, 7, "no", NULL);
	ck_assert_str_eq(out.data, "{\"code\":7,\"message\":\"no\"}");
	strbuf_free(&out);
}
END_TEST

static const struct {
	const char *text, *id, *result, *error, *method, *params;
} responses[] = {
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null}", "1", "null", NULL, NULL, NULL },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":1}}", "1", "{\"a\":1}", NULL, NULL, NULL },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{}}", "1", NULL, "{}", NULL, NULL },
	{ "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{}}", NULL, NULL, "{}", NULL, NULL },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"task.finished\",\"params\":{}}", NULL, NULL, NULL, "\"task.finished\"",
		"{}" },
};

START_TEST(responses_are_taken_apart)
{
	struct rpc_response response;

	ck_assert_int_eq(rpc_read_response(responses[_i].text, strlen(responses[_i].text), &response), 0);
	expect_span(&response.id, responses[_i].id);
	expect_span(&response.result, responses[_i].result);
	expect_span(&response.error, responses[_i].error);
	expect_span(&response.method, responses[_i].method);
	expect_span(&response.params, responses[_i].params);
}
END_TEST

static const char *const no_responses[] = { "", "1", "[]", "[{}]", "{}", "{\"jsonrpc\":\"2.0\"}",
	"{\"jsonrpc\":\"2.0\",\"id\":1}", "{\"id\":1,\"result\":1}", "{\"jsonrpc\":\"2.0\",\"result\":1}",
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1,\"error\":{}}", "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":1}",
	"{\"jsonrpc\":\"2.0\",\"id\":[],\"result\":1}", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1,\"result\":1}",
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":}", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}}",
	"{\"jsonrpc\":\"2.0\",\"method\":1}", "{\"jsonrpc\":\"1.0\",\"id\":1,\"result\":1}" };

START_TEST(other_texts_are_no_responses)
{
	struct rpc_response response;
	const char *text = no_responses[_i];

	ck_assert_msg(rpc_read_response(text, strlen(text), &response) < 0, "%s", text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("jsonrpc");
	TCase *tcase = tcase_create("the daemon's side");
	tcase_add_loop_test(tcase, requests_are_taken_apart, 0, (int)COUNT(requests));
	tcase_add_loop_test(tcase, bad_messages_are_told_apart, 0, (int)COUNT(bad));
	tcase_add_test(tcase, a_batch_is_read_element_by_element);
	tcase_add_test(tcase, nesting_counts_the_envelope);
	tcase_add_test(tcase, method_names_are_unescaped_where_they_need_it);
	tcase_add_test(tcase, errors_are_complete_and_read_back);
	tcase_add_test(tcase, what_is_written_has_its_exact_form);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("the client's side");
	tcase_add_loop_test(tcase, responses_are_taken_apart, 0, (int)COUNT(responses));
	tcase_add_loop_test(tcase, other_texts_are_no_responses, 0, (int)COUNT(no_responses));
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
