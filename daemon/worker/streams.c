/* What a command reads and writes, as a whole: which descriptors it gets, and what flows through those that are ours.
 * How it flows is told in streams_outlet.c and streams_inlet.c.
 *
 *                 stdin                          stdout, stderr
 *   nothing said  /dev/null                      a pipe each; merge: one for both
 *   bytes         a file in memory
 *   a file        that file
 *   live          a pipe
 *   descriptors   the command's own              a pipe, and what comes goes on to the descriptor; direct: its own
 *   tty           a terminal for all three, into which is typed what is sent, and what a descriptor for stdin
 *                 gives; what the terminal shows goes where stdout would go
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/xmalloc.h"
#include "worker/command.h"
#include "worker/streams.h"

#define ROWS 24
#define COLUMNS 80

struct streams {
	struct outlet outlets[CAPTURE_N_STREAMS];
	struct inlet inlet;
	int terminal; /* our side of it; -1: none */
	int child[COMMAND_FDS];
	char *log_dir; /* NULL: none */
	uint64_t task_id;
	uint32_t attempt;
};

/* --- the opening --- */

/* What is needed only until it is open. */
struct opening {
	const struct command_params *params;
	const struct command_rights *rights;
	int given[COMMAND_FDS]; /* what came along, by stream; -1: nothing, or it has gone where it belongs */
	const char *step;
};

static int fail(struct opening *opening, const char *step)
{
	opening->step = step;
	return -1;
}

static int take(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

static void sort_given(struct opening *opening, const int *fds)
{
	for (int stream = 0; stream < COMMAND_FDS; stream++) {
		int place = command_fd_place(opening->params, stream);
		opening->given[stream] = place < 0 ? -1 : fds[place];
	}
}

/* Bytes, a file, or -1 where neither is said. */
static int open_said(struct opening *opening, int *fd)
{
	size_t length;
	*fd = -1;
	if (opening->params->stdin_file) {
		*fd = streams_open_file(opening->params->stdin_file, opening->rights->kit);
		return *fd < 0 ? fail(opening, COMMAND_STEP_STDIN) : 0;
	}
	if (opening->params->stdin_text.kind == JSON_NONE && !opening->params->stdin_base64)
		return 0;
	char *bytes = command_stdin(opening->params, &length);
	if (!bytes)
		return fail(opening, "keep the bytes for standard input");
	*fd = streams_open_bytes(bytes, length);
	free(bytes);
	return *fd < 0 ? fail(opening, "keep the bytes for standard input") : 0;
}

static int open_input(struct streams *streams, struct opening *opening)
{
	int *child = &streams->child[0], mine;
	if (opening->given[0] >= 0) {
		*child = take(&opening->given[0]);
		return 0;
	}
	if (opening->params->stdin_live) {
		if (streams_open_pipe(false, &mine, child) < 0)
			return fail(opening, "make a pipe for standard input");
		inlet_open(&streams->inlet, mine, false);
		return 0;
	}
	if (open_said(opening, child) < 0)
		return -1;
	if (*child < 0 && (*child = streams_open_null(O_RDONLY)) < 0)
		return fail(opening, "open /dev/null");
	return 0;
}

/* 0, or -1 where the command's rights cannot be had again. */
static int open_log(struct streams *streams, struct opening *opening, struct outlet *outlet)
{
	if (!streams->log_dir)
		return 0;
	run_as_leave(opening->rights->as);
	outlet->log = command_log_create(streams->log_dir, streams->task_id, streams->attempt, outlet->stream);
	if (outlet->log < 0)
		outlet->log_error = errno;
	return run_as_enter(opening->rights->as) < 0 ? fail(opening, COMMAND_STEP_USER) : 0;
}

static int attach_reader(struct outlet *outlet, struct opening *opening)
{
	int *given = &opening->given[1 + outlet->stream];
	if (*given < 0 || streams_open_peer(take(given), false, &outlet->reader) == 0)
		return 0;
	return fail(opening,
		outlet->stream == CAPTURE_STDOUT ? "write to the descriptor for standard output"
						 : "write to the descriptor for standard error");
}

static int open_output(struct streams *streams, struct opening *opening, enum capture_stream stream)
{
	struct outlet *outlet = &streams->outlets[stream];
	int *child = &streams->child[1 + stream];
	if (opening->params->direct && opening->given[1 + stream] >= 0) {
		*child = take(&opening->given[1 + stream]);
		return 0;
	}
	if (attach_reader(outlet, opening) < 0)
		return -1;
	if (streams_open_pipe(true, &outlet->source, child) < 0)
		return fail(opening, "make a pipe for its output");
	if (open_log(streams, opening, outlet) < 0)
		return -1;
	outlet_open(outlet);
	return 0;
}

static int open_terminal(struct streams *streams, struct opening *opening)
{
	const struct command_params *params = opening->params;
	struct outlet *outlet = &streams->outlets[CAPTURE_STDOUT];
	struct inlet *inlet = &streams->inlet;
	int slave;
	if (streams_open_terminal(params->rows ? (int)params->rows : ROWS,
		    params->columns ? (int)params->columns : COLUMNS, &streams->terminal, &slave) < 0)
		return fail(opening, "open a terminal");
	for (int i = 0; i < COMMAND_FDS; i++)
		streams->child[i] = slave;
	if (attach_reader(outlet, opening) < 0)
		return -1;
	if (opening->given[0] >= 0 && streams_open_peer(take(&opening->given[0]), true, &inlet->source) < 0)
		return fail(opening, "read from the descriptor for standard input");
	inlet_open(inlet, streams->terminal, true);
	outlet->source = streams->terminal;
	outlet->terminal = true;
	if (open_log(streams, opening, outlet) < 0)
		return -1;
	outlet_open(outlet);
	return 0;
}

static int open_all(struct streams *streams, struct opening *opening)
{
	if (opening->params->tty)
		return open_terminal(streams, opening);
	if (open_input(streams, opening) < 0 || open_output(streams, opening, CAPTURE_STDOUT) < 0)
		return -1;
	if (!opening->params->merge)
		return open_output(streams, opening, CAPTURE_STDERR);
	streams->child[2] = streams->child[1];
	return 0;
}

/* All that is opened is the user's: a pipe, say, which its command opens anew by way of /dev/stdout. */
static int open_all_as_user(struct streams *streams, struct opening *opening)
{
	if (run_as_enter(opening->rights->as) < 0)
		return fail(opening, COMMAND_STEP_USER);
	int status = open_all(streams, opening);
	run_as_leave(opening->rights->as);
	return status;
}

struct streams *streams_new(const struct command_params *params, const struct command_rights *rights, const int *fds,
	struct lane_end *end, struct capture_end *capture, const char *log_dir, uint64_t task_id, uint32_t attempt,
	const char **step)
{
	struct streams *streams = xcalloc(1, sizeof(*streams));
	struct opening opening = { .params = params, .rights = rights };
	streams->terminal = -1;
	streams->log_dir = log_dir ? xstrdup(log_dir) : NULL;
	streams->task_id = task_id;
	streams->attempt = attempt;
	inlet_init(&streams->inlet);
	for (int i = 0; i < CAPTURE_N_STREAMS; i++)
		outlet_init(&streams->outlets[i], (enum capture_stream)i, end, capture);
	for (int i = 0; i < COMMAND_FDS; i++)
		streams->child[i] = -1;
	sort_given(&opening, fds);
	int status = open_all_as_user(streams, &opening), error = errno;
	for (int i = 0; i < COMMAND_FDS; i++)
		streams_close(&opening.given[i]); /* what had no use */
	if (status == 0)
		return streams;
	*step = opening.step;
	streams_free(streams);
	errno = error;
	return NULL;
}

/* --- the rest of its life --- */

const int *streams_child(const struct streams *streams)
{
	return streams->child;
}

void streams_started(struct streams *streams)
{
	int *child = streams->child;
	if (child[2] == child[1])
		child[2] = -1;
	if (child[1] == child[0])
		child[1] = -1;
	for (int i = 0; i < COMMAND_FDS; i++)
		streams_close(&child[i]);
}

void streams_free(struct streams *streams)
{
	if (!streams)
		return;
	streams_started(streams);
	inlet_close(&streams->inlet);
	for (int i = 0; i < CAPTURE_N_STREAMS; i++) {
		struct outlet *outlet = &streams->outlets[i];
		outlet_close(outlet);
		/* A command that says nothing leaves nothing. */
		if (streams->log_dir && outlet->total == 0 && !outlet->log_error)
			command_log_remove(streams->log_dir, streams->task_id, streams->attempt, outlet->stream);
	}
	streams_close(&streams->terminal);
	free(streams->log_dir);
	free(streams);
}

/* Its user is gone: who still has it open is told so. */
static void hang_up(struct streams *streams)
{
	inlet_close(&streams->inlet);
	streams_close(&streams->terminal);
}

size_t streams_poll(struct streams *streams, struct pollfd *poll)
{
	size_t n = 0;
	for (int i = 0; i < CAPTURE_N_STREAMS; i++)
		n = outlet_poll(&streams->outlets[i], poll, n);
	return inlet_poll(&streams->inlet, poll, n);
}

void streams_move(struct streams *streams, const struct pollfd *poll, size_t n)
{
	for (int i = 0; i < CAPTURE_N_STREAMS; i++)
		outlet_move(&streams->outlets[i], poll, n);
	inlet_move(&streams->inlet, poll, n);
	if (streams->terminal >= 0 && streams->outlets[CAPTURE_STDOUT].reader_gone)
		hang_up(streams);
}

void streams_drain(struct streams *streams)
{
	inlet_close(&streams->inlet);
	for (int i = 0; i < CAPTURE_N_STREAMS; i++)
		outlet_drain(&streams->outlets[i]);
}

void streams_abandon(struct streams *streams)
{
	for (int i = 0; i < CAPTURE_N_STREAMS; i++)
		outlet_abandon(&streams->outlets[i]);
}

enum streams_input streams_send(struct streams *streams, const char *data, size_t length, bool eof)
{
	struct inlet *inlet = &streams->inlet;
	if (inlet->state != INLET_OPEN)
		return STREAMS_CLOSED;
	if (!inlet_put(inlet, data, length, eof))
		return STREAMS_FULL;
	return inlet->state == INLET_CLOSED && !eof ? STREAMS_CLOSED : STREAMS_TAKEN;
}

int streams_window(struct streams *streams, int rows, int columns)
{
	const struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns };
	if (streams->terminal < 0) {
		errno = ENOTTY;
		return -1;
	}
	return ioctl(streams->terminal, TIOCSWINSZ, &size);
}

int streams_log_error(const struct streams *streams)
{
	int error = streams->outlets[CAPTURE_STDOUT].log_error;
	return error ? error : streams->outlets[CAPTURE_STDERR].log_error;
}
