/* How a command ended, in JSON for who asked for it and in words for people. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "lane/lane.h"
#include "proto/base64.h"
#include "proto/strbuf.h"
#include "worker/command.h"
#include "worker/text.h"

#define SIGNAL_SIZE 24

static const char *signal_name(int number, char room[SIGNAL_SIZE])
{
	const char *name = command_signal_name(number);
	if (name)
		return name;
	snprintf(room, SIGNAL_SIZE, "signal %d", number);
	return room;
}

static void put_count(struct strbuf *out, const char *name, int64_t value)
{
	strbuf_printf(out, ",\"%s\":%" PRId64, name, value);
}

/* Seconds, whole microseconds of them, whatever the locale. */
static void put_seconds(struct strbuf *out, const char *separator, const char *name, int64_t microseconds)
{
	if (microseconds < 0)
		microseconds = 0;
	strbuf_printf(out, "%s\"%s\":%" PRId64 ".%06" PRId64, separator, name, microseconds / 1000000,
		microseconds % 1000000);
}

static int64_t microseconds_of(const struct timeval *time)
{
	return (int64_t)time->tv_sec * 1000000 + time->tv_usec;
}

static void put_usage(struct strbuf *out, const struct rusage *usage)
{
	strbuf_puts(out, ",\"rusage\":{");
	put_seconds(out, "", "user", microseconds_of(&usage->ru_utime));
	put_seconds(out, ",", "system", microseconds_of(&usage->ru_stime));
	put_count(out, "max_rss", (int64_t)usage->ru_maxrss * 1024);
	put_count(out, "minor_faults", usage->ru_minflt);
	put_count(out, "major_faults", usage->ru_majflt);
	put_count(out, "in_blocks", usage->ru_inblock);
	put_count(out, "out_blocks", usage->ru_oublock);
	put_count(out, "voluntary_switches", usage->ru_nvcsw);
	put_count(out, "involuntary_switches", usage->ru_nivcsw);
	strbuf_puts(out, "}");
}

static void put_status(struct strbuf *out, const struct command_end *end)
{
	char room[SIGNAL_SIZE];
	if (WIFEXITED(end->wait_status)) {
		put_count(out, "status", WEXITSTATUS(end->wait_status));
	} else {
		strbuf_printf(out, ",\"status\":null,\"signal\":\"%s\"", signal_name(WTERMSIG(end->wait_status), room));
		if (WCOREDUMP(end->wait_status))
			strbuf_puts(out, ",\"core_dumped\":true");
	}
	if (end->oom_killed) /* perhaps not the command itself, but what it started */
		strbuf_puts(out, ",\"oom_killed\":true");
}

/* Text that was cut in the middle of a character is text all the same, and ends before it; other bytes stay as they
 * are. */
static size_t length_of_text(const char *data, size_t length)
{
	size_t whole = text_whole(data, length);
	return text_valid(data, whole) == whole ? whole : length;
}

static void put_stream(struct strbuf *out, const struct capture_end *capture, enum capture_stream stream)
{
	static const char *const names[CAPTURE_N_STREAMS] = { "stdout", "stderr" };
	const char *name = names[stream];
	char total_name[24], truncated_name[24];
	size_t length;
	uint64_t total;
	const char *data = capture_data(capture, stream, &length, &total);
	if (total > length)
		length = length_of_text(data, length);
	base64_member(out, name, data, length);
	snprintf(total_name, sizeof(total_name), "%s_bytes", name);
	put_count(out, total_name, (int64_t)total);
	if (total > length) {
		snprintf(truncated_name, sizeof(truncated_name), "%s_truncated", name);
		strbuf_printf(out, ",\"%s\":true", truncated_name);
	}
}

/* Whether the stream has gone through our hands. */
static bool is_seen(const struct command_params *params, enum capture_stream stream)
{
	if (stream == CAPTURE_STDERR && (params->merge || params->tty))
		return false;
	return !params->direct || command_fd_place(params, 1 + (int)stream) < 0;
}

static void put_command(struct strbuf *out, const struct lane_request *request)
{
	struct json_span args;
	struct json_error error;
	struct strbuf text = STRBUF_INIT;
	if (json_scan(request->args, request->args_length, &args, NULL, &error) == 0)
		command_text(&args, &text);
	strbuf_puts(out, "\"command\":");
	strbuf_json_string(out, text.data ? text.data : "", text.length);
	if (strbuf_failed(&text))
		out->failed = true;
	strbuf_free(&text);
}

void command_result(struct strbuf *out, const struct command_params *params, const struct lane_request *request,
	const struct command_end *end, const struct capture_end *capture)
{
	strbuf_puts(out, "{");
	put_command(out, request);
	put_status(out, end);
	put_count(out, "pid", end->pid);
	put_seconds(out, ",", "duration", (end->ended_ns - end->started_ns) / NS_PER_US);
	put_usage(out, &end->usage);
	for (int i = 0; i < CAPTURE_N_STREAMS; i++)
		if (is_seen(params, (enum capture_stream)i))
			put_stream(out, capture, (enum capture_stream)i);
	if (end->log_error) {
		const char *name = strerrorname_np(end->log_error);
		strbuf_printf(out, ",\"log_error\":\"%s\"", name ? name : "EIO");
	}
	strbuf_puts(out, "}");
}

void command_describe(char *room, size_t size, const struct command_end *end)
{
	char name[SIGNAL_SIZE];
	if (WIFEXITED(end->wait_status)) {
		snprintf(room, size, "exit status %d%s", WEXITSTATUS(end->wait_status),
			end->oom_killed ? " (the kernel killed one of its processes: out of memory)" : "");
		return;
	}
	const char *why = end->oom_killed ? ": out of memory"
		: end->maybe_oom          ? " (the kernel killed a process for want of memory meanwhile)"
					  : "";
	snprintf(room, size, "killed by %s%s", signal_name(WTERMSIG(end->wait_status), name), why);
}
