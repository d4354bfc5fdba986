/* The output of a command, page by page, as the daemon still has it. */
#include "client/taskctl/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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

	strbuf_printf(&line, "{\"attempt\":%d,\"stream\":\"%s\",\"offset\":%" PRIu64, log->attempt, words[stream], offset);
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

static void tell_lost(const struct log *log, int stream, uint64_t from, uint64_t to)
{
	if (to > from)
		report_warning(log->ctl, "lost", "%" PRIu64 " bytes of %s from byte %" PRIu64 " on were not kept", to - from,
			names[stream], from);
	else
		report_warning(log->ctl, "lost", "%s was not kept", names[stream]);
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

int log_print(struct log *log, int stream, uint64_t until)
{
	struct page page;
	bool more = true;

	while (more && log->printed[stream] < until) {
		int status = fetch(log, stream, &page);

		if (status != EXIT_FINE)
			return status;
		log->attempt = page.attempt;
		log->over = page.over;
		if (until == UINT64_MAX) /* what there is now: one that never stops is for --follow */
			until = page.total;
		if (page.length > 0) {
			log_print_bytes(log, stream, page.offset, page.data, page.length);
		} else if (!page.kept) {
			uint64_t end = page.total < until ? page.total : until;

			tell_lost(log, stream, page.offset, end);
			log->printed[stream] = end > page.offset ? end : page.offset;
			more = end > page.offset;
		} else {
			more = false;
		}
		free(page.data);
	}
	return EXIT_FINE;
}
