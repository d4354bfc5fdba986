/* Following a command: what there is of its output, then what comes. The daemon leaves out what is not read as fast as it
 * is written, and so does this while it asks for pages; but what has been printed is counted, so where something is
 * missing it is asked for, and only what nobody has any more is lost. */
#include <stdlib.h>
#include <string.h>

#include "client/taskctl/again.h"
#include "client/taskctl/log.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"

#define WAITING_LIMIT ((size_t)1 << 20)

/* What was said, and has not been printed yet. */
struct said {
	struct said *next;
	int stream;
	int attempt;
	uint64_t offset;
	size_t length;
	char data[];
};

struct following {
	struct log *log;
	struct said *first, **last;
	size_t waiting; /* bytes */
	bool left_out;  /* something had no room there */
	bool over;
	char *state; /* how it has ended; NULL: the connection has */
	bool again;  /* …which is there again */
};

static void output_came(void *user, const struct taskd_output *output)
{
	struct following *f = user;
	struct said *said;

	if (output->stream == 0) {
		f->over = true;
		f->state = output->state ? must(strdup(output->state)) : NULL;
		return;
	}
	if (f->waiting + output->length > WAITING_LIMIT) {
		f->left_out = true;
		return;
	}
	said = must(malloc(sizeof *said + output->length));
	*said = (struct said){
		.stream = output->stream == TASKD_STDERR,
		.attempt = output->attempt,
		.offset = output->offset,
		.length = output->length,
	};
	memcpy(said->data, output->data, output->length);
	f->waiting += said->length;
	*f->last = said;
	f->last = &said->next;
}

static struct said *take(struct following *f)
{
	struct said *said = f->first;

	if (!said)
		return NULL;
	f->first = said->next;
	if (!f->first)
		f->last = &f->first;
	f->waiting -= said->length;
	return said;
}

/* All that there is, of both. */
static int print_all(struct log *log)
{
	for (int stream = 0; stream < LOG_STREAMS; stream++) {
		int status = log->wanted[stream] ? log_print(log, stream, UINT64_MAX) : EXIT_FINE;

		if (status != EXIT_FINE)
			return status;
	}
	return EXIT_FINE;
}

static void begin_attempt(struct log *log, int attempt)
{
	if (log->attempt > 0) {
		log_tell_lost(log);
		report_note(log->ctl, "attempt %d", attempt);
	}
	log->attempt = attempt;
	log->unknown = 0;
	for (int stream = 0; stream < LOG_STREAMS; stream++) {
		log->printed[stream] = 0;
		log->unkept[stream] = false;
	}
}

/* It is tried again: the rest of the attempts before, some of which may have come and gone unseen. */
static int go_to_attempt(struct log *log, int attempt)
{
	int status = EXIT_FINE;

	while (log->attempt < attempt && status == EXIT_FINE) {
		if (log->attempt > 0)
			status = print_all(log);
		begin_attempt(log, log->attempt > 0 ? log->attempt + 1 : attempt);
	}
	return status;
}

/* How often it has been tried, or as often as is known. */
static int count_attempts(const struct log *log)
{
	char params[48];
	struct taskd_future *f;
	json_t *record = NULL;
	int attempt;

	snprintf(params, sizeof params, "{\"id\":\"%s\"}", log->id);
	f = taskd_request(log->ctl->connection, method_info(METHOD_TASK_STATUS)->name, params);
	if (taskd_result(f, TASKD_FOREVER) == TASKD_OK)
		record = json_loads(taskd_future_result(f, NULL), 0, NULL);
	attempt = (int)json_integer_value(json_object_get(record, "attempt"));
	json_decref(record);
	taskd_future_free(f);
	return attempt > log->attempt ? attempt : log->attempt;
}

static int print_said(struct log *log, const struct said *said)
{
	int status = EXIT_FINE;

	if (said->attempt < log->attempt)
		return EXIT_FINE;
	status = go_to_attempt(log, said->attempt);
	if (status != EXIT_FINE || !log->wanted[said->stream])
		return status;
	if (said->offset > log->printed[said->stream])
		status = log_print(log, said->stream, said->offset);
	if (status == EXIT_FINE)
		log_print_bytes(log, said->stream, said->offset, said->data, said->length);
	return status;
}

/* What waits, and what had no room to. */
static int print_waiting(struct following *f)
{
	struct said *said;
	int status = EXIT_FINE;

	while (status == EXIT_FINE && (said = take(f))) {
		status = print_said(f->log, said);
		free(said);
	}
	if (status == EXIT_FINE && f->left_out) {
		f->left_out = false;
		status = print_all(f->log);
	}
	return status;
}

/* It is over. */
static int print_rest(struct log *log)
{
	int status = go_to_attempt(log, count_attempts(log));

	return status == EXIT_FINE ? print_all(log) : status;
}

/* The daemon is there again, perhaps another one: it is followed anew, in whichever attempt it is there. */
static bool lost(struct following *f)
{
	static const struct taskd_failure failure = { .error = TASKD_E_DISCONNECTED };

	f->again = again_after(f->log->ctl, &failure);
	return f->again;
}

static int go_on(struct following *f)
{
	struct taskctl *ctl = f->log->ctl;
	int status = print_all(f->log);

	while (status == EXIT_FINE) {
		status = print_waiting(f);
		if (f->over && !f->first)
			break;
		if (status == EXIT_FINE && !f->first)
			taskctl_turn(ctl, -1, -1);
	}
	if (status != EXIT_FINE)
		return status;
	if (!f->state)
		return lost(f) ? EXIT_FINE
			       : report_library(ctl, taskd_connection_error(ctl->connection), NULL);
	status = print_rest(f->log);
	if (status == EXIT_FINE && ctl->json) {
		json_t *end = must(json_pack("{s:b,s:s}", "end", 1, "state", f->state));

		ctl->writer->ops->sentence(ctl->writer, end, "");
		json_decref(end);
	}
	return status;
}

static int follow(struct following *f)
{
	struct log *log = f->log;
	struct taskd_follow *follow;
	struct said *said;
	char what[48];
	int status;

	f->last = &f->first;
	follow = taskd_follow(log->ctl->connection, log->id, output_came, f, NULL, TASKD_FOREVER);
	if (!follow && taskd_last_error(NULL) == TASKD_E_NOT_RUNNING)
		return print_rest(log);
	if (!follow && taskd_last_error(NULL) == TASKD_E_DISCONNECTED && lost(f))
		return EXIT_FINE;
	if (!follow) {
		snprintf(what, sizeof what, "task %s", log->id);
		return report_failure(log->ctl, what, taskd_future_error(NULL));
	}
	status = go_on(f);
	taskd_unfollow(follow);
	while ((said = take(f)))
		free(said);
	free(f->state);
	return status;
}

int log_follow(struct log *log)
{
	struct following f;
	int status;

	again_knows_ids(log->ctl);
	do {
		f = (struct following){ .log = log };
		status = follow(&f);
	} while (f.again && status == EXIT_FINE && (status = again_has_ids(log->ctl)) == EXIT_FINE);
	return status;
}
