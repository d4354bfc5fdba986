/* The log is copied back by a connection of its own, beside the writer's commits: they wait neither for the reading nor
 * for the sync of the file, but for the last few pages, since the log can only begin anew when all of it was copied. */
#include "store/keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "lane/channel.h"
#include "store/writer.h"

#define LOG_LARGE 4096 /* pages: it is copied at once */
#define LOG_TAIL 128   /* so many may be left for the moment in which the writer waits */
#define COPY_ROUNDS 4
#define QUIET_NS NS_PER_S /* without a commit: what is in the log is copied, and what is old may leave */
#define PRUNE_PAUSE_NS NS_PER_S
#define PRUNE_ROWS 500u

/* What the thread goes by. */
struct round {
	uint64_t commits; /* how many there were when it looked last */
	int64_t quiet_ns; /* when it is quiet, if no more come; CLOCK_NEVER: it is */
	int64_t prune_ns; /* when old ones may leave again */
};

static void wake(const struct keeper *keeper)
{
	uint64_t one = 1;

	(void)!write(keeper->wake_fd, &one, sizeof(one));
}

void keeper_tell(struct keeper *keeper)
{
	bool much = writer_log_pages(keeper->writer) >= LOG_LARGE;

	pthread_mutex_lock(&keeper->mutex);
	bool wakes = !keeper->seen.works || (much && !keeper->seen.much);
	keeper->seen.commits++;
	keeper->seen.works = true;
	keeper->seen.much |= much;
	pthread_mutex_unlock(&keeper->mutex);
	if (wakes)
		wake(keeper);
}

bool keeper_is_orphan(struct keeper *keeper)
{
	pthread_mutex_lock(&keeper->mutex);
	bool orphan = keeper->seen.orphan;
	pthread_mutex_unlock(&keeper->mutex);
	return orphan;
}

static void put(struct keeper *keeper, bool *seen, bool value)
{
	pthread_mutex_lock(&keeper->mutex);
	*seen = value;
	pthread_mutex_unlock(&keeper->mutex);
}

/* --- the log --- */

/* How many pages are left to be copied; -1: it could not be done now, or never. */
static int copy(struct keeper *keeper)
{
	int there, copied;
	int rc = sqlite3_wal_checkpoint_v2(keeper->db.handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &there, &copied);
	enum db_code code = db_error(&keeper->db, rc);

	if (code == DB_IO || code == DB_CORRUPT) {
		snprintf(keeper->trouble, sizeof(keeper->trouble), "%s", db_message(&keeper->db));
		keeper->fail(keeper->trouble);
	}
	/* Full: it stays in the log, and another time there is room. */
	return code == DB_OK ? there - copied : -1;
}

static void copy_log(struct keeper *keeper)
{
	int left = copy(keeper);

	for (int i = 1; i < COPY_ROUNDS && left > LOG_TAIL; i++)
		left = copy(keeper);
	if (left <= 0 || left > LOG_LARGE)
		return; /* or somebody reads what was before */
	pthread_mutex_lock(&keeper->writer->lock);
	copy(keeper);
	pthread_mutex_unlock(&keeper->writer->lock);
}

/* --- the thread --- */

/* False: something else is to be done first. */
static bool prune(struct keeper *keeper, struct round *round)
{
	bool left;
	enum writer_result result = writer_prune(keeper->writer, PRUNE_ROWS, &left);

	if (result == WRITER_DISK)
		keeper->fail(keeper->writer->trouble);
	if (left && result == WRITER_DONE)
		return false;
	round->prune_ns = clock_mono_ns() + PRUNE_PAUSE_NS;
	return true;
}

/* How long nothing needs to be done, in ms; -1: for ever. */
static int patience(struct keeper *keeper, const struct round *round)
{
	int64_t now_ns = clock_mono_ns(), wait_ns = CLOCK_NEVER;
	int64_t old_ns = writer_next_old_ns(keeper->writer);

	if (round->quiet_ns != CLOCK_NEVER)
		wait_ns = round->quiet_ns - now_ns;
	else if (old_ns != INT64_MAX) {
		int64_t until_old_ns = old_ns - clock_wall_ns(), pause_ns = round->prune_ns - now_ns;
		wait_ns = until_old_ns > pause_ns ? until_old_ns : pause_ns;
	}
	if (wait_ns == CLOCK_NEVER)
		return -1;
	if (wait_ns <= 0)
		return 0;
	wait_ns = (wait_ns + NS_PER_MS - 1) / NS_PER_MS;
	return wait_ns < 3600000 ? (int)wait_ns : 3600000; /* the wall clock may be set meanwhile */
}

static void sleep_well(struct keeper *keeper, const struct round *round)
{
	struct pollfd polled[2] = {
		{ .fd = keeper->wake_fd, .events = POLLIN },
		{ .fd = keeper->control_fd, .events = POLLIN },
	};
	uint64_t rings;

	if (poll(polled, 2, patience(keeper, round)) <= 0)
		return;
	if (polled[0].revents)
		(void)!read(keeper->wake_fd, &rings, sizeof(rings));
	if (polled[1].revents) {
		keeper->control_fd = -1;
		put(keeper, &keeper->seen.orphan, true);
		channel_end_leave(keeper->end);
	}
}

/* Somebody has something else to do for it, or for the writer. */
static bool is_called(struct keeper *keeper, const struct round *round)
{
	pthread_mutex_lock(&keeper->mutex);
	bool called = keeper->seen.leaves || keeper->seen.commits != round->commits;
	pthread_mutex_unlock(&keeper->mutex);
	return called;
}

/* What there is to do now; it is quiet after a while without commits. False: to leave. */
static bool look(struct keeper *keeper, struct round *round)
{
	int64_t now_ns = clock_mono_ns();

	pthread_mutex_lock(&keeper->mutex);
	bool much = keeper->seen.much, leaves = keeper->seen.leaves;
	bool busy = keeper->seen.commits != round->commits;
	round->commits = keeper->seen.commits;
	bool quiet = !busy && round->quiet_ns != CLOCK_NEVER && now_ns >= round->quiet_ns;
	/* Before it copies, so that a commit from now on wakes the thread again. */
	keeper->seen.works &= !quiet;
	pthread_mutex_unlock(&keeper->mutex);
	if (busy)
		round->quiet_ns = now_ns + QUIET_NS;
	if (quiet)
		round->quiet_ns = CLOCK_NEVER;
	if (much || quiet)
		copy_log(keeper);
	if (much)
		put(keeper, &keeper->seen.much, false);
	if (round->quiet_ns == CLOCK_NEVER && now_ns >= round->prune_ns)
		while (!is_called(keeper, round) && !prune(keeper, round))
			continue;
	return !leaves;
}

static void *keep(void *argument)
{
	struct keeper *keeper = argument;
	struct round round = { .quiet_ns = CLOCK_NEVER };

	while (look(keeper, &round))
		sleep_well(keeper, &round);
	return NULL;
}

/* Signals are for the first thread. */
static int start_thread(struct keeper *keeper)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&keeper->thread, NULL, keep, keeper);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

int keeper_start(
	struct keeper *keeper, struct writer *writer, struct channel_end *end, const struct store_text *directory)
{
	keeper->writer = writer;
	keeper->end = end;
	pthread_mutex_init(&keeper->mutex, NULL);
	keeper->wake_fd = eventfd(0, EFD_CLOEXEC);
	int error = keeper->wake_fd < 0 ? errno : 0;
	if (!error && open_another(&keeper->db, directory, true) != DB_OK) {
		snprintf(keeper->trouble, sizeof(keeper->trouble), "cannot open the file again");
		close(keeper->wake_fd);
		return -1;
	}
	if (!error)
		error = start_thread(keeper);
	if (!error)
		return 0;
	snprintf(keeper->trouble, sizeof(keeper->trouble), "cannot start a thread: %s", strerror(error));
	db_close(&keeper->db);
	if (keeper->wake_fd >= 0)
		close(keeper->wake_fd);
	return -1;
}

void keeper_stop(struct keeper *keeper)
{
	put(keeper, &keeper->seen.leaves, true);
	wake(keeper);
	pthread_join(keeper->thread, NULL);
	db_close(&keeper->db);
	close(keeper->wake_fd);
}
