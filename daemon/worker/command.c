/* A slot that runs commands: one request, one command and one reply, or as many as a map's chunk has items. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/xmalloc.h"
#include "proto/errors.h"
#include "worker/chunk.h"
#include "worker/command_life.h"

struct command_slot *command_slot_new(
	const struct command_setting *setting, struct lane_end *end, struct capture_end *capture, struct inbox *inbox)
{
	sigset_t child;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &child, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a log that may grow no further is an error of its write */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return NULL;
	int child_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (child_fd < 0)
		return NULL;
	struct command_slot *slot = xcalloc(1, sizeof(*slot));
	slot->setting = setting;
	slot->end = end;
	slot->capture = capture;
	slot->inbox = inbox;
	slot->child_fd = child_fd;
	if (command_rights_prepare(slot) < 0) {
		close(child_fd);
		free(slot);
		errno = EPERM;
		return NULL;
	}
	slot->cgroup = setting->cgroup ? cgroup_slot_new(setting->cgroup, setting->slot) : NULL;
	return slot;
}

void command_slot_free(struct command_slot *slot)
{
	if (!slot)
		return;
	cgroup_slot_free(slot->cgroup);
	confine_kit_free(&slot->kit);
	close(slot->child_fd);
	free(slot);
}

void command_slot_tidy(const struct command_slot *slot)
{
	command_log_prune(slot->setting, false);
}

/* --- one command --- */

static void reply_failure(struct lane_reply *reply, struct strbuf *payload, const struct command_failure *failure)
{
	struct strbuf members = STRBUF_INIT;
	reply->word = LANE_FAILED;
	reply->flags = failure->flags;
	command_failure_tell(failure, reply->message, sizeof(reply->message), &members);
	if (members.length)
		strbuf_printf(payload, "{%s}", members.data);
	strbuf_free(&members);
}

static void reply_end(struct lane_reply *reply, struct strbuf *payload, const struct command *command)
{
	const struct command_end *end = &command->end;
	bool good = WIFEXITED(end->wait_status) && command_succeeds(&command->params, WEXITSTATUS(end->wait_status));
	command_result(payload, &command->params, command->request, end, command->slot->capture);
	if (good && !command->cancelled) {
		reply->word = LANE_SUCCEEDED;
		return;
	}
	reply->word = LANE_FAILED;
	reply->flags = command->cancelled ? LANE_FLAG_CANCELLED : LANE_FLAG_COMMAND;
	if (WIFSIGNALED(end->wait_status) && (!command->cancelled || WTERMSIG(end->wait_status) == SIGKILL))
		reply->flags |= LANE_FLAG_KILLED;
	command_describe(reply->message, sizeof(reply->message), end);
}

static void run(
	struct command_slot *slot, const struct lane_request *request, struct lane_reply *reply, struct strbuf *payload)
{
	struct command command;
	struct command_failure failure;
	*reply = (struct lane_reply){ 0 };
	if (command_begin(&command, slot, request, &failure) < 0) {
		reply_failure(reply, payload, &failure);
		return;
	}
	command_live(&command);
	reply_end(reply, payload, &command);
	command_fini(&command);
}

/* --- a chunk --- */

static enum proto_error error_of(uint32_t flags)
{
	if (flags & LANE_FLAG_COMMAND)
		return PROTO_COMMAND_FAILED;
	if (flags & LANE_FLAG_NOT_STARTED)
		return PROTO_NOT_STARTED;
	return PROTO_INVALID_PARAMS;
}

/* The element's data are as those of the error of a single command. */
static bool add_failure(struct chunk *chunk, const struct lane_reply *reply, const struct strbuf *payload)
{
	const struct proto_error_info *info = proto_error_info(error_of(reply->flags));
	struct strbuf data = STRBUF_INIT;
	if (reply->flags & LANE_FLAG_COMMAND)
		strbuf_printf(&data, "{\"kind\":\"%s\",\"result\":%s}", info->kind, payload->data);
	else if (payload->length)
		strbuf_printf(&data, "{\"kind\":\"%s\",%s", info->kind, payload->data + 1);
	bool added = !strbuf_failed(&data) && chunk_failed(chunk, info->code, reply->message, data.data, data.length);
	strbuf_free(&data);
	return added;
}

static void reply_memory(struct lane_reply *reply)
{
	*reply = (struct lane_reply){ .word = LANE_FAILED, .message = "the worker is out of memory" };
}

/* Runs the command of ITEM, which stands for an array of it. False: the chunk is over, and REPLY says why. */
static bool run_item(struct command_slot *slot, const struct lane_request *request, const struct json_span *item,
	struct chunk *chunk, struct lane_reply *reply)
{
	struct strbuf args = STRBUF_INIT, payload = STRBUF_INIT;
	struct lane_request one = *request;
	strbuf_add(&args, "[", 1);
	strbuf_add(&args, item->text, item->length);
	strbuf_add(&args, "]", 1);
	one.args = args.data;
	one.args_length = args.length;
	one.items = 0;
	one.n_fds = 0;
	bool good = !strbuf_failed(&args), goes_on = good;
	if (good) {
		run(slot, &one, reply, &payload);
		good = !strbuf_failed(&payload);
		goes_on = good && !(reply->flags & LANE_FLAG_CANCELLED);
	}
	chunk_item(chunk);
	if (!good) {
		reply_memory(reply);
	} else if (reply->word == LANE_SUCCEEDED) {
		strbuf_add(chunk->out, payload.data, payload.length);
		chunk_succeeded(chunk);
	} else if (goes_on && !add_failure(chunk, reply, &payload)) {
		reply_memory(reply);
		goes_on = false;
	}
	strbuf_free(&payload);
	strbuf_free(&args);
	return goes_on;
}

static bool within_limit(
	const struct command_slot *slot, const struct strbuf *payload, struct lane_reply *reply, uint32_t index)
{
	size_t limit = slot->setting->payload_limit;
	if (payload->length <= limit)
		return true;
	*reply = (struct lane_reply){ .word = LANE_FAILED, .flags = LANE_FLAG_TOO_LARGE };
	snprintf(reply->message, sizeof(reply->message),
		"the results of the items up to %u have %zu bytes; the limit is %zu", index, payload->length, limit);
	return false;
}

static void run_chunk(
	struct command_slot *slot, const struct lane_request *request, struct lane_reply *reply, struct strbuf *payload)
{
	const struct json_span items = {
		.text = request->args, .length = request->args_length, .kind = JSON_SPAN_ARRAY
	};
	struct json_span name, item;
	struct chunk chunk;
	size_t cursor = 0;
	uint32_t index = 0;
	chunk_begin(&chunk, payload);
	while (json_next(&items, &cursor, &name, &item)) {
		if (!run_item(slot, request, &item, &chunk, reply) || !within_limit(slot, payload, reply, index++)) {
			strbuf_reset(payload);
			return;
		}
		if (slot->haunted) { /* nothing can be promised of what would come after */
			*reply = (struct lane_reply){ .word = LANE_FAILED };
			snprintf(reply->message, sizeof(reply->message), "something of item %u could not be ended",
				index - 1);
			strbuf_reset(payload);
			return;
		}
	}
	chunk_end(&chunk);
	*reply = (struct lane_reply){ .word = LANE_SUCCEEDED, .flags = chunk.mixed ? LANE_FLAG_MIXED : 0 };
}

bool command_run(
	struct command_slot *slot, const struct lane_request *request, struct lane_reply *reply, struct strbuf *payload)
{
	static const struct command_failure gone = { .flags = LANE_FLAG_CANCELLED, .step = "" };
	if (!inbox_begin(slot->inbox)) {
		for (uint32_t i = 0; i < request->n_fds; i++)
			close(request->fds[i]);
		*reply = (struct lane_reply){ 0 };
		reply_failure(reply, payload, &gone);
		return false;
	}
	if (request->items)
		run_chunk(slot, request, reply, payload);
	else
		run(slot, request, reply, payload);
	if (strbuf_failed(payload)) {
		reply_memory(reply);
		strbuf_free(payload);
	}
	inbox_end(slot->inbox);
	return !slot->haunted && !inbox_is_orphaned(slot->inbox);
}
