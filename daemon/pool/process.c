/* A worker's life: started, ready, retiring, dead, waiting for its next start.
 *
 *   waiting ──(its time)──▶ starting ──(all its slots are ready)──▶ ready ──(reload, recycling, stop)──▶ retiring
 *      ▲                       │                                      │                                    │
 *      └───────────────────────┴──────────────(its process ended)─────┴────────────────────────────────────┘
 *
 * A process that dies without having done or begun anything, soon or before it was ready, has died young: the second such death in a row costs a
 * pause, which doubles up to a minute. What dies with a task in its hands is the task's doing, and starts at once; unless it has
 * sent descriptors that nobody asked for: some may stay open for long (base/closer.h), so there must not be many such lives. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/closer.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/xmalloc.h"
#include "lane/lane.h"
#include "pool/internal.h"

#define PAUSE_FIRST_NS (100 * NS_PER_MS)
#define PAUSE_LONGEST_NS (60 * NS_PER_S)
#define YOUNG_NS (10 * NS_PER_S)
#define RING_SIZE (256u * 1024)
/* A doorbell that is rung so often within a second, with nothing said: each time costs a turn of the loop. The worker's library
 * rings at most once for a word, and only where the master sleeps. */
#define RINGS_MOST 1000
#define LEAVE_SHORTEST_NS NS_PER_S /* also where the grace is shorter */
#define SPAWN_TRIES 3 /* where a spawner died over it */
/* As often the lanes of a dead worker are looked at: more than what a ring can hold. What it has forked may go on
 * writing for ever. */
#define LAST_WORDS (RING_SIZE / 64 / CHATTER_MOST + 1)

const char *worker_state_name(enum worker_state state)
{
	static const char *const names[] = {
		[WORKER_WAITING] = "waiting",
		[WORKER_STARTING] = "starting",
		[WORKER_READY] = "ready",
		[WORKER_RETIRING] = "retiring",
	};
	return names[state];
}

void worker_enter(struct worker *worker, enum worker_state state)
{
	worker->state = state;
	pools_schedule(worker->pools);
}

int64_t worker_next_ns(const struct worker *worker)
{
	switch (worker->state) {
	case WORKER_WAITING:
		return worker->pools->stopping ? CLOCK_NEVER : worker->start_at_ns;
	case WORKER_STARTING:
		return worker->started_ns + worker->pools->config->start_timeout;
	case WORKER_READY:
		return worker->process->kill_by_ns;
	case WORKER_RETIRING:
		return worker->process->leave_by_ns < worker->process->kill_by_ns ? worker->process->leave_by_ns
										  : worker->process->kill_by_ns;
	}
	abort();
}

void worker_timer(struct worker *worker, int64_t now_ns)
{
	if (now_ns < worker_next_ns(worker))
		return;
	if (worker->process && now_ns >= worker->process->kill_by_ns) {
		worker->process->kill_by_ns = CLOCK_NEVER;
		worker_kill(worker, "its command did not end when it was killed");
		return;
	}
	switch (worker->state) {
	case WORKER_WAITING:
		worker_start(worker);
		break;
	case WORKER_STARTING:
		worker_kill(worker, "it was not ready in time");
		break;
	case WORKER_RETIRING:
		worker_kill(worker, "it did not leave in time");
		break;
	case WORKER_READY:
		break;
	}
}

void worker_forget_failures(struct worker *worker)
{
	struct worker_failure *failure;
	while ((failure = STAILQ_FIRST(&worker->failures))) {
		STAILQ_REMOVE_HEAD(&worker->failures, link);
		free(failure->handler);
		free(failure->reason);
		free(failure);
	}
}

/* --- start --- */

static void control_ready(void *user)
{
	struct process *process = user;
	if (messages_read(process) < 0 && !process->killed) {
		log_error("worker %s/%d (pid %d): what it says makes no sense, killing it", process->worker->pool->name,
			process->worker->index, process->pid);
		worker_kill(process->worker, "what it said made no sense");
	}
}

/* The doorbell only ends the loop's sleep: pools_turn looks into the lanes, and what is said there counts against this. */
static void doorbell_rang(void *user)
{
	struct process *process = user;
	if (process->rings++ == 0)
		process->rings_ns = clock_mono_ns();
	if (process->rings < RINGS_MOST)
		return;
	if (clock_mono_ns() - process->rings_ns >= NS_PER_S) {
		process->rings = 0;
		return;
	}
	log_error("worker %s/%d (pid %d): it rings without having anything to say, killing it", process->worker->pool->name,
		process->worker->index, process->pid);
	worker_kill(process->worker, "it rang without having anything to say");
}

/* Nothing that it does wakes the master any more. */
static void process_ignore(struct process *process)
{
	watch_free(process->control);
	watch_free(process->doorbell);
	process->control = process->doorbell = NULL;
}

static void process_free(struct process *process)
{
	for (int i = 0; i < process->n_seats; i++) {
		struct seat *seat = &process->seats[i];
		if (seat->active)
			TAILQ_REMOVE(&process->worker->pools->active, seat, link);
		if (seat->slot)
			core_slot_free(seat->slot);
		lane_free(seat->lane);
		capture_free(seat->capture);
	}
	outbox_empty(process);
	process_ignore(process);
	if (process->control_fd >= 0)
		closer_close_packets(process->control_fd);
	if (process->doorbell_fd >= 0)
		close(process->doorbell_fd);
	free(process);
}

static struct process *process_new(struct worker *worker)
{
	const struct config *config = worker->pools->config;
	int n = worker->pool->threads;
	struct process *process = xcalloc(1, sizeof(*process) + (size_t)n * sizeof(struct seat));
	process->worker = worker;
	process->commands = pool_own(worker->pool)->config.commands;
	process->control_fd = -1;
	process->leave_by_ns = CLOCK_NEVER;
	process->kill_by_ns = CLOCK_NEVER;
	STAILQ_INIT(&process->outbox);
	TAILQ_INIT(&process->asks);
	process->doorbell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (process->doorbell_fd < 0)
		goto fail;
	const struct lane_options options = {
		.request_ring = RING_SIZE,
		.completion_ring = RING_SIZE,
		.payload_limit = (size_t)config->payload_limit,
	};
	for (; process->n_seats < n; process->n_seats++) {
		struct seat *seat = &process->seats[process->n_seats];
		seat->process = process;
		seat->index = process->n_seats;
		seat->lane = lane_new(&options);
		if (!seat->lane)
			goto fail;
		if (process->commands && !(seat->capture = capture_new((size_t)pool_own(worker->pool)->config.capture_limit))) {
			int saved = errno;
			lane_free(seat->lane);
			errno = saved;
			goto fail;
		}
		seat->slot = core_slot_new(worker->pool->core_pool, seat);
		core_slot_reserve(seat->slot, worker->extra);
	}
	return process;
fail:;
	int saved = errno;
	process_free(process);
	errno = saved;
	return NULL;
}

/* 0, or -errno. */
static int process_spawn_once(struct process *process)
{
	struct worker *worker = process->worker;
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	process->control_fd = pair[0];
	/* The worker may wait on its end. */
	int flags = fcntl(pair[1], F_GETFL);
	int pid = flags < 0 || fcntl(pair[1], F_SETFL, flags & ~O_NONBLOCK) < 0 ? -errno : 0;
	if (pid == 0) {
		const int fds[SPAWN_WORKER_FDS] = { pair[1], worker->pools->alive_fd };
		pid = spawn_worker(worker, fds);
	}
	close(pair[1]);
	if (pid < 0)
		return pid;
	process->pid = pid;
	return 0;
}

static int process_spawn(struct process *process)
{
	int error;
	for (int tries = 0; (error = process_spawn_once(process)) == -ECONNRESET && tries < SPAWN_TRIES; tries++) {
		/* Should there be a process now, then the end of its socket tells it to leave. */
		close(process->control_fd);
		process->control_fd = -1;
	}
	if (error)
		return error;
	struct proc_look look;
	if (process->commands && proc_look(process->pid, &look))
		process->born = look.started;
	return 0;
}

static void worker_put_off(struct worker *worker)
{
	int64_t pause = 0;
	if (worker->young_deaths > 1) {
		int doublings = worker->young_deaths - 2 < 20 ? worker->young_deaths - 2 : 20;
		pause = PAUSE_FIRST_NS << doublings;
		if (pause > PAUSE_LONGEST_NS)
			pause = PAUSE_LONGEST_NS;
	}
	worker->start_at_ns = clock_mono_ns() + pause;
	worker_enter(worker, WORKER_WAITING);
}

void worker_start(struct worker *worker)
{
	struct pools *pools = worker->pools;
	worker->starts++;
	worker->started_ns = clock_mono_ns();
	worker->tasks_done = 0;
	worker->rss_kib = 0;
	worker_forget_failures(worker);

	struct process *process = process_new(worker);
	int error = process ? process_spawn(process) : -errno;
	if (error) {
		char *problem = spawn_worker_problem(worker, error);
		log_error("worker %s/%d: cannot start %s: %s", worker->pool->name, worker->index, pools->worker_path, problem);
		snprintf(worker->last_end, sizeof(worker->last_end), "cannot start: %s", problem);
		free(problem);
		if (process)
			process_free(process);
		worker->deaths++;
		worker->young_deaths++;
		worker_put_off(worker);
		return;
	}
	process->control = watch_fd(pools->base, process->control_fd, false, control_ready, process);
	process->doorbell = watch_fd(pools->base, process->doorbell_fd, true, doorbell_rang, process);
	worker->process = process;
	worker->pid = process->pid;
	worker_enter(worker, WORKER_STARTING);
	if (messages_send_start(process) < 0)
		worker_kill(worker, errno == EPIPE ? NULL : "it did not take what it is told at its start");
}

/* --- end --- */

void worker_retire(struct worker *worker)
{
	struct process *process = worker->process;
	if (!process || worker->state == WORKER_RETIRING)
		return;
	worker_enter(worker, WORKER_RETIRING);
	for (int i = 0; i < process->n_seats; i++) {
		core_slot_retire(process->seats[i].slot);
		lane_stop(process->seats[i].lane);
	}
	worker_watch_leaving(worker);
}

/* What is left to do then is init, where it has not come to its end, and fini: a handler's code, which may hang. */
void worker_watch_leaving(struct worker *worker)
{
	struct process *process = worker->process;
	int64_t grace_ns = worker->pools->config->kill_grace;
	if (worker->state != WORKER_RETIRING || process->leave_by_ns != CLOCK_NEVER)
		return;
	for (int i = 0; i < process->n_seats; i++)
		if (core_slot_in_flight(process->seats[i].slot) > 0)
			return;
	process->leave_by_ns = clock_mono_ns() + (grace_ns > LEAVE_SHORTEST_NS ? grace_ns : LEAVE_SHORTEST_NS);
	pools_schedule(worker->pools);
}

void worker_kill(struct worker *worker, const char *reason)
{
	struct process *process = worker->process;
	if (!process || process->killed)
		return;
	process->killed = true;
	process->killed_for = reason;
	process_ignore(process); /* it may have left somebody behind who does not die with it */
	/* Where nobody is left who may, the end of its socket tells it to leave. */
	if (spawn_signal(process->pid, SIGKILL) < 0)
		shutdown(process->control_fd, SHUT_RDWR);
}

static void describe_end(struct worker *worker, int wait_status)
{
	if (WIFSIGNALED(wait_status))
		snprintf(worker->last_end, sizeof(worker->last_end), "killed by SIG%s%s",
			sigabbrev_np(WTERMSIG(wait_status)) ? sigabbrev_np(WTERMSIG(wait_status)) : "?",
			WCOREDUMP(wait_status) ? " (core dumped)" : "");
	else
		snprintf(worker->last_end, sizeof(worker->last_end), "exit status %d", WEXITSTATUS(wait_status));
}

/* What the dead process had in its hands, before the core takes it away. */
static void log_death(const struct worker *worker, const struct process *process)
{
	char tasks[160] = "";
	size_t used = 0;
	uint64_t first = 0;
	for (int i = 0; i < process->n_seats && used < sizeof(tasks) - 40; i++) {
		const struct task *task = core_slot_running(process->seats[i].slot);
		if (!task)
			continue;
		int n = snprintf(tasks + used, sizeof(tasks) - used, "%s%s (task %llu)", used ? ", " : " while running ",
			task->type->name, (unsigned long long)task->id);
		used += (size_t)n < sizeof(tasks) - used ? (size_t)n : sizeof(tasks) - used - 1;
		if (!first)
			first = task->id;
	}
	char id[24];
	snprintf(id, sizeof(id), "%llu", (unsigned long long)first);
	const struct log_field field = { "TASKD_TASK_ID", id };
	log_fields(LOG_LEVEL_WARNING, &field, first ? 1 : 0, "worker %s/%d (pid %d): %s%s%s%s", worker->pool->name,
		worker->index, process->pid, worker->last_end, tasks, process->killed_for ? ": " : "",
		process->killed_for ? process->killed_for : "");
}

/* What the slots said before the end counts; the rest of what they had taken has crashed. True: there was such. */
static bool seats_lost(struct process *process, const struct task_obituary *obituary)
{
	bool had_task = false;
	for (int i = 0; i < process->n_seats; i++) {
		if (core_slot_running(process->seats[i].slot))
			had_task = true;
		core_slot_lost(process->seats[i].slot, obituary);
	}
	return had_task;
}

static void hear_last_words(struct process *process)
{
	(void)messages_read(process);
	for (int i = 0; i < process->n_seats; i++)
		for (unsigned times = 0; times < LAST_WORDS && seat_hear(&process->seats[i], CLOCK_NEVER); times++)
			;
}

/* Whether it has died with a command in its hands. */
static bool has_left_a_command(const struct process *process)
{
	return process->commands && !process->mourned && !process->worker->pools->ending &&
		core_slot_running(process->seats[0].slot);
}

/* It gets nothing more, no time limit is its any longer, and nobody else's pid is taken for its own. */
static void mourn(struct worker *worker, int wait_status, const struct rusage *usage)
{
	struct process *process = worker->process;
	process->mourned = true;
	process->wait_status = wait_status;
	process->usage = *usage;
	process->leave_by_ns = CLOCK_NEVER;
	process->kill_by_ns = CLOCK_NEVER;
	worker->pid = 0;
	for (int i = 0; i < process->n_seats; i++)
		core_slot_retire(process->seats[i].slot);
	worker_enter(worker, WORKER_RETIRING);
	strays_begin(worker->pools, process->born);
}

void workers_mourned(struct pools *pools)
{
	const struct pool *pool;
	struct worker *worker, *next;
	TAILQ_FOREACH(pool, &pools->list, link)
		for (worker = TAILQ_FIRST(&pool->workers); worker; worker = next) {
			next = TAILQ_NEXT(worker, link);
			if (!worker->process || !worker->process->mourned)
				continue;
			worker_died(worker, worker->process->wait_status, &worker->process->usage);
			if (worker->index >= worker->pool->processes)
				worker_free(worker);
		}
}

static bool is_littered(const struct process *process)
{
	bool littered = process->littered;
	for (int i = 0; i < process->n_seats; i++)
		littered |= lane_is_littered(process->seats[i].lane);
	return littered;
}

void worker_died(struct worker *worker, int wait_status, const struct rusage *usage)
{
	struct process *process = worker->process;
	bool asked = worker->state == WORKER_RETIRING && !process->mourned && WIFEXITED(wait_status) &&
		WEXITSTATUS(wait_status) == 0;

	hear_last_words(process);
	process->killed = true; /* for those who are told of it, too */
	process_ignore(process);
	if (has_left_a_command(process)) {
		mourn(worker, wait_status, usage);
		return;
	}
	describe_end(worker, wait_status);
	if (!asked)
		log_death(worker, process);

	const struct task_obituary obituary = {
		.pid = process->pid,
		.wait_status = wait_status,
		.usage = *usage,
		.reason = process->killed_for,
	};
	nested_forget(process);
	if (worker->extra && worker->state == WORKER_STARTING)
		nested_failed(worker);
	bool had_task = seats_lost(process, &obituary);
	bool young = !asked && !had_task && worker->tasks_done == 0 &&
		(worker->state == WORKER_STARTING || clock_mono_ns() - worker->started_ns < YOUNG_NS);
	young |= is_littered(process);
	worker->young_deaths = young ? worker->young_deaths + 1 : 0;
	if (!asked)
		worker->deaths++;
	if (process->commands && !asked && !process->mourned)
		strays_begin(worker->pools, process->born);
	worker->process = NULL;
	worker->pid = 0;
	worker_put_off(worker);
	orders_over(process, !worker->pools->ending);
	process_free(process);
	if (worker->start_at_ns - clock_mono_ns() > NS_PER_MS && !worker->pools->stopping)
		log_warning("worker %s/%d keeps dying young: its next start is in %.1f s", worker->pool->name, worker->index,
			(double)(worker->start_at_ns - clock_mono_ns()) / 1e9);
}
