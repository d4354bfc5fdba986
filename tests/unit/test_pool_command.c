/* Pools of commands, with workers that say what a test wants them to: what goes to them, what is heard of them, and what it
 * costs them to say what they should not. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "lane/lane.h"
#include "pool_world.h"

static struct pool_world world;

static void set_up(void)
{
	pool_world_init(&world);
}

static void tear_down(void)
{
	clock_fake_end();
	pool_world_fini(&world);
}

/* --- what comes back of orders --- */

#define SEEN_MOST 200
static struct seen {
	int n;
	enum command_answer_kind kinds[SEEN_MOST];
	char data[64];
	uint64_t total;
	bool found;
	char reason[64];
} seen;

static void answered(void *user, const struct command_answer *answer)
{
	ck_assert_ptr_eq(user, &seen);
	seen.kinds[seen.n++ % SEEN_MOST] = answer->kind;
	seen.total = answer->total;
	seen.found = answer->found;
	snprintf(seen.data, sizeof(seen.data), "%.*s", (int)answer->length, answer->data ? answer->data : "");
	snprintf(seen.reason, sizeof(seen.reason), "%s", answer->reason ? answer->reason : "");
}

static struct command_ask *order(struct task *task, struct command_order what)
{
	bool busy;
	struct command_ask *ask = pools_command_order(world.pools, task, &what, answered, &seen, &busy);
	ck_assert(ask || !busy);
	return ask;
}

static struct task *end(struct task *task)
{
	world_end(&world, task);
	return task;
}

static struct task *start(const char *args)
{
	return world_start(&world, world.exec, args);
}

/* --- the start, and who gets what --- */

START_TEST(a_worker_is_told_that_it_runs_commands)
{
	const char *told = world_result(end(start("[\"start\"]")));
	ck_assert_ptr_nonnull(strstr(told, "\"commands\":{\"log_dir\":\"/var/log/commands\",\"log_ttl\":1000000000,\"log_bytes\":4096,"
					   "\"cgroup\":null,\"as_submitter\":false,\"user\":null}"));
	ck_assert_ptr_nonnull(strstr(told, "\"threads\":1"));
	ck_assert_ptr_nonnull(strstr(told, "\"plugins\":[]"));
}
END_TEST

START_TEST(a_worker_of_handlers_is_not)
{
	ck_assert_ptr_null(strstr(world_result(end(world_start(&world, world.handler, "[\"start\"]"))), "commands"));
}
END_TEST

START_TEST(commands_have_pools_of_their_own)
{
	struct core_pool *commands = pools_find(world.pools, "commands")->core_pool;
	struct core_pool *handlers = pools_find(world.pools, "default")->core_pool;
	ck_assert(pools_type_is_command(world.exec) && !pools_type_is_command(world.handler));
	ck_assert_str_eq(core_queue_name(world.exec->queue), "commands");
	ck_assert_str_eq(core_queue_name(world.handler->queue), "default");
	ck_assert(pools_serves(commands, "exec") && !pools_serves(commands, "work"));
	ck_assert(!pools_serves(handlers, "exec") && pools_serves(handlers, "work"));
	const struct handler_info *info = world.exec->user;
	ck_assert_str_eq(info->source, "command");
	ck_assert_ptr_nonnull(strstr(info->parameters, "argv, "));
}
END_TEST

START_TEST(a_command_is_run_in_the_slot_of_its_workers_index)
{
	struct task *first = start("[\"hold\"]"), *second = start("[\"hold\"]");
	struct task *handler = world_start(&world, world.handler, "[\"hold\"]");
	ck_assert_int_eq(pools_command_slot(first) + pools_command_slot(second), 1);
	ck_assert_int_eq(pools_command_slot(handler), -1);
}
END_TEST

/* --- orders --- */

START_TEST(orders_reach_the_command_and_answers_come_back)
{
	struct task *task = start("[\"orders\",5]");
	order(task, (struct command_order){ .kind = COMMAND_SIGNAL, .signal = 10 });
	order(task, (struct command_order){ .kind = COMMAND_SUSPEND });
	order(task, (struct command_order){ .kind = COMMAND_RESUME });
	order(task, (struct command_order){ .kind = COMMAND_WINDOW, .rows = 25, .columns = 81 });
	order(task, (struct command_order){ .kind = COMMAND_SEND, .data = "\0hi", .length = 3, .eof = true });
	const char *told = world_result(end(task));
	ck_assert_ptr_nonnull(strstr(told, "\"do\":\"signal\",\"signal\":10"));
	ck_assert_ptr_nonnull(strstr(told, "\"do\":\"suspend\""));
	ck_assert_ptr_nonnull(strstr(told, "\"do\":\"resume\""));
	ck_assert_ptr_nonnull(strstr(told, "\"do\":\"window\",\"rows\":25,\"columns\":81"));
	ck_assert_ptr_nonnull(strstr(told, "\"do\":\"send\",\"data\":\"AGhp\",\"eof\":true"));
	char id[32];
	snprintf(id, sizeof(id), "\"task\":%llu,\"attempt\":1,", (unsigned long long)task->id);
	ck_assert_ptr_nonnull(strstr(told, id));
	world_until(&world, seen.n == 5);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(seen.kinds[i], COMMAND_DONE);
}
END_TEST

START_TEST(what_does_not_run_takes_no_orders)
{
	bool busy = true;
	const struct command_order what = { .kind = COMMAND_SUSPEND };
	struct task *task = start("[\"done\"]");
	end(task);
	ck_assert_ptr_null(pools_command_order(world.pools, task, &what, answered, &seen, &busy));
	ck_assert(!busy);
	task = world_start(&world, world.handler, "[\"hold\"]");
	ck_assert_ptr_null(pools_command_order(world.pools, task, &what, answered, &seen, &busy));
	ck_assert(!busy);
}
END_TEST

/* How many orders of full size it takes until no more are taken. */
static int send_until_busy(struct task *task)
{
	static const char data[COMMAND_SEND_LIMIT];
	const struct command_order what = { .kind = COMMAND_SEND, .data = data, .length = sizeof(data) };
	bool busy = false;
	int n = 0;
	for (; n < SEEN_MOST && pools_command_order(world.pools, task, &what, answered, &seen, &busy); n++)
		;
	ck_assert(busy);
	return n;
}

START_TEST(what_a_worker_does_not_read_waits_and_is_not_without_end)
{
	int ends[2];
	char args[32] = "[\"gate\",8]";
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	struct task *task = world_submit(&world, world.exec, args);
	pools_command_attach(world.pools, task, &ends[0], 1);
	world_until(&world, (core_task_look(task), task->state == TASK_RUNNING));
	int n = send_until_busy(task);
	ck_assert_int_ge(n, 8);
	ck_assert_int_lt(n, SEEN_MOST);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	ck_assert_str_eq(world_result(end(task)), "{}"); /* it has heard eight, more than its socket holds */
	world_until(&world, seen.n == 8);
	close(ends[1]);
}
END_TEST

START_TEST(nobody_is_left_without_an_answer_when_a_worker_dies)
{
	struct task *task = start("[\"hold\"]");
	for (int i = 0; i < 3; i++)
		order(task, (struct command_order){ .kind = COMMAND_SUSPEND });
	pools_command_forget(order(task, (struct command_order){ .kind = COMMAND_RESUME }));
	kill(world_worker(&world, task)->pid, SIGKILL);
	end(task);
	ck_assert_int_eq(task->state, TASK_CRASHED);
	world_until(&world, seen.n == 3);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(seen.kinds[i], COMMAND_NOT_RUNNING);
	end(start("[\"done\"]"));
	ck_assert_int_eq(seen.n, 3);
}
END_TEST

START_TEST(what_was_forgotten_is_not_told)
{
	struct task *task = start("[\"orders\",2]");
	pools_command_forget(order(task, (struct command_order){ .kind = COMMAND_SUSPEND }));
	order(task, (struct command_order){ .kind = COMMAND_RESUME });
	end(task);
	world_until(&world, seen.n == 1);
}
END_TEST

/* --- logs --- */

static void ask_for_log(size_t size)
{
	ck_assert_ptr_nonnull(pools_command_log(world.pools, 17, 2, CAPTURE_STDERR, 5, size, answered, &seen));
}

/* Both workers wait for a question, as nobody says which one gets it. */
static void answer_log(const char *args, size_t size)
{
	struct task *tasks[2] = { start(args), start(args) };
	ask_for_log(size);
	world_until(&world, task_state_is_terminal(tasks[0]->state) || task_state_is_terminal(tasks[1]->state));
	world_until(&world, seen.n == 1);
}

START_TEST(a_page_of_a_log_is_told)
{
	answer_log("[\"page\",\"done\",100,\"aGVsbG8=\"]", 5);
	ck_assert(seen.found);
	ck_assert_str_eq(seen.data, "hello");
	ck_assert_uint_eq(seen.total, 100);
}
END_TEST

START_TEST(a_log_that_is_not_there_is_not_found)
{
	answer_log("[\"page\",\"not_found\",0,\"\"]", 5);
	ck_assert(!seen.found);
	ck_assert_int_eq(seen.kinds[0], COMMAND_DONE);
}
END_TEST

START_TEST(a_log_that_cannot_be_read_says_why)
{
	answer_log("[\"page\",\"refused\",0,\"\"]", 5);
	ck_assert_int_eq(seen.kinds[0], COMMAND_REFUSED);
	ck_assert_str_eq(seen.reason, "no reason was given");
}
END_TEST

START_TEST(a_page_is_no_larger_than_what_was_asked_for)
{
	answer_log("[\"page\",\"done\",100,\"aGVsbG8=\"]", 4);
	ck_assert_int_eq(seen.kinds[0], COMMAND_NOT_RUNNING); /* it cost the worker its life */
}
END_TEST

static const char *const bad_pages[] = { "[\"page\",\"done\",-1,\"aGVsbG8=\"]", "[\"page\",\"done\",1,\"?\"]",
	"[\"page\",\"no_input\",1,\"\"]", "[\"page\",\"what\",1,\"\"]" };

START_TEST(a_page_that_makes_no_sense_costs_the_worker_its_life)
{
	answer_log(bad_pages[_i], 100);
	ck_assert_int_eq(seen.kinds[0], COMMAND_NOT_RUNNING);
}
END_TEST

/* --- nonsense --- */

static const char *const bad_verbs[] = { "[\"twice\"]", "[\"unasked\"]", "[\"ready\"]" };

START_TEST(what_was_not_asked_costs_a_worker_its_life)
{
	struct task *task = start(bad_verbs[_i]);
	order(task, (struct command_order){ .kind = COMMAND_SUSPEND });
	end(task);
	ck_assert_int_eq(task->state, TASK_CRASHED);
	ck_assert_ptr_nonnull(strstr(task->outcome->message, "what it said made no sense"));
}
END_TEST

START_TEST(a_worker_of_handlers_answers_nothing)
{
	struct task *task = world_submit(&world, world.handler, "[\"unasked\"]");
	end(task);
	ck_assert_ptr_nonnull(strstr(task->outcome->message, "what it said made no sense"));
}
END_TEST

START_TEST(a_worker_of_handlers_has_no_output)
{
	struct task *task = world_submit(&world, world.handler, "[\"say\"]");
	end(task);
	ck_assert_ptr_nonnull(strstr(task->outcome->message, "its lane made no sense"));
}
END_TEST

/* --- output --- */

static char said_text[64];

static void said(void *context, struct task *task, enum capture_stream stream, uint64_t offset, const char *data,
	size_t length)
{
	size_t used = strlen(said_text);
	(void)context;
	snprintf(said_text + used, sizeof(said_text) - used, "%llu %d %llu %.*s;", (unsigned long long)task->id, (int)stream,
		(unsigned long long)offset, (int)length, data);
}

START_TEST(a_follower_hears_what_a_command_says)
{
	char wanted[64];
	pools_on_output(world.pools, said, NULL);
	struct task *task = world_start(&world, world.exec, "[\"say\"]");
	pools_command_follow(world.pools, task, true);
	order(task, (struct command_order){ .kind = COMMAND_RESUME });
	order(task, (struct command_order){ .kind = COMMAND_SUSPEND });
	end(task);
	snprintf(wanted, sizeof(wanted), "%1$llu 0 0 out;%1$llu 1 7 err;", (unsigned long long)task->id);
	ck_assert_str_eq(said_text, wanted);
	task = start("[\"say\"]"); /* the next one is not followed */
	order(task, (struct command_order){ .kind = COMMAND_RESUME });
	order(task, (struct command_order){ .kind = COMMAND_SUSPEND });
	end(task);
	ck_assert_str_eq(said_text, wanted);
}
END_TEST

START_TEST(what_a_command_has_said_can_be_read_while_it_runs)
{
	struct capture_state state;
	char text[16];
	struct task *task = start("[\"capture\"]");
	world_until(&world, task->extra && task->extra->progress_text);
	ck_assert(pools_command_look(world.pools, task, &state));
	ck_assert_int_eq(state.pid, 42);
	ck_assert_uint_eq(state.total[CAPTURE_STDERR], 5);
	ck_assert_int_eq(pools_command_read(world.pools, task, CAPTURE_STDERR, 1, text, sizeof(text)), 4);
	ck_assert_mem_eq(text, "ello", 4);
	order(task, (struct command_order){ .kind = COMMAND_RESUME });
	end(task);
	ck_assert(!pools_command_look(world.pools, task, &state));
	ck_assert_int_eq(pools_command_read(world.pools, task, CAPTURE_STDERR, 1, text, sizeof(text)), -1);
}
END_TEST

/* --- how it ends --- */

static struct task *fail_with(struct task_type *type, unsigned flags)
{
	char args[32];
	snprintf(args, sizeof(args), "[\"fail\",%u]", flags);
	return end(world_submit(&world, type, args));
}

START_TEST(a_command_that_fails_says_how)
{
	struct task *task = fail_with(world.exec, LANE_FLAG_COMMAND);
	ck_assert_int_eq(task->state, TASK_FAILED);
	ck_assert_str_eq(task->outcome->kind, "command_failed");
	ck_assert_str_eq(world_data(task), "{\"status\":3}");
	task = fail_with(world.exec, LANE_FLAG_NOT_STARTED);
	ck_assert_int_eq(task->state, TASK_FAILED);
	ck_assert_str_eq(task->outcome->kind, "not_started");
	ck_assert_str_eq(world_data(task), "{\"status\":3}");
	task = fail_with(world.exec, LANE_FLAG_BAD_ARGS);
	ck_assert_str_eq(task->outcome->kind, "invalid_params");
}
END_TEST

START_TEST(a_handler_is_no_command_whatever_it_says)
{
	struct task *task = fail_with(world.handler, LANE_FLAG_COMMAND | LANE_FLAG_NOT_STARTED);
	ck_assert_int_eq(task->state, TASK_FAILED);
	ck_assert_ptr_null(task->outcome->kind);
}
END_TEST

START_TEST(a_command_that_is_cancelled_is_told_to_stop_and_keeps_its_result)
{
	struct task *task = start("[\"fail\",32]");
	ck_assert(!core_cancel(task));
	end(task);
	ck_assert_int_eq(task->state, TASK_CANCELLED);
	ck_assert_str_eq(world_data(task), "{\"status\":3}");
	ck_assert_str_eq(task->outcome->message, "cancelled while it ran");
}
END_TEST

START_TEST(a_command_that_was_not_told_to_stop_has_failed)
{
	struct task *task = start("[\"fail\",32]");
	order(task, (struct command_order){ .kind = COMMAND_SUSPEND });
	end(task);
	ck_assert_int_eq(task->state, TASK_FAILED);
	ck_assert_str_eq(task->outcome->kind, "command_failed");
	ck_assert_str_eq(world_data(task), "{\"status\":3}");
}
END_TEST

START_TEST(a_cancelled_command_is_told_to_stop_and_then_killed)
{
	struct task *task = start("[\"orders\",2]");
	core_cancel(task);
	const char *told = world_result(end(task));
	ck_assert_ptr_nonnull(strstr(told, "\"do\":\"term\""));
	ck_assert_ptr_nonnull(strstr(strstr(told, "\"do\":\"term\""), "\"do\":\"kill\""));
}
END_TEST

START_TEST(a_worker_whose_command_does_not_end_is_killed_5_s_after_the_command_was)
{
	struct task *task = start("[\"orders\",3]");
	struct worker *worker = world_worker(&world, task);
	core_cancel(task);
	world_until(&world, pools_next_ns(world.pools) != CLOCK_NEVER); /* the time until its worker is killed runs */
	clock_fake(clock_mono_ns() + 4 * NS_PER_S, clock_wall_ns());
	for (int i = 0; i < 5; i++)
		pool_world_turn(&world);
	ck_assert(world_is_alive(worker->pid) && task->state == TASK_CANCELLING);
	clock_fake_advance(NS_PER_S, 0);
	/* Its task is over when it has been seen that nothing is left. */
	world_until(&world, (clock_fake_advance(NS_PER_MS, 0), task_state_is_terminal(task->state)));
	ck_assert_int_eq(task->state, TASK_CANCELLED);
	ck_assert_ptr_nonnull(strstr(task->outcome->message, "did not end when it was killed"));
}
END_TEST

START_TEST(a_worker_whose_command_ends_in_time_lives_on)
{
	struct task *task = start("[\"orders\",2]");
	int pid = world_worker(&world, task)->pid;
	core_cancel(task);
	end(task);
	ck_assert_int_eq(pools_next_ns(world.pools), CLOCK_NEVER);
	ck_assert(world_is_alive(pid));
}
END_TEST

/* --- descriptors --- */

/* Ends of pipes, which are closed at once; other descriptors a little later. */
static void attach(struct task *task, int n)
{
	int fds[3], ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	for (int i = 0; i < n; i++)
		ck_assert_int_ge(fds[i] = dup(ends[1]), 0);
	close(ends[0]);
	close(ends[1]);
	pools_command_attach(world.pools, task, fds, (size_t)n);
}

START_TEST(descriptors_go_with_their_command_and_are_closed_when_it_has_ended)
{
	int ends[2], before = world_descriptors();
	char text[4];
	ck_assert_int_eq(pipe(ends), 0);
	struct task *task = world_submit(&world, world.exec, "[\"fds\"]");
	struct task *without = world_submit(&world, world.exec, "[\"fds\"]");
	const int fds[] = { ends[1], dup(ends[1]) };
	pools_command_attach(world.pools, task, fds, 2);
	ck_assert_str_eq(world_result(end(task)), "2");
	ck_assert_str_eq(world_result(end(without)), "0");
	ck_assert_int_eq(read(ends[0], text, sizeof(text)), 2);
	ck_assert_int_eq(read(ends[0], text, sizeof(text)), 0); /* nobody has the other end any more */
	close(ends[0]);
	ck_assert_int_eq(world_descriptors(), before);
}
END_TEST

START_TEST(descriptors_are_closed_however_a_command_ends)
{
	struct task *tasks[4];
	struct task *busy[2] = { start("[\"hold\"]"), start("[\"hold\"]") };
	int before = world_descriptors();
	for (int i = 0; i < 4; i++) {
		tasks[i] = world_submit(&world, world.exec, "[\"hold\"]");
		attach(tasks[i], 3);
	}
	ck_assert_int_eq(world_descriptors(), before + 12);
	core_cancel(tasks[0]); /* not started */
	ck_assert_int_eq(world_descriptors(), before + 9);
	for (int i = 0; i < 2; i++)
		kill(world_worker(&world, busy[i])->pid, SIGKILL);
	world_until(&world, (core_task_look(tasks[1]), core_task_look(tasks[2]),
		tasks[1]->state == TASK_RUNNING && tasks[2]->state == TASK_RUNNING));
	kill(world_worker(&world, tasks[1])->pid, SIGKILL);
	kill(world_worker(&world, tasks[2])->pid, SIGKILL);
	end(tasks[1]);
	end(tasks[2]);
	int ready = 0, wanted;
	world_until(&world, (pools_count(world.pools, &ready, &wanted), ready == wanted));
	world_until(&world, pools_next_ns(world.pools) == CLOCK_NEVER); /* /proc is looked through until then, in turns */
	ck_assert_int_eq(world_descriptors(), before + 3); /* the last one's */
}
END_TEST

/* Of files nobody waits for the end: a slot gets them while it runs something. Pipes do not wait where they cannot be
 * taken back. */
START_TEST(files_wait_in_a_slots_lane_and_pipes_do_not)
{
	struct task *tasks[6];
	char text[16];
	bool file = _i == 0;
	int ends[2];
	if (file) {
		ends[0] = ends[1] = memfd_create("output", MFD_CLOEXEC);
		ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_APPEND), 0); /* two write at a time, and share a position */
	} else {
		ck_assert_int_eq(pipe(ends), 0);
	}
	world.exec->mean_run_ns = NS_PER_US;
	for (int i = 0; i < 6; i++) {
		const int fds[] = { dup(ends[1]), dup(ends[1]) };
		tasks[i] = world_submit(&world, world.exec, "[\"fds\"]");
		pools_command_attach(world.pools, tasks[i], fds, 2);
	}
	pool_world_turn(&world);
	ck_assert_uint_eq(core_totals(world.core)->in_lanes, file ? 6 : 2);
	for (int i = 0; i < 6; i++)
		ck_assert_str_eq(world_result(end(tasks[i])), "2");
	if (file)
		ck_assert_int_eq(lseek(ends[0], 0, SEEK_SET), 0);
	ck_assert_int_eq(read(ends[0], text, sizeof(text)), 12);
	for (int i = file; i < 2; i++)
		close(ends[i]);
}
END_TEST

START_TEST(descriptors_go_with_every_attempt)
{
	const struct task_retry retry = { .retries = 1, .on = RETRY_ALL };
	struct bytes *args = bytes_new("[\"gate\",1]", 10);
	const struct task_spec spec = { .type = world.exec, .queue = world.exec->queue, .args = args, .retry = &retry };
	struct task *task;
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(core_submit(world.core, &spec, &task), CORE_OK);
	bytes_unref(args);
	pools_command_attach(world.pools, task, &ends[0], 1);
	world_until(&world, (core_task_look(task), task->state == TASK_RUNNING));
	kill(world_worker(&world, task)->pid, SIGKILL);
	world_until(&world, task->attempt == 2 && (core_task_look(task), task->state == TASK_RUNNING));
	order(task, (struct command_order){ .kind = COMMAND_SUSPEND });
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	ck_assert_ptr_nonnull(strstr(world_result(end(task)), "\"attempt\":2"));
	close(ends[1]);
}
END_TEST

int main(int argc, char **argv)
{
	worker_main(argc, argv);
	Suite *suite = suite_create("pool_command");
	TCase *all = tcase_create("commands");
	tcase_add_checked_fixture(all, set_up, tear_down);
	tcase_set_timeout(all, 60);
	tcase_add_test(all, a_worker_is_told_that_it_runs_commands);
	tcase_add_test(all, a_worker_of_handlers_is_not);
	tcase_add_test(all, commands_have_pools_of_their_own);
	tcase_add_test(all, a_command_is_run_in_the_slot_of_its_workers_index);
	tcase_add_test(all, orders_reach_the_command_and_answers_come_back);
	tcase_add_test(all, what_does_not_run_takes_no_orders);
	tcase_add_test(all, what_a_worker_does_not_read_waits_and_is_not_without_end);
	tcase_add_test(all, nobody_is_left_without_an_answer_when_a_worker_dies);
	tcase_add_test(all, what_was_forgotten_is_not_told);
	tcase_add_test(all, a_page_of_a_log_is_told);
	tcase_add_test(all, a_log_that_is_not_there_is_not_found);
	tcase_add_test(all, a_log_that_cannot_be_read_says_why);
	tcase_add_test(all, a_page_is_no_larger_than_what_was_asked_for);
	tcase_add_loop_test(all, a_page_that_makes_no_sense_costs_the_worker_its_life, 0,
		sizeof(bad_pages) / sizeof(*bad_pages));
	tcase_add_loop_test(all, what_was_not_asked_costs_a_worker_its_life, 0, sizeof(bad_verbs) / sizeof(*bad_verbs));
	tcase_add_test(all, a_worker_of_handlers_answers_nothing);
	tcase_add_test(all, a_worker_of_handlers_has_no_output);
	tcase_add_test(all, a_follower_hears_what_a_command_says);
	tcase_add_test(all, what_a_command_has_said_can_be_read_while_it_runs);
	tcase_add_test(all, a_command_that_fails_says_how);
	tcase_add_test(all, a_handler_is_no_command_whatever_it_says);
	tcase_add_test(all, a_command_that_is_cancelled_is_told_to_stop_and_keeps_its_result);
	tcase_add_test(all, a_command_that_was_not_told_to_stop_has_failed);
	tcase_add_test(all, a_cancelled_command_is_told_to_stop_and_then_killed);
	tcase_add_test(all, a_worker_whose_command_does_not_end_is_killed_5_s_after_the_command_was);
	tcase_add_test(all, a_worker_whose_command_ends_in_time_lives_on);
	tcase_add_test(all, descriptors_go_with_their_command_and_are_closed_when_it_has_ended);
	tcase_add_test(all, descriptors_are_closed_however_a_command_ends);
	tcase_add_loop_test(all, files_wait_in_a_slots_lane_and_pipes_do_not, 0, 2);
	tcase_add_test(all, descriptors_go_with_every_attempt);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
