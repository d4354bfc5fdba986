/* mq put: words, or the lines of standard input as they come. Many are on their way at once; the first that is refused
 * stops the reading, so that what follows it can be put again from there, and it is told how far it has come. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/each_input.h"
#include "client/taskctl/mq.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"
#include "proto/strbuf.h"

/* On their way at once, at most. */
#define WINDOW 1024
#define WINDOW_BYTES ((size_t)4 << 20)

struct put_values {
	struct mq_kind kind;
	struct option_integer priority;
	struct option_integer timeout_ns;
	bool head;
	bool string;
	bool strict;
};

struct putting {
	struct taskctl *ctl;
	const struct put_values *values;
	struct each_input *input;
	const char *unit; /* "line" */
	char *prefix;     /* of the parameters: all but the value */
	struct strbuf params;
	int interrupt;
	bool over;   /* no more is read */
	size_t sent; /* the number of the last one */
	size_t waiting, waiting_bytes;
	size_t put, refused, unknown;
	size_t first_refused;
	int status;
};

struct sent {
	struct putting *p;
	size_t number, length;
};

/* --- answers --- */

static void stop(struct putting *p, int status)
{
	if (p->status == EXIT_FINE)
		p->status = status;
	p->over = true;
}

/* One error tells why; the others are counted. */
static void refuse(struct putting *p, size_t number, const struct taskd_failure *failure)
{
	bool unknown = exit_status_of(failure->error) == EXIT_UNREACHABLE;
	char what[48];

	snprintf(what, sizeof what, "%s %zu", p->unit, number);
	if (p->status == EXIT_FINE)
		stop(p, report_failure(p->ctl, unknown ? NULL : what, failure));
	if (unknown) {
		p->unknown++;
		return;
	}
	p->refused++;
	if (!p->first_refused || number < p->first_refused)
		p->first_refused = number;
}

static void answered(struct taskd_future *f, void *user)
{
	struct sent *sent = user;
	struct putting *p = sent->p;
	const struct taskd_failure *failure = taskd_exception(f);

	p->waiting--;
	p->waiting_bytes -= sent->length;
	if (failure)
		refuse(p, sent->number, failure);
	else
		p->put++;
	taskd_future_free(f);
	free(sent);
}

/* --- requests --- */

/* The JSON text of one; NULL: reported. */
static char *value_of(struct putting *p, const char *text)
{
	size_t length = strlen(text);
	struct json_span value;
	struct json_error error;
	json_t *string;
	char *json = NULL;

	if (p->values->strict && json_scan(text, length, &value, NULL, &error) < 0) {
		stop(p,
			report_usage(p->ctl, "without --strict, what is no JSON is put as a string",
				"%s %zu: no JSON: %s at byte %zu", p->unit, p->sent + 1, error.reason, error.offset));
		return NULL;
	}
	if (p->values->string) {
		string = json_stringn(text, length);
		json = string ? must(json_dumps(string, JSON_ENCODE_ANY)) : NULL;
		json_decref(string);
	} else {
		json = text_json(text, length);
	}
	if (!json)
		stop(p,
			report_usage(p->ctl, "wrap bytes that are not text in something that is, such as base64",
				"%s %zu is not UTF-8", p->unit, p->sent + 1));
	return json;
}

static void send_one(struct putting *p, const char *text)
{
	char *value = value_of(p, text);
	struct taskd_future *f;
	struct sent *sent;

	if (!value)
		return;
	strbuf_reset(&p->params);
	strbuf_puts(&p->params, p->prefix);
	strbuf_puts(&p->params, value);
	strbuf_puts(&p->params, "}");
	free(value);
	must(strbuf_failed(&p->params) ? NULL : p);
	f = taskd_request(p->ctl->connection, method_info(METHOD_MQ_PUT)->name, p->params.data);
	if (!f) {
		stop(p, report_last(p->ctl));
		return;
	}
	sent = must(malloc(sizeof *sent));
	*sent = (struct sent){ .p = p, .number = ++p->sent, .length = p->params.length };
	p->waiting++;
	p->waiting_bytes += sent->length;
	taskd_add_done_callback(f, answered, sent);
}

static bool has_room(const struct putting *p)
{
	return !p->over && p->waiting < WINDOW && p->waiting_bytes < WINDOW_BYTES;
}

/* Sends what there is to read. True: more comes when the input is readable. */
static bool fill(struct putting *p)
{
	char **values;
	size_t n;

	while (has_room(p)) {
		switch (each_input_next(p->input, &values, &n)) {
		case EACH_VALUES:
			send_one(p, values[0]);
			break;
		case EACH_WAIT:
			return true;
		case EACH_END:
			p->over = true;
			break;
		case EACH_BAD:
			stop(p, report_usage(p->ctl, NULL, "%s %zu has a NUL byte", p->unit, p->sent + 1));
			break;
		case EACH_BROKEN:
			stop(p,
				report(p->ctl, EXIT_FAILED, "system", NULL, "cannot read standard input: %s",
					strerror(errno)));
			break;
		}
	}
	return false;
}

/* --- the whole --- */

/* What cannot be known any more is said before it ends. */
static void interrupted(struct putting *p)
{
	interrupt_newline(p->ctl);
	report_note(p->ctl, "interrupted: put: %zu; on their way, and perhaps put: %zu", p->put, p->waiting);
	interrupt_die();
}

static void turn(struct putting *p, bool reads)
{
	struct pollfd fds[] = {
		{ .fd = taskd_fd(p->ctl->connection), .events = POLLIN },
		{ .fd = p->interrupt, .events = POLLIN },
		{ .fd = reads ? each_input_fd(p->input) : -1, .events = POLLIN },
	};
	eventfd_t count;

	if (taskd_dispatch(p->ctl->connection, 0) != TASKD_E_TIMEOUT)
		return;
	if (taskd_wants_write(p->ctl->connection))
		fds[0].events |= POLLOUT;
	if (poll(fds, 3, -1) <= 0)
		return;
	if (fds[1].revents && eventfd_read(p->interrupt, &count) == 0)
		interrupted(p);
	if (fds[2].revents)
		each_input_readable(p->input);
}

static int finish(struct putting *p)
{
	json_t *result = must(json_pack("{s:I}", "put", (json_int_t)p->put));

	if (p->refused > 0) {
		json_object_set_new(result, "refused", json_integer((json_int_t)p->refused));
		json_object_set_new(result, "first_refused", json_integer((json_int_t)p->first_refused));
	}
	if (p->unknown > 0)
		json_object_set_new(result, "unknown", json_integer((json_int_t)p->unknown));
	p->ctl->writer->ops->sentence(p->ctl->writer, result, "");
	json_decref(result);
	if (p->status == EXIT_FINE)
		return EXIT_FINE;
	if (p->refused > 0)
		report_note(p->ctl, "put: %zu; refused: %zu, from %s %zu on; nothing after %s %zu was sent", p->put,
			p->refused, p->unit, p->first_refused, p->unit, p->sent);
	else if (p->unknown > 0)
		report_note(p->ctl, "put: %zu; not known: %zu; nothing after %s %zu was sent", p->put, p->unknown,
			p->unit, p->sent);
	else
		report_note(p->ctl, "put: %zu, all up to %s %zu", p->put, p->unit, p->sent);
	return p->status;
}

static int put_all(struct putting *p)
{
	int status = taskctl_connect(p->ctl);

	if (status != EXIT_FINE)
		return status;
	p->interrupt = interrupt_noted();
	for (;;) {
		bool reads = fill(p);

		if (p->over && p->waiting == 0)
			return finish(p);
		turn(p, reads);
	}
}

static char *prefix_of(const struct invocation *invocation)
{
	const struct put_values *values = invocation->values;
	json_t *params = mq_params(invocation);
	char *text, *prefix;

	mq_put_kind(params, &values->kind);
	mq_put_timeout(params, &values->timeout_ns);
	if (values->priority.given)
		json_object_set_new(params, "priority", json_integer(values->priority.value));
	if (values->head)
		json_object_set_new(params, "end", json_string("head"));
	text = must(json_dumps(params, JSON_COMPACT));
	if (asprintf(&prefix, "%.*s,\"value\":", (int)strlen(text) - 1, text) < 0)
		prefix = must(NULL);
	free(text);
	json_decref(params);
	return prefix;
}

static int run_put(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct put_values *values = invocation->values;
	struct each_source words = {
		.words = invocation->operands + 1,
		.n = (size_t)invocation->n_operands - 1,
	};
	struct putting p = { .ctl = ctl, .values = values };
	bool input = words.n == 0;
	int status;

	for (size_t i = 0; i < words.n; i++)
		input |= strcmp(words.words[i], "-") == 0;
	if (input && words.n > 1)
		return report_usage(ctl, "\"-\" (with its quotes) is a JSON string",
			"- is the lines of standard input, and stands alone");
	if (values->string && values->strict)
		return report_usage(ctl, NULL, "either --string or --strict");
	p.unit = input ? "line" : "value";
	p.input = input ? each_input_of_fd(STDIN_FILENO, '\n') : each_input_of_words(&words, 1);
	p.prefix = prefix_of(invocation);
	status = put_all(&p);
	each_input_free(p.input);
	strbuf_free(&p.params);
	free(p.prefix);
	return status;
}

static const struct option_spec put_options[] = {
	MQ_OPTION(struct put_values, priority, "priority", OPTION_INTEGER, "N",
		"where its order is priority: the higher is the sooner (0)", .letter = 'p', .min = INT32_MIN,
		.max = INT32_MAX),
	MQ_OPTION(struct put_values, head, "head", OPTION_FLAG, NULL, "it is the next to be got", .letter = 0),
	MQ_OPTION(struct put_values, string, "string", OPTION_FLAG, NULL, "each is a string, also what looks like JSON",
		.letter = 0),
	MQ_OPTION(struct put_values, strict, "strict", OPTION_FLAG, NULL, "each has to be JSON, or that is an error",
		.letter = 0),
	MQ_TIMEOUT_OPTION(struct put_values, timeout_ns, "where it is full, wait so long for room (exit status 6)"),
	MQ_KIND_OPTIONS(struct put_values, kind),
	{ .name = NULL },
};

const struct command command_mq_put = {
	.name = "mq put",
	.group = "mq",
	.operands = "NAME [VALUE… | -]",
	.summary = "Put messages into a queue",
	.help = "Each VALUE is a message, or without any, or with -, each line of standard input, as it\n"
		"comes. Each is JSON if it parses as JSON, else a string. Where the queue is full, it\n"
		"waits. The first that is refused ends it; how far it has come is told.",
	.options = put_options,
	.values_size = sizeof(struct put_values),
	.min_operands = 1,
	.max_operands = -1,
	.missing = "a NAME",
	.first = COMPLETE_MQ,
	.run = run_put,
};
