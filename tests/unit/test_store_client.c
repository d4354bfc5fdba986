/* The master's side of the store, with stores that die, refuse, fail and lie: what was put is on disk in its order, once, and
 * nothing is said to be that is not. */
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/client.h"
#include "store_fake.h"

#define BOUND_NS (30 * NS_PER_S) /* of what must come: only a test that fails waits for so long */
#define IDS_MOST 5000

static struct store_client *client;
static char directory[64];
static char self[4096];

/* What was told. */
static struct {
	int opened, loaded, rows, queues, schedules, found, answered, changes;
	struct store_opened last_opened;
	uint64_t committed, refused[IDS_MOST], n_refused;
	enum store_state why;
	enum store_state states[IDS_MOST];
	char text[300];
	bool is_row[FAKE_NEXT_ID];
	uint64_t found_ids[100];
	char found_tag[16];
	int status;
	bool more;
	size_t wrong;
} told;

/* --- the store's file --- */

/* The last number in it; the numbers must grow. */
static uint64_t log_last(size_t *lines)
{
	unsigned long long number, message, id;
	uint64_t last = 0;
	FILE *file = fopen("log", "r");
	*lines = 0;
	while (file && fscanf(file, "%llu %llu %llu", &number, &message, &id) == 3) {
		told.wrong += number <= last;
		last = number;
		++*lines;
	}
	if (file)
		fclose(file);
	return last;
}

static bool log_has(uint64_t id, enum store_message what)
{
	unsigned long long number, message, of;
	bool has = false;
	FILE *file = fopen("log", "r");
	while (file && fscanf(file, "%llu %llu %llu", &number, &message, &of) == 3)
		has |= of == id && message == what;
	if (file)
		fclose(file);
	return has;
}

/* --- events --- */

static void on_opened(void *context, const struct store_opened *opened)
{
	told.opened++;
	told.last_opened = *opened;
	told.wrong += context != &told;
}

static void on_row(void *context, const struct store_row *row)
{
	(void)context;
	told.rows++;
	told.wrong += told.loaded;
	if (row->kind == STORE_ROW_QUEUE) {
		told.queues++;
	} else if (row->kind == STORE_ROW_SCHEDULE) {
		told.schedules++;
	} else {
		told.wrong += row->task.id >= FAKE_NEXT_ID || told.is_row[row->task.id];
		told.is_row[row->task.id % FAKE_NEXT_ID] = true;
	}
}

static void on_loaded(void *context)
{
	(void)context;
	told.loaded++;
}

static void on_committed(void *context, uint64_t seq)
{
	size_t lines;
	(void)context;
	told.wrong += seq <= told.committed || log_last(&lines) < seq;
	told.committed = seq;
}

static void on_refused(void *context, uint64_t id, enum store_state why)
{
	(void)context;
	told.refused[told.n_refused++] = id;
	told.why = why;
}

static void on_changed(void *context, enum store_state state, const char *text)
{
	(void)context;
	told.wrong += state != store_client_state(client);
	told.states[told.changes++] = state;
	if (text)
		snprintf(told.text, sizeof told.text, "%s", text);
}

static const struct store_events events = { .context = &told,
	.opened = on_opened,
	.row = on_row,
	.loaded = on_loaded,
	.committed = on_committed,
	.refused = on_refused,
	.changed = on_changed };

static void on_found(void *user, const struct store_task *task)
{
	told.wrong += user != &told;
	told.found_ids[told.found++] = task->id;
	snprintf(told.found_tag, sizeof told.found_tag, "%.*s", (int)task->tag.length,
		task->tag.data ? task->tag.data : "");
}

static void on_answered(void *user, const struct store_answer *answer)
{
	told.wrong += user != &told;
	told.answered++;
	told.status = answer->status;
	told.more = answer->more;
}

/* --- the loop, as the master has it --- */

static int64_t real_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* The clock stands still, and jumps to what is next where nothing else comes. */
static void sleep_once(void)
{
	struct pollfd polls[] = {
		{ .fd = store_client_doorbell_fd(client), .events = POLLIN },
		{ .fd = store_client_process_fd(client), .events = POLLIN },
	};
	int64_t next_ns = store_client_next_ns(client);
	int pause_ms = next_ns == CLOCK_NEVER ? (int)(BOUND_NS / NS_PER_MS) : 10;
	if (store_client_sleep(client) && poll(polls, 2, pause_ms) == 0 && next_ns > clock_mono_ns())
		clock_fake_advance(next_ns - clock_mono_ns(), 0);
	store_client_wake(client);
}

/* Until CONDITION. Nothing else wakes the loop than what the client says. */
#define PUMP(condition)                                                 \
	do {                                                            \
		int64_t bound_ns = real_ns() + BOUND_NS;                \
		while (!(condition) && real_ns() < bound_ns)            \
			if (!store_client_turn(client) && !(condition)) \
				sleep_once();                           \
		ck_assert_msg(condition, "%s", #condition);             \
	} while (0)

static void start_with(const char *parts, size_t backlog_limit)
{
	setenv("FAKE_STORE", parts, 1);
	const struct store_client_options options = { .program = self,
		.alive_fd = -1,
		.backlog_limit = backlog_limit,
		.open = { .directory = store_text_of(".", 1), .session = 77 } };
	client = store_client_new(&options, &events);
	ck_assert_ptr_nonnull(client);
}

static void start(const char *parts)
{
	start_with(parts, (size_t)1 << 30);
}

static void setup(void)
{
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
	ck_assert_int_gt(length, 0);
	self[length] = '\0';
	snprintf(directory, sizeof directory, "/tmp/store_client.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chdir(directory), 0);
	memset(&told, 0, sizeof told);
	clock_fake(NS_PER_S, NS_PER_S);
}

static void teardown(void)
{
	static const char *const files[] = { "log", "session-77", "starts", "full" };
	int pid = client ? store_client_pid(client) : 0;
	store_client_free(client);
	client = NULL;
	if (pid) {
		/* Nobody is at the other end of its socket any more; one that is deaf does not mind. */
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		unlink(files[i]);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(directory), 0);
	clock_fake_end();
	ck_assert_uint_eq(told.wrong, 0);
}

static uint64_t put_task(uint64_t id, size_t args, bool chained)
{
	static char text[8 << 20];
	const struct store_task task = { .id = id, .args = store_text_of(text, args) };
	return store_client_put(client, STORE_TASK_PUT, id, &task, chained);
}

static uint64_t put_end(uint64_t id)
{
	const struct store_task_end end = { .attempt = 1 };
	return store_client_put(client, STORE_TASK_END, id, &end, false);
}

static void make_full(bool full)
{
	if (full)
		close(open("full", O_WRONLY | O_CREAT, 0600));
	else
		ck_assert_int_eq(unlink("full"), 0);
}

/* --- its work --- */

START_TEST(what_is_put_is_committed_in_its_order)
{
	size_t lines;
	unsigned seed = 1;
	start("work");
	for (uint64_t id = 1; id <= 2000; id++)
		put_task(id, id % 500 ? (unsigned)rand_r(&seed) % 2000 : 3 << 20, id % 7 == 0 && id < 2000);
	ck_assert_uint_eq(store_client_last(client), 2000);
	ck_assert_uint_gt(store_client_backlog(client), 12 << 20);
	PUMP(told.committed == 2000);
	ck_assert_uint_eq(log_last(&lines), 2000);
	ck_assert_uint_eq(lines, 2000);
	ck_assert_uint_eq(store_client_committed(client), 2000);
	ck_assert_uint_eq(store_client_backlog(client), 0);
	ck_assert_int_eq(told.opened, 1);
	ck_assert_uint_eq(told.last_opened.next_id, FAKE_NEXT_ID);
	ck_assert_int_eq(store_client_state(client), STORE_WORKING);
	ck_assert_int_eq(told.changes, 1);
}
END_TEST

START_TEST(room_is_there_up_to_the_backlog_limit)
{
	start_with("deaf", 100000);
	PUMP(told.opened);
	ck_assert(store_client_has_room(client));
	put_task(1, 99000, false);
	ck_assert(store_client_has_room(client));
	put_task(2, 1000, false);
	ck_assert(!store_client_has_room(client));
}
END_TEST

/* The channel is full, and nobody is awake for it. */
START_TEST(store_that_does_not_read_costs_sleep_only)
{
	start("deaf");
	PUMP(told.opened);
	for (uint64_t id = 1; id <= 10; id++)
		put_task(id, 1 << 20, false);
	while (store_client_turn(client))
		;
	ck_assert(store_client_sleep(client));
	store_client_wake(client);
	put_end(1);
	ck_assert(!store_client_turn(client));
	ck_assert(store_client_sleep(client));
	store_client_wake(client);
}
END_TEST

/* --- deaths --- */

static void check_all(uint64_t last)
{
	size_t lines;
	PUMP(told.committed == last);
	ck_assert_uint_eq(log_last(&lines), last);
	ck_assert_uint_eq(lines, last);
	ck_assert_uint_eq(store_client_backlog(client), 0);
	ck_assert_uint_eq(told.n_refused, 0);
	ck_assert_int_eq(store_client_state(client), STORE_WORKING);
}

START_TEST(what_a_dead_store_did_not_commit_the_next_one_does)
{
	start("before:10,after:30,before:31,forgetful,work");
	for (uint64_t id = 1; id <= 100; id++) {
		put_task(id, 100, false);
		store_client_turn(client);
		if (id == 60)
			PUMP(told.committed >= 30);
	}
	PUMP(told.committed == 100);
	check_all(100);
	ck_assert_uint_eq(store_client_respawns(client), 3);
	ck_assert_int_eq(told.opened, 1);
	ck_assert_ptr_nonnull(strstr(told.text, "signal 9"));
}
END_TEST

START_TEST(store_that_is_killed_at_any_moment_loses_nothing)
{
	unsigned seed = 5;
	uint64_t id = 0;
	start("");
	for (int round = 0; round < 60; round++) {
		uint64_t before = told.committed;
		for (int i = 0; i < 40; i++) {
			id++;
			put_task(id, (unsigned)rand_r(&seed) % (rand_r(&seed) % 10 ? 300 : 100000), false);
			if (rand_r(&seed) % 4 == 0)
				store_client_turn(client);
		}
		for (int turns = rand_r(&seed) % 20; turns > 0; turns--)
			store_client_turn(client);
		if (store_client_pid(client))
			kill(store_client_pid(client), SIGKILL);
		/* Something is committed between any two deaths. */
		PUMP(told.committed > before);
	}
	check_all(id);
}
END_TEST

START_TEST(deaths_between_which_something_is_committed_are_not_counted)
{
	start("after:1,after:2,after:3,after:4,after:5,after:6,after:7,work");
	for (uint64_t id = 1; id <= 8; id++) {
		put_task(id, 10, false);
		PUMP(told.committed == id);
	}
	check_all(8);
}
END_TEST

START_TEST(five_deaths_without_a_commit_are_the_end)
{
	start("work,before:1,before:1,before:1,before:1,before:1");
	PUMP(told.opened);
	uint64_t seq = put_end(5);
	PUMP(told.committed == seq);
	kill(store_client_pid(client), SIGKILL);
	PUMP(store_client_respawns(client) == 1);
	put_task(1001, 10, true);
	put_task(1002, 10, false);
	put_end(6);
	PUMP(store_client_state(client) == STORE_BROKEN);
	PUMP(store_client_pid(client) == 0);
	ck_assert_uint_eq(store_client_respawns(client), 4);
	ck_assert_uint_eq(told.n_refused, 2);
	ck_assert_uint_eq(told.refused[0], 1001);
	ck_assert_uint_eq(told.refused[1], 1002);
	ck_assert_int_eq(told.why, STORE_BROKEN);
	ck_assert_uint_eq(told.committed, seq);
	ck_assert_uint_eq(put_end(7), 0);
	ck_assert(!store_client_has_room(client));
	ck_assert_uint_eq(store_client_backlog(client), 0);
	ck_assert_int_eq(store_client_next_ns(client) == CLOCK_NEVER, true);
	ck_assert_int_eq(store_client_process_fd(client), -1);
}
END_TEST

START_TEST(store_that_is_never_born_is_told_as_refused)
{
	start("stillborn,stillborn,stillborn,stillborn,stillborn");
	PUMP(store_client_state(client) == STORE_BROKEN);
	ck_assert_int_eq(told.opened, 1);
	ck_assert_int_eq(told.last_opened.status, STORE_OPEN_ERROR);
	ck_assert_ptr_nonnull(strstr(told.text, "status 7"));
}
END_TEST

START_TEST(program_that_is_not_there_is_an_error)
{
	const struct store_client_options options = {
		.program = "/nonexistent/store", .alive_fd = -1, .open = { .directory = store_text_of(".", 1) }
	};
	ck_assert_ptr_null(store_client_new(&options, &events));
}
END_TEST

START_TEST(who_is_freed_leaves_a_store_that_commits_and_ends)
{
	size_t lines;
	int status;
	start("work");
	for (uint64_t id = 1; id <= 100; id++)
		put_task(id, 1000, false);
	PUMP(told.opened && store_client_backlog(client) == 0);
	for (uint64_t id = 101; id <= 200; id++)
		put_task(id, 1000, false);
	store_client_turn(client);
	int pid = store_client_pid(client);
	store_client_free(client);
	client = NULL;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
	ck_assert_uint_eq(log_last(&lines), 200);
}
END_TEST

/* --- a full disk --- */

START_TEST(full_disk_refuses_new_tasks_and_keeps_the_rest)
{
	start("work");
	PUMP(told.opened);
	uint64_t first = put_task(1001, 100, false);
	PUMP(told.committed == first);
	make_full(true);
	put_end(1001);
	put_task(1002, 100, true);
	put_task(1003, 300000, false);
	put_end(1003);
	uint64_t last = put_end(7);
	PUMP(store_client_state(client) == STORE_FULL);
	ck_assert_str_eq(told.text, "no room");
	ck_assert_uint_eq(told.n_refused, 2);
	ck_assert_uint_eq(told.refused[0], 1002);
	ck_assert_uint_eq(told.refused[1], 1003);
	ck_assert_int_eq(told.why, STORE_FULL);
	ck_assert(!store_client_has_room(client));
	ck_assert_uint_eq(told.committed, first);
	/* It is tried again, and again in vain. */
	int64_t again_ns = store_client_next_ns(client);
	PUMP(store_client_next_ns(client) > again_ns && store_client_next_ns(client) != CLOCK_NEVER);
	uint64_t later = put_task(1004, 10, false); /* a schedule's, say */
	make_full(false);
	PUMP(told.committed == later);
	ck_assert_int_eq(store_client_state(client), STORE_WORKING);
	ck_assert(store_client_has_room(client));
	ck_assert(log_has(1001, STORE_TASK_END) && log_has(7, STORE_TASK_END) && log_has(1004, STORE_TASK_PUT));
	ck_assert(!log_has(1002, STORE_TASK_PUT) && !log_has(1003, STORE_TASK_PUT) && !log_has(1003, STORE_TASK_END));
	ck_assert_uint_gt(later, last);
	/* Just the two of them, however often it was full. */
	ck_assert_int_eq(told.changes, 3);
}
END_TEST

START_TEST(room_is_noticed_also_where_nothing_was_left)
{
	const struct store_ids ids = { 5000, 5000, 5000 };
	start("work");
	uint64_t seq = store_client_put(client, STORE_IDS, 0, &ids, false);
	PUMP(told.committed == seq);
	make_full(true);
	put_task(1001, 10, false);
	PUMP(store_client_state(client) == STORE_FULL);
	ck_assert_uint_eq(store_client_backlog(client), 0);
	make_full(false);
	PUMP(store_client_state(client) == STORE_WORKING);
	ck_assert(!log_has(1001, STORE_TASK_PUT));
}
END_TEST

/* Half of a large operation is in the channel when the store refuses what was before it. */
START_TEST(what_is_half_sent_when_the_disk_is_full_does_not_confuse)
{
	start("work");
	PUMP(told.opened);
	make_full(true);
	put_end(1);
	for (uint64_t id = 1001; id <= 1003; id++)
		put_task(id, 5 << 20, false);
	put_end(2);
	PUMP(store_client_state(client) == STORE_FULL);
	ck_assert_uint_eq(told.n_refused, 3);
	uint64_t last = put_end(3);
	store_client_ask(client, &(struct store_query){ .question = STORE_ASK_STATS }, NULL, on_answered, &told);
	PUMP(told.answered == 1);
	make_full(false);
	PUMP(told.committed == last);
	ck_assert(log_has(1, STORE_TASK_END) && log_has(2, STORE_TASK_END) && log_has(3, STORE_TASK_END));
	ck_assert_uint_eq(store_client_respawns(client), 0);
}
END_TEST

START_TEST(death_while_the_disk_is_full_is_survived)
{
	start("work,openfull,openfull,work");
	PUMP(told.opened);
	make_full(true);
	put_end(1);
	PUMP(store_client_state(client) == STORE_FULL);
	put_task(1001, 10, false);
	kill(store_client_pid(client), SIGKILL);
	PUMP(store_client_respawns(client) == 2);
	ck_assert_uint_eq(told.n_refused, 0); /* who knows what the dead one has done */
	make_full(false);
	uint64_t last = store_client_last(client);
	PUMP(told.committed == last);
	ck_assert_int_eq(store_client_state(client), STORE_WORKING);
	ck_assert(log_has(1001, STORE_TASK_PUT));
}
END_TEST

/* --- the end of all --- */

START_TEST(failed_disk_is_the_end)
{
	start("fail:3");
	PUMP(told.opened);
	put_task(1001, 10, false);
	PUMP(told.committed == 1);
	put_end(1001);
	put_task(1002, 10, false);
	uint64_t asked = store_client_ask(
		client, &(struct store_query){ .question = STORE_ASK_HISTORY, .id = 1 }, on_found, on_answered, &told);
	ck_assert_uint_gt(asked, 0);
	PUMP(store_client_state(client) == STORE_BROKEN);
	ck_assert_str_eq(told.text, "the disk is gone");
	ck_assert_uint_eq(told.n_refused, 1);
	ck_assert_uint_eq(told.refused[0], 1002);
	PUMP(told.answered == 1);
	/* Also what is asked only now. */
	told.answered = 0;
	store_client_ask(client, &(struct store_query){ .question = STORE_ASK_STATS }, NULL, on_answered, &told);
	ck_assert_int_eq(told.answered, 0);
	PUMP(told.answered == 1);
	ck_assert_int_eq(told.status, STORE_ANSWER_ERROR);
	PUMP(store_client_pid(client) == 0);
	ck_assert_uint_eq(store_client_respawns(client), 0);
	store_client_stop(client);
	ck_assert_int_eq(store_client_state(client), STORE_CLOSED);
}
END_TEST

/* Its end is seen before what it said. */
START_TEST(last_words_of_a_dead_store_are_heard)
{
	start("fail:1");
	PUMP(told.opened);
	struct pollfd end = { .fd = store_client_process_fd(client), .events = POLLIN };
	put_end(1);
	store_client_turn(client);
	ck_assert_int_eq(poll(&end, 1, (int)(BOUND_NS / NS_PER_MS)), 1);
	PUMP(store_client_pid(client) == 0);
	ck_assert_int_eq(store_client_state(client), STORE_BROKEN);
	ck_assert_str_eq(told.text, "the disk is gone");
}
END_TEST

START_TEST(what_cannot_be_opened_is_told_once)
{
	static const char *const parts[] = { "open:2", "open:3", "open:4", "open:5", "open:6", "version" };
	start(parts[_i]);
	put_task(1001, 10, false);
	PUMP(store_client_state(client) == STORE_BROKEN);
	ck_assert_int_eq(told.opened, 1);
	ck_assert_int_eq(told.last_opened.status, _i < 5 ? _i + 2 : STORE_OPEN_ERROR);
	ck_assert_str_eq(told.text, _i < 5 ? "a reason" : "taskd-store is of another version of taskd");
	ck_assert_uint_eq(told.n_refused, 1);
	PUMP(store_client_pid(client) == 0);
	ck_assert_uint_eq(store_client_respawns(client), 0);
}
END_TEST

START_TEST(file_that_was_put_aside_is_told_and_fine)
{
	start("open:1");
	PUMP(told.opened);
	ck_assert_int_eq(told.last_opened.status, STORE_OPEN_ASIDE);
	ck_assert_str_eq(told.text, "a reason");
	uint64_t seq = put_end(1);
	PUMP(told.committed == seq);
}
END_TEST

/* --- lies --- */

static void survive(const char *lie)
{
	char parts[64];
	snprintf(parts, sizeof parts, "%s,work", lie);
	start(parts);
	/* So that the number of a question is one that there is. */
	store_client_ask(client, &(struct store_query){ .question = STORE_ASK_HISTORY }, on_found, on_answered, &told);
	PUMP(told.opened);
	for (uint64_t id = 1; id <= 9; id++)
		put_task(id, 10, id == 4);
	PUMP(told.answered);
	check_all(9);
	ck_assert_uint_eq(store_client_respawns(client), 1);
	ck_assert_int_eq(told.found, FAKE_FOUND);
}

START_TEST(store_that_lies_is_ended)
{
	char lie[16];
	snprintf(lie, sizeof lie, "lie:%d", _i);
	survive(lie);
}
END_TEST

START_TEST(store_that_lies_of_operations_is_ended)
{
	char lie[16];
	snprintf(lie, sizeof lie, "lieat:%d", _i);
	if (_i < 4) {
		survive(lie);
		return;
	}
	/* That the disk is full must be believed; the second word is the lie. */
	start(lie);
	PUMP(told.opened);
	for (uint64_t id = 1; id <= 9; id++)
		put_end(id);
	PUMP(told.committed == 9);
	ck_assert_uint_eq(store_client_respawns(client), 1);
}
END_TEST

/* --- what it has of before --- */

START_TEST(all_is_loaded_once)
{
	static const char *const parts[] = { "work", "row:1,row:2,row:20,work", "row:43,row:0,work" };
	start(parts[_i]);
	PUMP(told.opened);
	store_client_load(client);
	PUMP(told.loaded);
	ck_assert_int_eq(told.loaded, 1);
	ck_assert_int_eq(told.queues, 2);
	ck_assert_int_eq(told.schedules, 1);
	ck_assert_int_eq(told.rows, FAKE_TASKS + 3);
	ck_assert_int_eq(told.opened, 1);
	/* And what comes then is a lie. */
	uint64_t seq = put_end(1);
	PUMP(told.committed == seq);
}
END_TEST

/* --- questions --- */

START_TEST(question_is_answered_once_though_the_store_dies)
{
	char tag[] = "a tag";
	bool oldest_first = _i;
	start("found:0,found:7,found:24,work");
	const struct store_query query = {
		.question = STORE_ASK_HISTORY, .tag = store_text_of(tag, 5), .oldest_first = oldest_first
	};
	store_client_ask(client, &query, on_found, on_answered, &told);
	memset(tag, 'x', 5); /* it was copied */
	PUMP(told.answered);
	ck_assert_int_eq(told.found, FAKE_FOUND);
	for (int i = 0; i < FAKE_FOUND; i++)
		ck_assert_uint_eq(told.found_ids[i], oldest_first ? i + 1 : FAKE_FOUND - i);
	ck_assert_int_eq(told.status, STORE_ANSWER_FINE);
	ck_assert(told.more);
	ck_assert_str_eq(told.found_tag, "a tag");
	ck_assert_int_eq(told.answered, 1);
}
END_TEST

/* More than is heard in a turn, and than the channel has room for: it comes in parts, and each turn ends within one. */
START_TEST(answer_that_is_heard_in_many_turns_arrives)
{
	static char tag[3 << 20];
	memset(tag, 'x', sizeof tag);
	start("work");
	const struct store_query query = { .question = STORE_ASK_HISTORY, .tag = store_text_of(tag, sizeof tag) };
	store_client_ask(client, &query, on_found, on_answered, &told);
	PUMP(told.answered);
	ck_assert_int_eq(told.found, FAKE_FOUND);
	ck_assert_int_eq(told.status, STORE_ANSWER_FINE);
	ck_assert_uint_eq(store_client_respawns(client), 0);
}
END_TEST

/* The channel has no room for one of these operations: it is full in the middle of it when the question comes. */
START_TEST(questions_go_between_operations)
{
	start("work");
	PUMP(told.opened);
	for (int i = 1; i <= 10; i++) {
		put_task((uint64_t)i, 3 << 20, false);
		put_end((uint64_t)i);
		store_client_turn(client);
		store_client_ask(client, &(struct store_query){ .question = STORE_ASK_STATS }, NULL, on_answered, &told);
		PUMP(told.answered == i);
	}
	PUMP(told.committed == 20);
	ck_assert_uint_eq(store_client_respawns(client), 0);
}
END_TEST

START_TEST(question_that_is_taken_back_is_not_answered)
{
	start("work");
	uint64_t first = store_client_ask(
		client, &(struct store_query){ .question = STORE_ASK_HISTORY }, on_found, on_answered, &told);
	store_client_ask(client, &(struct store_query){ .question = STORE_ASK_STATS }, NULL, on_answered, &told);
	PUMP(told.opened);
	store_client_unask(client, first);
	store_client_unask(client, first);
	store_client_unask(client, 12345);
	PUMP(told.answered);
	ck_assert_int_eq(told.found, 0);
	uint64_t seq = put_end(1);
	PUMP(told.committed == seq);
	ck_assert_int_eq(told.answered, 1);
	ck_assert_uint_eq(store_client_respawns(client), 0);
}
END_TEST

START_TEST(question_to_a_client_that_is_freed_has_an_error)
{
	start("deaf");
	store_client_ask(client, &(struct store_query){ .question = STORE_ASK_STATS }, NULL, on_answered, &told);
	PUMP(told.opened);
	int pid = store_client_pid(client);
	store_client_free(client);
	client = NULL;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ck_assert_int_eq(told.answered, 1);
	ck_assert_int_eq(told.status, STORE_ANSWER_ERROR);
}
END_TEST

/* --- stopping --- */

START_TEST(stop_commits_everything_first)
{
	size_t lines;
	static const char *const parts[] = { "work", "before:50,work", "after:50,work", "before:50,stillborn,work" };
	start(parts[_i]);
	PUMP(told.opened);
	for (uint64_t id = 1; id <= 100; id++)
		put_task(id, 50000, false);
	store_client_stop(client);
	ck_assert_int_eq(store_client_state(client), STORE_STOPPING);
	ck_assert_uint_eq(put_end(1), 0);
	PUMP(store_client_state(client) == STORE_CLOSED);
	ck_assert_uint_eq(log_last(&lines), 100);
	ck_assert_uint_eq(lines, 100);
	ck_assert_uint_eq(told.committed, 100);
	ck_assert_int_eq(store_client_pid(client), 0);
	ck_assert_int_eq(told.states[told.changes - 1], STORE_CLOSED);
}
END_TEST

START_TEST(stop_does_not_wait_for_room)
{
	start("work");
	PUMP(told.opened);
	make_full(true);
	put_end(1);
	if (_i)
		PUMP(store_client_state(client) == STORE_FULL);
	store_client_stop(client);
	PUMP(store_client_state(client) == STORE_CLOSED);
	ck_assert_uint_eq(told.committed, 0);
}
END_TEST

START_TEST(stop_of_what_has_never_opened_is_at_once)
{
	start("work");
	put_end(1);
	store_client_stop(client);
	PUMP(store_client_state(client) == STORE_CLOSED);
	ck_assert_uint_eq(store_client_respawns(client), 0);
}
END_TEST

/* --- speed: nothing of it may cost a system call for each operation --- */

START_TEST(many_small_operations_are_taken_without_a_word)
{
	start("deaf");
	PUMP(told.opened);
	for (uint64_t i = 1; i <= 200000; i++)
		put_end(i);
	ck_assert_uint_eq(store_client_last(client), 200000);
	while (store_client_turn(client))
		;
}
END_TEST

static TCase *tcase_of(Suite *suite, const char *name)
{
	TCase *tcase = tcase_create(name);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	return tcase;
}

int main(int argc, char **argv)
{
	(void)argc;
	store_fake_main(argv);
	Suite *suite = suite_create("store client");
	TCase *tcase = tcase_of(suite, "work");
	tcase_add_test(tcase, what_is_put_is_committed_in_its_order);
	tcase_add_test(tcase, room_is_there_up_to_the_backlog_limit);
	tcase_add_test(tcase, store_that_does_not_read_costs_sleep_only);
	tcase_add_test(tcase, many_small_operations_are_taken_without_a_word);
	tcase = tcase_of(suite, "deaths");
	tcase_add_test(tcase, what_a_dead_store_did_not_commit_the_next_one_does);
	tcase_add_test(tcase, store_that_is_killed_at_any_moment_loses_nothing);
	tcase_add_test(tcase, deaths_between_which_something_is_committed_are_not_counted);
	tcase_add_test(tcase, five_deaths_without_a_commit_are_the_end);
	tcase_add_test(tcase, store_that_is_never_born_is_told_as_refused);
	tcase_add_test(tcase, program_that_is_not_there_is_an_error);
	tcase_add_test(tcase, who_is_freed_leaves_a_store_that_commits_and_ends);
	tcase = tcase_of(suite, "full");
	tcase_add_test(tcase, full_disk_refuses_new_tasks_and_keeps_the_rest);
	tcase_add_test(tcase, room_is_noticed_also_where_nothing_was_left);
	tcase_add_test(tcase, what_is_half_sent_when_the_disk_is_full_does_not_confuse);
	tcase_add_test(tcase, death_while_the_disk_is_full_is_survived);
	tcase = tcase_of(suite, "failed");
	tcase_add_test(tcase, failed_disk_is_the_end);
	tcase_add_test(tcase, last_words_of_a_dead_store_are_heard);
	tcase_add_loop_test(tcase, what_cannot_be_opened_is_told_once, 0, 6);
	tcase_add_test(tcase, file_that_was_put_aside_is_told_and_fine);
	tcase = tcase_of(suite, "lies");
	tcase_add_loop_test(tcase, store_that_lies_is_ended, 0, FAKE_LIES);
	tcase_add_loop_test(tcase, store_that_lies_of_operations_is_ended, 0, FAKE_LIES_AT);
	tcase = tcase_of(suite, "questions");
	tcase_add_loop_test(tcase, all_is_loaded_once, 0, 3);
	tcase_add_loop_test(tcase, question_is_answered_once_though_the_store_dies, 0, 2);
	tcase_add_test(tcase, answer_that_is_heard_in_many_turns_arrives);
	tcase_add_test(tcase, questions_go_between_operations);
	tcase_add_test(tcase, question_that_is_taken_back_is_not_answered);
	tcase_add_test(tcase, question_to_a_client_that_is_freed_has_an_error);
	tcase = tcase_of(suite, "stop");
	tcase_add_loop_test(tcase, stop_commits_everything_first, 0, 4);
	tcase_add_loop_test(tcase, stop_does_not_wait_for_room, 0, 2);
	tcase_add_test(tcase, stop_of_what_has_never_opened_is_at_once);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
