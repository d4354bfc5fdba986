/* The poll loop of a command, from its start to the moment when nothing of it is left. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "worker/command_life.h"

/* How often what was killed and is still there is killed again, and when that is enough. */
#define KILL_PERIOD_NS (50 * NS_PER_MS)
#define KILL_PATIENCE_NS (5 * NS_PER_S)

/* When a process that has not ended gets a pidfd. One that is traced has ended long before we are told by SIGCHLD, which
 * only a pidfd shows; and to make one for each that ends within moments takes as long as a hundredth of its life. */
#define PIDFD_AFTER_NS (50 * NS_PER_MS)

enum { POLL_MAIN, POLL_CHILDREN, POLL_INBOX, POLL_STREAMS };

/* --- the end of the tree --- */

static void drain(struct command *command)
{
	command->phase = COMMAND_DRAINING;
	streams_drain(command->streams);
	if (command->abandoned)
		streams_abandon(command->streams);
}

/* A program that has become another user's, say, takes no signal of ours. */
static void give_up(struct command *command)
{
	log_warning("task %llu: some of its command's processes cannot be killed",
		(unsigned long long)command->request->task_id);
	command->slot->haunted = true;
	if (command->pid) /* its tracer is none of its tree, and holds on to it */
		command->end.wait_status = tree_status(command->pid);
	drain(command);
}

static void kill_rest(struct command *command, int64_t now_ns)
{
	if (command->step != LEAVING_KILL) {
		command->step = LEAVING_KILL;
		command->give_up_ns = now_ns + KILL_PATIENCE_NS;
	} else if (now_ns >= command->give_up_ns) {
		give_up(command);
		return;
	}
	command_kill_tree(command);
	command->deadline_ns = now_ns + KILL_PERIOD_NS;
}

static void press(struct command *command)
{
	const struct command_setting *setting = command->slot->setting;
	int64_t now_ns = clock_mono_ns();
	if (now_ns < command->deadline_ns)
		return;
	if (command->step == LEAVING_LINGER && !command->hurried) {
		(void)tree_signal(SIGTERM);
		command->step = LEAVING_TERM;
		command->deadline_ns = now_ns + (setting->last_ns ? setting->last_ns : COMMAND_LAST_NS);
	} else {
		kill_rest(command, now_ns);
	}
}

/* False: it has ended, but somebody traces it and has not heard of that, or does not care. Until then it is not ours to
 * collect, and who waits for it waits for that somebody. */
static bool take_status(struct command *command)
{
	struct command_end *end = &command->end;
	pid_t taken;
	while ((taken = wait4(command->pid, &end->wait_status, WNOHANG, &end->usage)) < 0 && errno == EINTR)
		;
	if (taken == 0)
		return false;
	command->pid = 0;
	return true;
}

/* Most often nobody is left, and to find that out is one system call. */
static bool tree_has_ended(struct command *command)
{
	if (command->pid && !take_status(command)) {
		(void)tree_reap(0);
		return false;
	}
	if (tree_is_empty())
		return true;
	return tree_reap(0) > 0 && tree_is_empty();
}

/* --- the end of its process --- */

static void collect(struct command *command)
{
	int64_t linger_ns = command->slot->setting->linger_ns;
	command->end.ended_ns = clock_mono_ns();
	if (command->pid)
		(void)take_status(command);
	if (command->pidfd >= 0)
		close(command->pidfd);
	command->pidfd = -1;
	command->phase = COMMAND_LEAVING;
	command->step = LEAVING_LINGER;
	command->deadline_ns =
		command->end.ended_ns + (command->hurried ? 0 : linger_ns ? linger_ns : COMMAND_LINGER_NS);
}

static void tell_memory(struct command *command)
{
	struct command_end *end = &command->end;
	struct command_slot *slot = command->slot;
	bool killed = WIFSIGNALED(end->wait_status) && WTERMSIG(end->wait_status) == SIGKILL;
	if (WIFEXITED(end->wait_status) && command_succeeds(&command->params, WEXITSTATUS(end->wait_status)))
		return;
	end->oom_killed = slot->cgroup && cgroup_slot_oom_killed(slot->cgroup);
	if (killed && !end->oom_killed && !command->hurried)
		end->maybe_oom = oom_has_risen(slot);
}

/* --- the loop --- */

static bool wants_pidfd(const struct command *command)
{
	return command->phase == COMMAND_RUNNING && command->pidfd < 0;
}

static int poll_timeout(const struct command *command)
{
	if (wants_pidfd(command))
		return (int)(PIDFD_AFTER_NS / NS_PER_MS);
	if (command->phase != COMMAND_LEAVING)
		return -1;
	int64_t left_ns = command->deadline_ns - clock_mono_ns();
	return left_ns <= 0 ? 0 : (int)((left_ns + NS_PER_MS - 1) / NS_PER_MS);
}

/* One that has no descriptor for that is asked again. */
static void open_pidfd(struct command *command)
{
	if (clock_mono_ns() - command->end.started_ns >= PIDFD_AFTER_NS)
		command->pidfd = pidfd_open(command->pid, 0);
}

/* Which of them have ended is asked of the kernel: signals of a kind are not counted. */
static void hear_of_children(struct command *command)
{
	struct signalfd_siginfo info;
	(void)!read(command->slot->child_fd, &info, sizeof(info));
	if (command->phase != COMMAND_RUNNING)
		return;
	if (command->pidfd < 0 && take_status(command))
		collect(command);
	else
		(void)tree_reap(command->pid);
}

static void move(struct command *command, const struct pollfd *poll, size_t n)
{
	bool any = false;
	for (size_t i = 0; i < n && !any; i++)
		any = poll[i].revents != 0;
	if (!any)
		return;
	streams_move(command->streams, poll, n);
	if (command->sends)
		orders_send(command);
}

static void turn(struct command *command)
{
	struct pollfd polls[POLL_STREAMS + STREAMS_POLL_MAX] = {
		[POLL_MAIN] = { .fd = command->pidfd, .events = POLLIN },
		[POLL_CHILDREN] = { .fd = command->slot->child_fd, .events = POLLIN },
		[POLL_INBOX] = { .fd = inbox_fd(command->slot->inbox), .events = POLLIN },
	};
	size_t n = streams_poll(command->streams, polls + POLL_STREAMS);
	if (command->phase == COMMAND_DRAINING && n == 0) {
		command->phase = COMMAND_OVER;
		return;
	}
	if (poll(polls, POLL_STREAMS + n, poll_timeout(command)) < 0)
		return; /* EINTR; or no memory in the kernel, which is tried again */
	if (wants_pidfd(command))
		open_pidfd(command);
	move(command, polls + POLL_STREAMS, n);
	if (polls[POLL_INBOX].revents)
		orders_follow(command);
	if (polls[POLL_MAIN].revents)
		collect(command);
	if (polls[POLL_CHILDREN].revents)
		hear_of_children(command);
	if (command->phase != COMMAND_LEAVING)
		return;
	if (tree_has_ended(command))
		drain(command);
	else
		press(command);
}

void command_live(struct command *command)
{
	while (command->phase != COMMAND_OVER)
		turn(command);
	command->end.log_error = streams_log_error(command->streams);
	tell_memory(command);
}

void command_fini(struct command *command)
{
	orders_end(command);
	streams_free(command->streams);
	command_rights_drop(command);
	command_free(&command->params);
}
