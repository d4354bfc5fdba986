/* Reads what the master wants of a command that runs, and hands it to the slot's thread. Pages of logs are read here: a
 * command that keeps its slot busy does not keep its log from being read. */
#include "worker/order.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "proto/base64.h"
#include "worker/command.h"
#include "worker/control.h"

static int kind_of(const char *word)
{
	static const char *const words[] = {
		[INBOX_TERM] = "term",
		[INBOX_KILL] = "kill",
		[INBOX_SIGNAL] = "signal",
		[INBOX_SUSPEND] = "suspend",
		[INBOX_RESUME] = "resume",
		[INBOX_WINDOW] = "window",
		[INBOX_SEND] = "send",
	};
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(words[i], word) == 0)
			return (int)i;
	return -1;
}

static int take_data(struct inbox_message *message, const char *text)
{
	size_t length = strlen(text);
	message->data = xmalloc(base64_room(length));
	ssize_t n = base64_decode(message->data, text, length);
	message->length = n < 0 ? 0 : (size_t)n;
	return n < 0 ? -1 : 0;
}

static int hear_order(const json_t *body, struct inbox *inbox)
{
	json_int_t task = 0, attempt = 0, ask = 0;
	const char *word = "", *data = "";
	int eof = 0;
	struct inbox_message *message = xcalloc(1, sizeof(*message));
	if (json_unpack((json_t *)(uintptr_t)body, "{s:I, s:I, s:s, s?I, s?i, s?i, s?i, s?s, s?b}", "task", &task,
		    "attempt", &attempt, "do", &word, "ask", &ask, "signal", &message->signal, "rows", &message->rows,
		    "columns", &message->columns, "data", &data, "eof", &eof) < 0)
		goto fail;
	int kind = kind_of(word);
	if (kind < 0 || task <= 0 || attempt < 0 || attempt > UINT32_MAX || ask < 0 || take_data(message, data) < 0)
		goto fail;
	message->kind = (enum inbox_kind)kind;
	message->task_id = (uint64_t)task;
	message->attempt = (uint32_t)attempt;
	message->ask = (uint64_t)ask;
	message->eof = eof;
	inbox_put(inbox, message);
	return 0;
fail:
	inbox_message_free(message);
	return -1;
}

static int hear_log(const json_t *body, const struct command_setting *setting, int control_fd)
{
	static char page[CONTROL_PAGE_LIMIT];
	json_int_t task, attempt, ask, offset, size;
	int stream;
	uint64_t total = 0;
	if (json_unpack((json_t *)(uintptr_t)body, "{s:I, s:I, s:I, s:i, s:I, s:I}", "task", &task, "attempt", &attempt,
		    "ask", &ask, "stream", &stream, "offset", &offset, "size", &size) < 0 ||
		task <= 0 || attempt < 0 || attempt > UINT32_MAX || ask < 0 || offset < 0 || size < 0 || stream < 0 ||
		stream >= CAPTURE_N_STREAMS)
		return -1;
	size_t room = size < (json_int_t)sizeof(page) ? (size_t)size : sizeof(page);
	errno = ENOENT;
	ssize_t n = !setting->log_dir ? -1
				      : command_log_read(setting->log_dir, (uint64_t)task, (uint32_t)attempt,
						(enum capture_stream)stream, (uint64_t)offset, page, room, &total);
	if (n >= 0)
		control_send_page(control_fd, (uint64_t)ask, page, (size_t)n, total);
	else if (errno == ENOENT)
		control_send_answer(control_fd, (uint64_t)ask, "not_found", NULL);
	else
		control_send_answer(control_fd, (uint64_t)ask, "refused", strerror(errno));
	return 0;
}

int order_hear(const json_t *message, const struct command_setting *setting, struct inbox *inbox, int control_fd)
{
	const json_t *body;
	if ((body = json_object_get(message, "order")))
		return hear_order(body, inbox);
	if ((body = json_object_get(message, "log")))
		return hear_log(body, setting, control_fd);
	return -1;
}
