/* What the scanner costs beside jansson on the same texts: megabytes a second, and nanoseconds for a small request. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/json_scan.h"
#include "proto/jsonrpc.h"
#include "proto/strbuf.h"

#define ROUNDS 5

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void check(int ok)
{
	if (!ok) {
		fputs("error: a text of the bench is refused\n", stderr);
		exit(EXIT_FAILURE);
	}
}

static void use_scan(const char *text, size_t length)
{
	struct json_span value;
	bool newline;

	check(json_scan(text, length, &value, &newline, NULL) == 0);
}

static void use_request(const char *text, size_t length)
{
	struct rpc_request request;
	struct json_span batch;
	enum proto_error error;
	const char *reason;

	check(rpc_read(text, length, &request, &batch, &error, &reason) == RPC_REQUEST);
}

/* Walks what was scanned, as the worker does to find an argument. */
static void use_next(const char *text, size_t length)
{
	struct json_span whole = { text, length, text[0] == '[' ? JSON_SPAN_ARRAY : JSON_SPAN_OBJECT };

	check(json_count(&whole) > 0);
}

static void use_jansson(const char *text, size_t length)
{
	json_t *json = json_loadb(text, length, JSON_DECODE_ANY, NULL);

	check(json != NULL);
	json_decref(json);
}

/* The best of some rounds: seconds for one call. */
static double measure(void (*use)(const char *, size_t), const char *text, size_t length, int calls)
{
	double best = 1e9;

	for (int round = 0; round < ROUNDS; round++) {
		double start = now();
		for (int i = 0; i < calls; i++)
			use(text, length);
		double each = (now() - start) / calls;
		best = each < best ? each : best;
	}
	return best;
}

static void large(const char *name, const struct strbuf *text, int calls)
{
	double megabytes = (double)text->length / 1e6;
	double scan = measure(use_scan, text->data, text->length, calls);
	double next = measure(use_next, text->data, text->length, calls);
	double jansson = measure(use_jansson, text->data, text->length, 1);

	printf("%-24s %9.0f %9.0f %9.0f %8.1f\n", name, megabytes / scan, megabytes / next, megabytes / jansson,
		jansson / scan);
}

static void small(const char *name, const char *text)
{
	size_t length = strlen(text);
	double scan = measure(use_scan, text, length, 200000) * 1e9;
	double request = measure(use_request, text, length, 200000) * 1e9;
	double jansson = measure(use_jansson, text, length, 20000) * 1e9;

	printf("%-24s %9.0f %9.0f %9.0f %8.1f\n", name, scan, request, jansson, jansson / request);
}

/* An array of so many bytes made of one element again and again. */
static void fill(struct strbuf *text, const char *element, size_t size)
{
	strbuf_reset(text);
	strbuf_puts(text, "[");
	while (text->length < size) {
		strbuf_puts(text, element);
		strbuf_puts(text, ",");
	}
	strbuf_puts(text, "0]");
}

int main(void)
{
	static const size_t size = 8 << 20;
	struct strbuf text = STRBUF_INIT;

	printf("%-24s %9s %9s %9s %8s\n", "MB/s", "json_scan", "json_next", "jansson", "ratio");
	strbuf_puts(&text, "[\"");
	while (text.length < size)
		strbuf_puts(&text, "the quick brown fox jumps over the lazy dog ");
	strbuf_puts(&text, "\"]");
	large("one long string", &text, 10);
	fill(&text, "\"a string of 24 letters..\"", size);
	large("short strings", &text, 10);
	fill(&text, "\"na\xc3\xafve caf\xc3\xa9 \\n \\u20ac\"", size);
	large("UTF-8 and escapes", &text, 10);
	fill(&text,
		"\"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac\"",
		size);
	large("UTF-8 only", &text, 10);
	fill(&text, "1234567", size);
	large("integers of 7 digits", &text, 10);
	fill(&text, "7", size);
	large("integers of 1 digit", &text, 10);
	fill(&text, "-12.3456789e-05", size);
	large("reals", &text, 10);
	fill(&text, "{\"id\":17,\"name\":\"fib\",\"ok\":true,\"list\":[1,2,3]}", size);
	large("records", &text, 10);
	strbuf_free(&text);

	printf("\n%-24s %9s %9s %9s %8s\n", "ns a request", "json_scan", "rpc_read", "jansson", "ratio");
	small("fib, 53 bytes", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fib\",\"params\":[30]}");
	small("task.call, 89 bytes",
		"{\"jsonrpc\":\"2.0\",\"id\":12345,\"method\":\"task.call\","
		"\"params\":{\"task\":\"fib\",\"args\":[30]}}");
	return EXIT_SUCCESS;
}
