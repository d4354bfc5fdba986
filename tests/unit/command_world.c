/* Plays master and main thread to a slot that runs commands. */
#include "command_world.h"

#include <check.h>
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lane_fixture.h"
#include "proto/strbuf.h"

static struct {
	struct command_setting setting;
	struct both both;
	struct capture *capture;
	struct capture_end *capture_end;
	struct inbox *inbox;
	struct command_slot *slot;
	int control[2];
	pthread_t thread;
	size_t descriptors;
	uint32_t run_as;
} world = { .run_as = LANE_RUN_AS_POOL };

/* --- waiting --- */

int64_t world_bound_ns(void)
{
	return clock_mono_ns() + BOUND_MS * NS_PER_MS;
}

void world_pause(int64_t end_ns, const char *condition)
{
	ck_assert_msg(clock_mono_ns() < end_ns, "never: %s", condition);
	nanosleep(&(struct timespec){ .tv_nsec = NS_PER_MS }, NULL);
}

char world_state(int pid)
{
	char path[32], text[512], state = 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *file = fopen(path, "r");
	if (!file)
		return 0;
	size_t n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	const char *behind = strrchr(text, ')');
	return behind && sscanf(behind + 1, " %c", &state) == 1 ? state : 0;
}

size_t world_descriptors(void)
{
	size_t n = 0;
	DIR *dir = opendir("/proc/self/fd");
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* --- the slot --- */

static void *slot_main(void *user)
{
	struct lane_request request;
	struct lane_reply reply;
	struct strbuf payload = STRBUF_INIT;
	(void)user;
	while (lane_end_take(world.both.end, &request) == LANE_OK) {
		strbuf_reset(&payload);
		bool goes_on = command_run(world.slot, &request, &reply, &payload);
		if (lane_end_reply(world.both.end, &reply, payload.data, payload.length) != LANE_OK || !goes_on)
			break;
		inbox_settle(world.inbox);
	}
	strbuf_free(&payload);
	return NULL;
}

void world_prepare(const struct command_setting *setting)
{
	world.descriptors = world_descriptors();
	world.setting = setting ? *setting : (struct command_setting){ 0 };
	if (!world.setting.payload_limit)
		world.setting.payload_limit = PAYLOAD_LIMIT;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, world.control), 0);
	world.both = both_make(65536);
	world.capture = capture_new(WORLD_CAPTURE);
	ck_assert_ptr_nonnull(world.capture);
	world.capture_end = capture_end_new(dup(capture_fd(world.capture)));
	ck_assert_ptr_nonnull(world.capture_end);
	world.inbox = inbox_new(world.control[0], world.both.end);
	ck_assert_ptr_nonnull(world.inbox);
	world.slot = command_slot_new(&world.setting, world.both.end, world.capture_end, world.inbox);
	ck_assert_ptr_nonnull(world.slot);
}

void world_go(void)
{
	ck_assert_int_eq(pthread_create(&world.thread, NULL, slot_main, NULL), 0);
}

void world_open(const struct command_setting *setting)
{
	world_prepare(setting);
	world_go();
}

void world_close(void)
{
	lane_stop(world.both.lane);
	pthread_join(world.thread, NULL);
	ck_assert_uint_eq(tree_signal(0), 0);
	ck_assert(tree_is_empty());
	command_slot_free(world.slot);
	inbox_free(world.inbox);
	capture_end_free(world.capture_end);
	capture_free(world.capture);
	both_free(&world.both);
	close(world.control[0]);
	close(world.control[1]);
	ck_assert_uint_eq(world_descriptors(), world.descriptors);
}

/* --- tasks --- */

void world_run_as(uint32_t uid)
{
	world.run_as = uid;
}

void world_send(const char *args, uint32_t items)
{
	uint32_t seq;
	const struct lane_request request = { .task_id = WORLD_TASK,
		.attempt = 1,
		.run_as = world.run_as,
		.items = items,
		.name = "exec",
		.name_length = 4,
		.args = args,
		.args_length = strlen(args) };
	ck_assert_int_eq(lane_send(world.both.lane, &request, &seq), LANE_OK);
	lane_kick(world.both.lane);
}

struct world_end world_receive(void)
{
	struct world_end end = { 0 };
	int status;
	while ((status = lane_receive(world.both.lane, &end.reply)) == LANE_NONE)
		ck_assert(master_waits(world.both.lane, world.both.doorbell));
	ck_assert_int_eq(status, LANE_OK);
	if (end.reply.payload) {
		json_error_t error;
		end.data = json_loadb(
			(const char *)end.reply.payload->data, end.reply.payload->size, JSON_DECODE_ANY, &error);
		ck_assert_msg(end.data != NULL, "%s: %.*s", error.text, (int)end.reply.payload->size,
			(const char *)end.reply.payload->data);
	}
	return end;
}

struct world_end world_run(const char *args)
{
	world_send(args, 0);
	return world_receive();
}

void world_send_shell(const char *line, const char *more)
{
	struct strbuf args = STRBUF_INIT;
	strbuf_puts(&args, "{\"shell\":");
	strbuf_json_string(&args, line, strlen(line));
	strbuf_printf(&args, "%s}", more);
	world_send(args.data, 0);
	strbuf_free(&args);
}

void world_end_free(struct world_end *end)
{
	json_decref(end->data);
	bytes_unref(end->reply.payload);
}

void world_ck_result(struct world_end end, uint32_t flags, const char *message, const char *member, const char *text)
{
	ck_assert_int_eq(end.reply.word, flags ? LANE_FAILED : LANE_SUCCEEDED);
	ck_assert_uint_eq(end.reply.flags, flags);
	ck_assert_str_eq(end.reply.message, message);
	if (member) {
		const json_t *value = json_object_get(end.data, member);
		char *dump = json_dumps(value, JSON_ENCODE_ANY);
		const char *found = json_is_string(value) ? json_string_value(value) : dump;
		ck_assert_str_eq(found ? found : "(none)", text);
		free(dump);
	}
	world_end_free(&end);
}

/* --- what it says --- */

static size_t look(char *room, size_t size)
{
	long n = capture_read(world.capture, WORLD_TASK, 1, CAPTURE_STDOUT, 0, room, size - 1);
	room[n < 0 ? 0 : n] = '\0';
	return n < 0 ? 0 : (size_t)n;
}

void world_hear(const char *text)
{
	char said[WORLD_CAPTURE];
	WORLD_UNTIL(look(said, sizeof(said)) && strstr(said, text))
}

int world_number(void)
{
	char said[WORLD_CAPTURE];
	WORLD_UNTIL(look(said, sizeof(said)) && strchr(said, '\n'))
	return atoi(said);
}

int world_pid(void)
{
	struct capture_state state;
	WORLD_UNTIL(capture_look(world.capture, WORLD_TASK, 1, &state) && state.pid)
	return state.pid;
}

bool world_is_suspended(void)
{
	struct capture_state state;
	return capture_look(world.capture, WORLD_TASK, 1, &state) && state.suspended;
}

/* --- orders --- */

struct inbox *world_inbox(void)
{
	return world.inbox;
}

struct inbox_message *world_message(enum inbox_kind kind, uint64_t ask)
{
	struct inbox_message *message = calloc(1, sizeof(*message));
	*message = (struct inbox_message){ .kind = kind, .task_id = WORLD_TASK, .attempt = 1, .ask = ask };
	return message;
}

void world_order(enum inbox_kind kind)
{
	inbox_put(world.inbox, world_message(kind, 0));
}

const char *world_answer(uint64_t ask)
{
	uint64_t answered;
	const char *word = world_answer_next(&answered);
	ck_assert_uint_eq(answered, ask);
	return word;
}

const char *world_answer_next(uint64_t *ask)
{
	static char word[64];
	char text[4096];
	ck_assert_int_eq(poll(&(struct pollfd){ .fd = world.control[1], .events = POLLIN }, 1, BOUND_MS), 1);
	ssize_t n = recv(world.control[1], text, sizeof(text), 0);
	json_t *message = json_loadb(text, (size_t)n, 0, NULL);
	json_t *answer = json_object_get(message, "answer");
	*ask = (uint64_t)json_integer_value(json_object_get(answer, "ask"));
	snprintf(word, sizeof(word), "%s", json_string_value(json_object_get(answer, "word")));
	json_decref(message);
	return word;
}

bool world_is_silent(void)
{
	return poll(&(struct pollfd){ .fd = world.control[1], .events = POLLIN }, 1, 0) == 0;
}
