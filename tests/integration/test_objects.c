/* Named objects with the real daemon, and with programs that are killed while they hold them. */
#include <check.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/taskd.h"
#include "harness.h"

static struct daemon daemon_;
static struct taskd *c;

static void start(void)
{
	daemon_start(&daemon_, "");
	c = daemon_connect(&daemon_);
}

static void stop(void)
{
	taskd_close(c);
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}

/* --- programs that are killed --- */

#define PROGRAMS 8
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KILLS 1000
#else
#define KILLS 10000
#endif

/* What the programs that share a lock tell each other, without taskd. */
struct guarded {
	_Atomic uint64_t inside; /* the fence of who has the lock; 0: whoever had it has left in order */
	_Atomic uint64_t last_fence;
	_Atomic pid_t doomed; /* who has it, and keeps it until it is killed */
	atomic_long grants;
	atomic_long held_twice, fences_back, deaths_untold, refused;
};

/* Somebody else who came in while we are inside has left its own fence here. */
static bool alone(struct guarded *guarded, uint64_t fence)
{
	if (atomic_load(&guarded->inside) == fence)
		return true;
	atomic_fetch_add(&guarded->held_twice, 1);
	return false;
}

static void enter(struct guarded *guarded, const struct taskd_grant *grant)
{
	if (grant->fence <= atomic_exchange(&guarded->last_fence, grant->fence))
		atomic_fetch_add(&guarded->fences_back, 1);
	if (atomic_exchange(&guarded->inside, grant->fence) != 0 && !grant->holder_died)
		atomic_fetch_add(&guarded->deaths_untold, 1);
	atomic_fetch_add(&guarded->grants, 1);
}

static void __attribute__((noreturn)) program(struct guarded *guarded, unsigned seed)
{
	struct taskd_grant grant;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	struct taskd *own = taskd_connect(daemon_.socket, NULL);
	while (taskd_lock_acquire(own, "guard", NULL, TASKD_FOREVER, &grant) == TASKD_OK) {
		enter(guarded, &grant);
		if (rand_r(&seed) % 4 != 0) {
			atomic_store(&guarded->doomed, getpid());
			while (alone(guarded, grant.fence))
				sched_yield();
		}
		for (int i = rand_r(&seed) % 1000; i > 0 && alone(guarded, grant.fence); i--)
			;
		atomic_store(&guarded->inside, 0);
		if (taskd_lock_release(own, "guard", NULL) != TASKD_OK)
			break;
	}
	atomic_fetch_add(&guarded->refused, 1);
	_exit(1);
}

static pid_t start_program(struct guarded *guarded, unsigned seed)
{
	pid_t pid = fork();
	if (pid == 0)
		program(guarded, seed);
	return pid;
}

static bool somebody_is_doomed(void *user)
{
	const struct guarded *guarded = user;
	return atomic_load(&guarded->doomed) != 0;
}

/* The place of PID among them. */
static size_t index_of(const pid_t *pids, pid_t pid)
{
	size_t i = 0;
	while (i < PROGRAMS && pids[i] != pid)
		i++;
	return i;
}

/* False: nobody came to hold it. */
static bool kill_the_holder(struct guarded *guarded, pid_t *pids, unsigned seed)
{
	for (int i = 0; i < 1000 && !somebody_is_doomed(guarded); i++)
		sched_yield();
	if (!wait_until(somebody_is_doomed, guarded))
		return false;
	pid_t pid = atomic_exchange(&guarded->doomed, 0);
	size_t place = index_of(pids, pid);
	kill(pid, SIGKILL);
	if (place == PROGRAMS || waitpid(pid, NULL, 0) != pid)
		return false;
	pids[place] = start_program(guarded, seed);
	return pids[place] > 0;
}

START_TEST(programs_that_are_killed_while_they_hold_lose_no_lock)
{
	pid_t pids[PROGRAMS];
	struct taskd_grant grant;
	int killed = 0;
	start();
	struct guarded *guarded = mmap(NULL, sizeof(*guarded), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(guarded, MAP_FAILED);
	for (unsigned i = 0; i < PROGRAMS; i++)
		pids[i] = start_program(guarded, i);
	while (killed < KILLS && kill_the_holder(guarded, pids, (unsigned)(PROGRAMS + killed)))
		killed++;
	for (int i = 0; i < PROGRAMS; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	printf("%d programs were killed while they held a lock that had %ld holders: held twice %ld times\n", killed,
		atomic_load(&guarded->grants), atomic_load(&guarded->held_twice));
	ck_assert_int_eq(killed, KILLS);
	ck_assert_int_eq(atomic_load(&guarded->held_twice), 0);
	ck_assert_int_eq(atomic_load(&guarded->fences_back), 0);
	ck_assert_int_eq(atomic_load(&guarded->deaths_untold), 0);
	ck_assert_int_eq(atomic_load(&guarded->refused), 0);
	ck_assert_int_eq(taskd_lock_acquire(c, "guard", NULL, PATIENCE_NS, &grant), TASKD_OK);
	ck_assert_uint_gt(grant.fence, atomic_load(&guarded->last_fence));
	ck_assert_int_eq(taskd_lock_release(c, "guard", NULL), TASKD_OK);
	char *left = request(c, "lock.list", NULL);
	ck_assert_str_eq(left, "[]");
	free(left);
	munmap(guarded, sizeof(*guarded));
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("objects");
	TCase *tcase = tcase_create("objects");
	tcase_set_timeout(tcase, 300);
	tcase_add_test(tcase, programs_that_are_killed_while_they_hold_lose_no_lock);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
