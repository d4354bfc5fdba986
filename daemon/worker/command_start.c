/* From a request to a process. Whatever the system refuses on the way has a name, so that the error says what was to
 * be done, with what, and why not. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xmalloc.h"
#include "worker/command_life.h"

#define UMASK_DEFAULT 022
#define SHELL "/bin/sh"

/* --- what went wrong --- */

static int fail(struct command_failure *failure, const char *step)
{
	failure->error = errno;
	failure->flags = LANE_FLAG_NOT_STARTED;
	failure->step = step;
	return -1;
}

/* What the errno's own words leave to be guessed. */
static const char *explain(const struct command_failure *failure)
{
	if (strcmp(failure->step, COMMAND_STEP_USER) == 0 && failure->error == ENOENT)
		return "; /etc/passwd has none of that number, or its groups cannot be told";
	if (strcmp(failure->step, COMMAND_STEP_USER) == 0)
		return strcmp(failure->path, "root") == 0 ? "; its pool names no user, and root is none by default"
							  : "; its worker may not";
	if (strcmp(failure->step, COMMAND_STEP_EXECUTE) != 0)
		return "";
	if (failure->error == ENOEXEC)
		return "; a script begins with a line such as #!/bin/sh";
	if (failure->error == ENOENT && failure->path[0])
		return "; it is there, what its first line or its header names is not";
	return "";
}

void command_failure_tell(const struct command_failure *failure, char *message, size_t size, struct strbuf *members)
{
	if (!(failure->flags & LANE_FLAG_NOT_STARTED)) {
		snprintf(message, size, "%s", failure->message);
		return;
	}
	bool executes = strcmp(failure->step, COMMAND_STEP_EXECUTE) == 0;
	const char *name = executes ? failure->program : failure->path;
	const char *errno_name = strerrorname_np(failure->error), *quote = name[0] || executes ? "\"" : "";
	snprintf(message, size, "cannot %s%s%s%s%s: %s%s", failure->step, quote[0] ? " " : "", quote, name, quote,
		strerror(failure->error), explain(failure));
	strbuf_printf(members, "\"step\":\"%s\",\"program\":", failure->step);
	strbuf_json_string(members, failure->program, strlen(failure->program));
	if (failure->path[0] && !executes) {
		strbuf_puts(members, strcmp(failure->step, COMMAND_STEP_USER) == 0 ? ",\"user\":" : ",\"path\":");
		strbuf_json_string(members, failure->path, strlen(failure->path));
	}
	strbuf_printf(members, ",\"errno\":\"%s\"", errno_name ? errno_name : "");
}

static void close_all(const struct lane_request *request)
{
	for (uint32_t i = 0; i < request->n_fds; i++)
		close(request->fds[i]);
}

/* --- its arguments --- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The master has scanned it. */
static struct json_span span_of(const struct lane_request *request)
{
	struct json_span span = { .text = request->args, .length = request->args_length };
	while (span.length && is_space(span.text[0])) {
		span.text++;
		span.length--;
	}
	while (span.length && is_space(span.text[span.length - 1]))
		span.length--;
	span.kind = span.length && span.text[0] == '{' ? JSON_SPAN_OBJECT : JSON_SPAN_ARRAY;
	return span;
}

static int read_params(struct command *command, struct command_failure *failure)
{
	const struct json_span args = span_of(command->request);
	if (command_read(&args, &command->params, failure->message, sizeof(failure->message)) == 0)
		return 0;
	failure->flags = LANE_FLAG_BAD_ARGS;
	return -1;
}

/* NULL-terminated; free(3) it, not what it points to. */
static char **make_argv(const struct command_params *params)
{
	static const char *const shell[] = { SHELL, "-c" };
	bool literal = !params->shell;
	size_t n = literal ? params->argv.count : 3;
	char **argv = xcalloc(n + 1, sizeof(*argv));
	for (size_t i = 0; i < n; i++)
		argv[i] = literal ? params->argv.strings[i] : i < 2 ? (char *)(uintptr_t)shell[i] : params->shell;
	return argv;
}

/* --- the start --- */

static int open_streams(struct command *command, struct command_failure *failure)
{
	const struct command_params *params = &command->params;
	const struct lane_request *request = command->request;
	struct command_slot *slot = command->slot;
	size_t keep = capture_end_limit(slot->capture);
	if (params->capture >= 0 && (uint64_t)params->capture < keep)
		keep = (size_t)params->capture;
	capture_begin(slot->capture, request->task_id, request->attempt, keep);
	if (request->n_fds != params->fds.count) {
		close_all(request);
		errno = EBADF;
		return fail(failure, "find the descriptors that are to come along");
	}
	const char *step;
	command->streams = streams_new(params, &command->rights, request->fds, slot->end, slot->capture, slot->setting->log_dir,
		request->task_id, request->attempt, &step);
	if (command->streams)
		return 0;
	if (strcmp(step, COMMAND_STEP_STDIN) == 0 && params->stdin_file)
		snprintf(failure->path, sizeof(failure->path), "%s", params->stdin_file);
	return fail(failure, step);
}

/* Where there is no cgroup, for whatever reason, a command does without. */
static int spawn_somewhere(struct command *command, struct command_start *start, const char **step)
{
	struct cgroup_slot *cgroup = command->slot->cgroup;
	const struct command_params *params = &command->params;
	/* Where the cgroup has no say in it, the limits of processes are better than none. */
	start->cgroup_limits = cgroup && cgroup_slot_begin(cgroup, params->limit_memory, params->limit_processes) == 0;
	start->cgroup_fd = cgroup ? cgroup_slot_fd(cgroup) : -1;
	int status = command_spawn(start, &command->pid, step);
	if (status == 0 || strcmp(*step, COMMAND_STEP_CGROUP) != 0)
		return status;
	cgroup_slot_spoilt(cgroup, errno);
	start->cgroup_limits = false;
	start->cgroup_fd = -1;
	return command_spawn(start, &command->pid, step);
}

static int spawn(struct command *command, struct command_start *start, struct command_failure *failure)
{
	const struct command_params *params = &command->params;
	const char *step;
	start->cwd = params->cwd ? params->cwd : command->folder;
	start->rights = command->rights;
	start->fds = streams_child(command->streams);
	start->tty = params->tty;
	start->umask = params->umask_text ? (mode_t)strtoul(params->umask_text, NULL, 8) : UMASK_DEFAULT;
	start->nice = (int)params->nice;
	start->limits = params;
	command->end.started_ns = clock_mono_ns();
	if (spawn_somewhere(command, start, &step) == 0)
		return 0;
	if (strcmp(step, COMMAND_STEP_DIRECTORY) == 0)
		snprintf(failure->path, sizeof(failure->path), "%s", start->cwd ? start->cwd : "/");
	else if (strcmp(step, COMMAND_STEP_EXECUTE) == 0)
		snprintf(failure->path, sizeof(failure->path), "%s", start->program);
	else if (strcmp(step, COMMAND_STEP_USER) == 0)
		command_rights_name(command, failure->path, sizeof(failure->path));
	return fail(failure, step);
}

static int take_rights(struct command *command, struct command_failure *failure)
{
	const char *step;
	if (command_rights_take(command, &step) == 0)
		return 0;
	if (strcmp(step, COMMAND_STEP_USER) == 0)
		command_rights_name(command, failure->path, sizeof(failure->path));
	fail(failure, step);
	close_all(command->request);
	return -1;
}

/* Whether it is there, and may be executed, is asked with the rights of whom it runs as. NULL with errno. */
static char *find_program(const struct command *command, const struct command_start *start)
{
	const char *cwd = command->params.cwd ? command->params.cwd : command->folder;
	if (run_as_enter(command->rights.as) < 0)
		return NULL;
	char *program = program_find(start->argv[0], cwd, start->environment);
	run_as_leave(command->rights.as);
	return program;
}

static int find_and_spawn(struct command *command, struct command_failure *failure)
{
	const struct command_params *params = &command->params;
	const struct lane_request *request = command->request;
	struct command_start start = { .argv = make_argv(params) };
	const struct environment_own own = { .user = command->rights.as ? &command->user : NULL, .directory = command->folder };
	start.environment = environment_make(params, &own, request->task_id, request->attempt, command->slot->setting->slot);
	snprintf(failure->program, sizeof(failure->program), "%s", start.argv[0]);
	char *program = find_program(command, &start);
	start.program = program;
	int status = program ? spawn(command, &start, failure) : fail(failure, COMMAND_STEP_EXECUTE);
	free(program);
	free(start.environment);
	free(start.argv);
	return status;
}

int command_begin(struct command *command, struct command_slot *slot, const struct lane_request *request,
	struct command_failure *failure)
{
	*command = (struct command){ .slot = slot, .request = request, .pidfd = -1 };
	*failure = (struct command_failure){ .step = "" };
	if (inbox_has_stop(slot->inbox, request->task_id, request->attempt) || lane_end_interrupted(slot->end)) {
		failure->flags = LANE_FLAG_CANCELLED;
		close_all(request);
		return -1;
	}
	if (read_params(command, failure) < 0) {
		close_all(request);
		return -1;
	}
	oom_look(slot);
	if (take_rights(command, failure) < 0 || open_streams(command, failure) < 0 || find_and_spawn(command, failure) < 0) {
		command_fini(command);
		return -1;
	}
	streams_started(command->streams);
	command->end.pid = command->pid;
	capture_set_pid(slot->capture, command->pid);
	return 0;
}
