/* The output of a command, page by page, as the daemon still has it. */
#include "client/taskctl/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"
#include "proto/base64.h"
#include "proto/strbuf.h"

static const char *const words[LOG_STREAMS] = { "stdout", "stderr" };
static const char *const names[LOG_STREAMS] = { "standard output", "standard error" };

/* --- printed --- */

static void print_json(const struct log *log, int stream, uint64_t offset, const char *data, size_t length)
{
	struct strbuf line = STRBUF_INIT;

	strbuf_printf(
		&line, "{\"attempt\":%d,\"stream\":\"%s\",\"offset\":%" PRIu64, log->attempt, words[stream], offset);
	base64_member(&line, "data", data, length);
	strbuf_puts(&line, "}\n");
	if (strbuf_failed(&line))
		must(NULL);
	fwrite(line.data, 1, line.length, stdout);
	strbuf_free(&line);
	write_flush();
}

void log_print_bytes(struct log *log, int stream, uint64_t offset, const char *data, size_t length)
{
	uint64_t printed = log->printed[stream];

	if (offset + length <= printed)
		return;
	if (offset < printed) {
		data += printed - offset;
		length -= printed - offset;
		offset = printed;
	}
	log->printed[stream] = offset + length;
	if (log->ctl->json) {
		print_json(log, stream, offset, data, length);
	} else if (stream == 0) {
		fwrite(data, 1, length, stdout);
		write_flush();
	} else {
		fwrite(data, 1, length, stderr);
	}
}

/* --- lost --- */

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * TASKD_SECOND + now.tv_nsec;
}

static void tell_lost(struct log *log, int stream)
{
	struct log_lost *lost = &log->lost[stream];

	if (lost->bytes > 0)
		report_warning(log->ctl, "lost", "%" PRIu64 " bytes of %s were not kept, from byte %" PRIu64 " on",
			lost->bytes, names[stream], lost->from);
	*lost = (struct log_lost){ .told_ns = now_ns() };
}

void log_tell_lost(struct log *log)
{
	uint64_t printed = 0;

	for (int stream = 0; stream < LOG_STREAMS; stream++) {
		tell_lost(log, stream);
		printed += log->printed[stream];
	}
	/* Where the one was kept, the other was empty. */
	if (log->unknown > 0 && printed == 0)
		report_warning(log->ctl, "lost", "what attempt %d has written was not kept", log->attempt);
}

/* What is missing up to END. */
static void lose(struct log *log, int stream, uint64_t end)
{
	struct log_lost *lost = &log->lost[stream];

	if (lost->bytes == 0)
		lost->from = log->printed[stream];
	lost->bytes += end - log->printed[stream];
	log->printed[stream] = end;
	if (lost->told_ns == 0 || now_ns() - lost->told_ns >= TASKD_SECOND)
		tell_lost(log, stream);
}

/* --- asked for --- */

struct page {
	char *data; /* malloc'ed */
	size_t length;
	uint64_t offset, next, total;
	int attempt;
	bool over, kept;
};

static bool read_data(struct page *page, const json_t *answer)
{
	const json_t *text = json_object_get(answer, "data"), *base64 = json_object_get(answer, "data_base64");
	const json_t *value = text ? text : base64;
	const char *string = json_string_value(value);
	size_t length = json_string_length(value);
	ssize_t n;

	if (!string)
		return false;
	page->data = must(malloc(length + 1));
	if (text) {
		memcpy(page->data, string, length);
		page->length = length;
		return true;
	}
	n = base64_decode(page->data, string, length);
	page->length = n < 0 ? 0 : (size_t)n;
	return n >= 0;
}

/* EXIT_FINE: its data is the caller's; else it has been reported. */
static int fetch(struct log *log, int stream, struct page *page)
{
	char params[160], attempt[32], what[48];
	json_t *answer;
	int status;

	*page = (struct page){ .offset = log->printed[stream] };
	snprintf(attempt, sizeof attempt, ",\"attempt\":%d", log->attempt);
	snprintf(params, sizeof params, "{\"id\":\"%s\",\"stream\":\"%s\",\"offset\":%" PRIu64 "%s}", log->id,
		words[stream], page->offset, log->attempt > 0 ? attempt : "");
	snprintf(what, sizeof what, "task %s", log->id);
	status = taskctl_request_text(log->ctl, METHOD_TASK_LOG, params, what, &answer);
	if (status != EXIT_FINE)
		return status;
	page->next = (uint64_t)json_integer_value(json_object_get(answer, "next"));
	page->total = (uint64_t)json_integer_value(json_object_get(answer, "total"));
	page->attempt = (int)json_integer_value(json_object_get(answer, "attempt"));
	page->over = json_is_true(json_object_get(answer, "over"));
	page->kept = json_is_true(json_object_get(answer, "kept"));
	if (!read_data(page, answer) || page->next != page->offset + page->length) {
		free(page->data);
		status = report_library(log->ctl, TASKD_E_PROTOCOL, NULL);
	}
	json_decref(answer);
	return status;
}

/* What a page without bytes means; whether there may be more behind it. */
static bool take_nothing(struct log *log, int stream, const struct page *page, uint64_t until)
{
	uint64_t end = page->total < until ? page->total : until;

	if (page->kept)
		return false;
	log->unkept[stream] = !page->over;
	if (end <= page->offset) {
		log->unknown++;
		return false;
	}
	lose(log, stream, end);
	return true;
}

int log_print(struct log *log, int stream, uint64_t until)
{
	struct page page;
	bool more = true;

	if (log->unkept[stream] && until < UINT64_MAX && log->printed[stream] < until)
		lose(log, stream, until);
	while (more && log->printed[stream] < until) {
		int status = fetch(log, stream, &page);

		if (status != EXIT_FINE)
			return status;
		log->attempt = page.attempt;
		if (until == UINT64_MAX) /* what there is now: one that never stops is for --follow */
			until = page.total;
		if (page.length > 0)
			log_print_bytes(log, stream, page.offset, page.data, page.length);
		else
			more = take_nothing(log, stream, &page, until);
		free(page.data);
	}
	return EXIT_FINE;
}
