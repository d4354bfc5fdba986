/* What a command has said, as the master reads it while it is written: in order, bounded, never another task's; whatever
 * the worker claims. */
#include "lane/capture.h"
#include "lane/capture_memory.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIMIT ((size_t)1 << 20)

static struct capture *capture;
static struct capture_end *end;

/* One mapping for both, so that a thread sanitizer sees what they do to each other. */
static void setup(void)
{
	capture = capture_new(LIMIT);
	ck_assert_ptr_nonnull(capture);
	end = capture_end_attach(capture_memory_of(capture));
	ck_assert_ptr_nonnull(end);
}

/* As it is with a worker. */
static void setup_apart(void)
{
	capture = capture_new(LIMIT);
	ck_assert_ptr_nonnull(capture);
	end = capture_end_new(dup(capture_fd(capture)));
	ck_assert_ptr_nonnull(end);
}

static void teardown(void)
{
	capture_end_free(end);
	capture_free(capture);
}

static void expect(enum capture_stream stream, uint64_t offset, const char *text)
{
	char room[64];
	ck_assert_int_eq(capture_read(capture, 7, 1, stream, offset, room, sizeof room), (long)strlen(text));
	ck_assert_int_eq(memcmp(room, text, strlen(text)), 0);
}

START_TEST(what_is_put_can_be_read)
{
	struct capture_state state;
	capture_begin(end, 7, 1, LIMIT);
	capture_set_pid(end, 4321);
	capture_put(end, CAPTURE_STDOUT, "hello ", 6);
	capture_put(end, CAPTURE_STDERR, "oh", 2);
	capture_put(end, CAPTURE_STDOUT, "world", 5);
	expect(CAPTURE_STDOUT, 0, "hello world");
	expect(CAPTURE_STDOUT, 6, "world");
	expect(CAPTURE_STDERR, 1, "h");
	expect(CAPTURE_STDERR, 2, "");
	expect(CAPTURE_STDERR, UINT64_MAX, "");
	capture_set_suspended(end, true);
	ck_assert(capture_look(capture, 7, 1, &state));
	ck_assert_int_eq(state.pid, 4321);
	ck_assert(state.suspended);
	ck_assert_uint_eq(state.kept[CAPTURE_STDOUT], 11);
	ck_assert_uint_eq(state.total[CAPTURE_STDERR], 2);
}
END_TEST

START_TEST(page_of_a_few_bytes_is_what_was_asked_for)
{
	char room[4] = "....";
	capture_begin(end, 7, 1, LIMIT);
	capture_put(end, CAPTURE_STDOUT, "abcdef", 6);
	ck_assert_int_eq(capture_read(capture, 7, 1, CAPTURE_STDOUT, 1, room, 3), 3);
	ck_assert_int_eq(memcmp(room, "bcd.", 4), 0);
	ck_assert_int_eq(capture_read(capture, 7, 1, CAPTURE_STDOUT, 1, NULL, 0), 0);
}
END_TEST

START_TEST(room_is_read_right_into)
{
	void *room;
	size_t size, length;
	uint64_t total;
	capture_begin(end, 7, 1, 10);
	capture_room(end, CAPTURE_STDOUT, &room, &size);
	ck_assert_uint_eq(size, 10);
	memcpy(room, "1234567", 7);
	capture_add(end, CAPTURE_STDOUT, 7, 7);
	capture_room(end, CAPTURE_STDOUT, &room, &size);
	ck_assert_uint_eq(size, 3);
	memcpy(room, "890", 3);
	capture_add(end, CAPTURE_STDOUT, 1000, 3); /* three here, the rest was taken elsewhere */
	capture_room(end, CAPTURE_STDOUT, &room, &size);
	ck_assert_uint_eq(size, 0);
	expect(CAPTURE_STDOUT, 0, "1234567890");
	const char *data = capture_data(end, CAPTURE_STDOUT, &length, &total);
	ck_assert_uint_eq(length, 10);
	ck_assert_uint_eq(total, 1007);
	ck_assert_int_eq(memcmp(data, "1234567890", 10), 0);
}
END_TEST

START_TEST(what_is_over_the_limit_is_counted_and_not_kept)
{
	struct capture_state state;
	char *text = malloc(LIMIT);
	memset(text, 'x', LIMIT);
	capture_begin(end, 7, 1, SIZE_MAX);
	for (int i = 0; i < 3; i++)
		capture_put(end, CAPTURE_STDOUT, text, LIMIT - 1);
	capture_put(end, CAPTURE_STDERR, "mine", 4); /* lies right behind */
	ck_assert(capture_look(capture, 7, 1, &state));
	ck_assert_uint_eq(state.kept[CAPTURE_STDOUT], LIMIT);
	ck_assert_uint_eq(state.total[CAPTURE_STDOUT], 3 * (LIMIT - 1));
	expect(CAPTURE_STDERR, 0, "mine");
	expect(CAPTURE_STDOUT, LIMIT - 1, "x");
	expect(CAPTURE_STDOUT, LIMIT, "");
	free(text);
}
END_TEST

START_TEST(nothing_is_kept_where_nothing_is_wanted)
{
	struct capture_state state;
	capture_begin(end, 7, 1, 0);
	capture_put(end, CAPTURE_STDOUT, "text", 4);
	ck_assert(capture_look(capture, 7, 1, &state));
	ck_assert_uint_eq(state.kept[CAPTURE_STDOUT], 0);
	ck_assert_uint_eq(state.total[CAPTURE_STDOUT], 4);
}
END_TEST

START_TEST(it_is_about_one_attempt_of_one_task)
{
	struct capture_state state;
	char room[8];
	ck_assert(!capture_look(capture, 0, 0, &state));
	ck_assert(!capture_look(capture, 7, 1, &state));
	capture_begin(end, 7, 1, LIMIT);
	capture_put(end, CAPTURE_STDOUT, "old", 3);
	ck_assert(!capture_look(capture, 7, 2, &state));
	ck_assert(!capture_look(capture, 8, 1, &state));
	ck_assert_int_eq(capture_read(capture, 7, 2, CAPTURE_STDOUT, 0, room, 8), -1);
	capture_begin(end, 7, 2, LIMIT);
	ck_assert_int_eq(capture_read(capture, 7, 1, CAPTURE_STDOUT, 0, room, 8), -1);
	ck_assert_int_eq(capture_read(capture, 7, 2, CAPTURE_STDOUT, 0, room, 8), 0);
	ck_assert(capture_look(capture, 7, 2, &state));
	ck_assert_int_eq(state.pid, 0);
	ck_assert_uint_eq(state.total[CAPTURE_STDOUT], 0);
}
END_TEST

START_TEST(follower_follows_one_attempt)
{
	ck_assert(!capture_followed(end));
	capture_follow(capture, 7, 1, true); /* before the slot has begun */
	ck_assert(!capture_followed(end));
	capture_begin(end, 7, 1, LIMIT);
	ck_assert(capture_followed(end));
	capture_begin(end, 7, 2, LIMIT);
	ck_assert(!capture_followed(end));
	capture_follow(capture, 7, 2, true);
	ck_assert(capture_followed(end));
	capture_follow(capture, 7, 2, false);
	ck_assert(!capture_followed(end));
	capture_begin(end, 8, 2, LIMIT);
	ck_assert(!capture_followed(end));
}
END_TEST

/* --- memory --- */

static long blocks(void)
{
	struct stat about;
	ck_assert_int_eq(fstat(capture_fd(capture), &about), 0);
	return about.st_blocks * 512;
}

START_TEST(memory_is_taken_by_what_was_said_and_given_back)
{
	struct capture_state state;
	char *text = calloc(1, LIMIT);
	ck_assert_int_le(blocks(), 4096);
	capture_begin(end, 7, 1, LIMIT);
	capture_put(end, CAPTURE_STDOUT, text, LIMIT);
	capture_put(end, CAPTURE_STDERR, text, LIMIT - 5000);
	ck_assert_int_ge(blocks(), (long)(2 * LIMIT - 5000));
	capture_begin(end, 8, 1, LIMIT);
	/* A little stays, so that small outputs do not come and go. */
	ck_assert_int_le(blocks(), 3 * 64 * 1024);
	capture_put(end, CAPTURE_STDERR, text, 10);
	ck_assert(capture_look(capture, 8, 1, &state));
	ck_assert_uint_eq(state.kept[CAPTURE_STDERR], 10);
	free(text);
}
END_TEST

START_TEST(size_is_sealed)
{
	int fd = capture_fd(capture);
	ck_assert_int_lt(ftruncate(fd, 4096), 0);
	ck_assert_int_lt(ftruncate(fd, (off_t)1 << 30), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ck_assert_int_ge(fcntl(fd, F_GET_SEALS) & F_SEAL_SEAL, F_SEAL_SEAL);
	capture_handed_over(capture);
	ck_assert_int_eq(capture_fd(capture), -1);
	ck_assert_int_lt(fcntl(fd, F_GETFD), 0);
	capture_begin(end, 7, 1, LIMIT); /* and it is still there */
	capture_put(end, CAPTURE_STDOUT, "x", 1);
	expect(CAPTURE_STDOUT, 0, "x");
}
END_TEST

START_TEST(limit_is_of_whole_pages)
{
	static const size_t wanted[] = { 0, 1, 4095, 4097, 100000 };
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		struct capture *one = capture_new(wanted[i]);
		ck_assert_ptr_nonnull(one);
		struct capture_end *other = capture_end_new(dup(capture_fd(one)));
		ck_assert_uint_ge(capture_end_limit(other), wanted[i]);
		ck_assert_uint_gt(capture_end_limit(other), 0);
		ck_assert_uint_lt(capture_end_limit(other), wanted[i] + 2 * page);
		ck_assert_uint_eq(capture_end_limit(other) % page, 0);
		capture_end_free(other);
		capture_free(one);
	}
	ck_assert_ptr_null(capture_new(SIZE_MAX));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(what_is_no_capture_is_refused)
{
	int fd = memfd_create("test", MFD_CLOEXEC), pair[2];
	ck_assert_int_eq(pipe(pair), 0);
	ck_assert_int_eq(ftruncate(fd, sysconf(_SC_PAGESIZE) * 2), 0);
	ck_assert_ptr_null(capture_end_new(fd)); /* and closes it */
	ck_assert_int_lt(fcntl(fd, F_GETFD), 0);
	ck_assert_ptr_null(capture_end_new(pair[0]));
	ck_assert_int_lt(fcntl(pair[0], F_GETFD), 0);
	ck_assert_ptr_null(capture_end_new(-1));
	close(pair[1]);
}
END_TEST

/* --- both at once --- */

static char byte_at(uint64_t task_id, uint64_t offset)
{
	return (char)(task_id * 31 + offset % 251);
}

static void *say_all(void *arg)
{
	char text[3000];
	unsigned seed = 4;
	uint64_t said = 0;
	(void)arg;
	while (said < LIMIT + LIMIT / 2) {
		size_t length = (size_t)rand_r(&seed) % sizeof text;
		for (size_t i = 0; i < length; i++)
			text[i] = byte_at(7, said + i);
		capture_put(end, CAPTURE_STDERR, text, length);
		said += length;
	}
	return NULL;
}

START_TEST(growth_is_seen_in_order)
{
	char room[5000];
	pthread_t worker;
	uint64_t seen = 0, last = 0;
	struct capture_state state = { 0 };
	capture_begin(end, 7, 1, LIMIT);
	pthread_create(&worker, NULL, say_all, NULL);
	while (seen < LIMIT) {
		long n = capture_read(capture, 7, 1, CAPTURE_STDERR, seen, room, sizeof room);
		ck_assert_int_ge(n, 0);
		for (long i = 0; i < n; i++)
			if (room[i] != byte_at(7, seen + (uint64_t)i))
				ck_abort_msg("byte %llu is wrong", (unsigned long long)seen + (unsigned long long)i);
		seen += (uint64_t)n;
		ck_assert(capture_look(capture, 7, 1, &state));
		ck_assert_uint_ge(state.total[CAPTURE_STDERR], seen);
		ck_assert_uint_ge(state.total[CAPTURE_STDERR], last);
		ck_assert_uint_ge(state.kept[CAPTURE_STDERR], seen);
		last = state.total[CAPTURE_STDERR];
		if (n == 0)
			sched_yield();
	}
	pthread_join(worker, NULL);
	ck_assert_uint_eq(seen, LIMIT);
}
END_TEST

#define TASKS 4000u
static _Atomic bool over;

/* One task after the other, each with other bytes. */
static void *run_all(void *arg)
{
	static char text[100000];
	(void)arg;
	for (uint64_t id = 1; id <= TASKS; id++) {
		capture_begin(end, id, 1, LIMIT);
		memset(text, byte_at(id, 0), sizeof text);
		capture_put(end, CAPTURE_STDOUT, text, sizeof text);
		if (id % 8 == 0)
			sched_yield();
	}
	atomic_store(&over, true);
	return NULL;
}

/* The bytes of another task would be wrong ones; a hole that was just punched reads as zeros. */
START_TEST(task_that_begins_while_another_is_read_is_not_mistaken_for_it)
{
	static char room[100000];
	const struct capture_head *head = capture_memory_of(capture)->head;
	pthread_t worker;
	unsigned reads = 0, refused = 0;
	pthread_create(&worker, NULL, run_all, NULL);
	while (!atomic_load(&over)) {
		uint64_t id = atomic_load(&head->task_id);
		long n = capture_read(capture, id, 1, CAPTURE_STDOUT, 0, room, sizeof room);
		reads += n > 0;
		refused += n < 0;
		for (long i = 0; i < n; i++)
			if (room[i] != byte_at(id, 0))
				ck_abort_msg("task %llu: byte %ld is another's", (unsigned long long)id, i);
	}
	pthread_join(worker, NULL);
	ck_assert_uint_gt(reads, 0);
	ck_assert_uint_gt(refused, 0);
}
END_TEST

/* The same at the one moment that a race would have to find: in between the bytes that are copied. The room that is copied
 * to cannot be written, and whoever is told so begins with the next task. */
static uint8_t *guarded;
static uint64_t next_id;

static void on_fault(int number)
{
	(void)number;
	mprotect(guarded, 1 << 16, PROT_READ | PROT_WRITE);
	capture_begin(end, next_id, 1, LIMIT);
	capture_put(end, CAPTURE_STDOUT, "others'", 7);
}

START_TEST(task_that_begins_in_the_midst_of_a_copy_spoils_it)
{
	const struct sigaction action = { .sa_handler = on_fault };
	ck_assert_int_eq(sigaction(SIGSEGV, &action, NULL), 0);
	next_id = _i ? 7 : 8; /* a task of several commands begins again and again */
	guarded = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	capture_begin(end, 7, 1, LIMIT);
	for (int i = 0; i < 1000; i++)
		capture_put(end, CAPTURE_STDOUT, "text", 4);
	ck_assert_int_eq(mprotect(guarded, 1 << 16, PROT_NONE), 0);
	ck_assert_int_eq(capture_read(capture, 7, 1, CAPTURE_STDOUT, 0, guarded, 4000), -1);
	ck_assert_int_eq(capture_read(capture, next_id, 1, CAPTURE_STDOUT, 0, guarded, 4000), 7);
}
END_TEST

/* --- lies --- */

static const uint64_t lies[] = { LIMIT - 1, LIMIT, LIMIT + 1, UINT32_MAX, (uint64_t)INT64_MAX, UINT64_MAX };
START_TEST(lengths_are_not_believed)
{
	struct capture_head *head = capture_memory_of(capture)->head;
	struct capture_state state;
	char *room = malloc(2 * LIMIT);
	capture_begin(end, 7, 1, LIMIT);
	for (int stream = 0; stream < CAPTURE_N_STREAMS; stream++)
		for (int total = 0; total < 2; total++) {
			atomic_store(&head->flows[stream].kept, lies[_i]);
			atomic_store(&head->flows[stream].total, total ? lies[_i] : 0);
			ck_assert(capture_look(capture, 7, 1, &state));
			ck_assert_uint_le(state.kept[stream], LIMIT);
			ck_assert_uint_ge(state.total[stream], state.kept[stream]);
			ck_assert_uint_le(state.total[stream], INT64_MAX);
			long n = capture_read(capture, 7, 1, (enum capture_stream)stream, 0, room, 2 * LIMIT);
			ck_assert_int_eq(n, (long)(lies[_i] < LIMIT ? lies[_i] : LIMIT));
			ck_assert_int_le(capture_read(capture, 7, 1, (enum capture_stream)stream, LIMIT - 1, room, 100), 1);
			ck_assert_int_eq(capture_read(capture, 7, 1, (enum capture_stream)stream, LIMIT, room, 100), 0);
			ck_assert_int_eq(capture_read(capture, 7, 1, (enum capture_stream)stream, UINT64_MAX, room, 100), 0);
		}
	free(room);
}
END_TEST

START_TEST(generation_that_stands_still_is_no_task)
{
	struct capture_head *head = capture_memory_of(capture)->head;
	struct capture_state state;
	capture_begin(end, 7, 1, LIMIT);
	atomic_fetch_add(&head->generation, 1);
	ck_assert(!capture_look(capture, 7, 1, &state));
	char room;
	ck_assert_int_eq(capture_read(capture, 7, 1, CAPTURE_STDOUT, 0, &room, 1), -1);
}
END_TEST

START_TEST(pid_below_zero_is_none)
{
	struct capture_state state;
	capture_begin(end, 7, 1, LIMIT);
	capture_set_pid(end, -1);
	ck_assert(capture_look(capture, 7, 1, &state));
	ck_assert_int_eq(state.pid, 0);
}
END_TEST

/* A worker that scribbles, and punches holes, at any time. */
static void *scribble(void *arg)
{
	const struct capture_memory *memory = arg;
	unsigned seed = 8;
	for (int i = 0; i < 200000; i++) {
		size_t at = (size_t)rand_r(&seed) % sizeof(struct capture_head) & ~(size_t)7;
		_Atomic uint64_t *word = (_Atomic uint64_t *)(memory->base + at);
		atomic_store(word, i % 3 ? (uint64_t)rand_r(&seed) % 16 : (uint64_t)rand_r(&seed) << 33);
		if (i % 1000 == 0)
			madvise(memory->base + sysconf(_SC_PAGESIZE), LIMIT, MADV_REMOVE);
	}
	atomic_store(&over, true);
	return NULL;
}

START_TEST(scribbling_hurts_nobody)
{
	uint8_t *view = mmap(NULL, 2 * LIMIT, PROT_READ | PROT_WRITE, MAP_SHARED, capture_fd(capture), 0);
	ck_assert(view != MAP_FAILED);
	struct capture_memory memory = { .base = view };
	pthread_t worker;
	char *room = malloc(LIMIT);
	struct capture_state state;
	pthread_create(&worker, NULL, scribble, &memory);
	while (!atomic_load(&over))
		for (uint64_t id = 0; id < 16; id++) {
			if (capture_look(capture, id, (uint32_t)id, &state))
				ck_assert_uint_le(state.kept[0], LIMIT);
			ck_assert_int_le(capture_read(capture, id, (uint32_t)id, (enum capture_stream)(id % 2), 0, room, LIMIT),
				(long)LIMIT);
			capture_follow(capture, id, 1, id % 2);
		}
	pthread_join(worker, NULL);
	munmap(view, 2 * LIMIT);
	free(room);
}
END_TEST

static TCase *tcase_of(Suite *suite, const char *name, void (*before)(void))
{
	TCase *tcase = tcase_create(name);
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, before, teardown);
	suite_add_tcase(suite, tcase);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("capture");
	TCase *tcase = tcase_of(suite, "put and read", setup_apart);
	tcase_add_test(tcase, what_is_put_can_be_read);
	tcase_add_test(tcase, page_of_a_few_bytes_is_what_was_asked_for);
	tcase_add_test(tcase, room_is_read_right_into);
	tcase_add_test(tcase, what_is_over_the_limit_is_counted_and_not_kept);
	tcase_add_test(tcase, nothing_is_kept_where_nothing_is_wanted);
	tcase_add_test(tcase, it_is_about_one_attempt_of_one_task);
	tcase_add_test(tcase, follower_follows_one_attempt);
	tcase_add_test(tcase, memory_is_taken_by_what_was_said_and_given_back);
	tcase_add_test(tcase, size_is_sealed);
	tcase_add_test(tcase, limit_is_of_whole_pages);
	tcase_add_test(tcase, what_is_no_capture_is_refused);

	tcase = tcase_of(suite, "both at once", setup);
	tcase_add_test(tcase, growth_is_seen_in_order);
	tcase = tcase_of(suite, "one task after the other", setup_apart);
	tcase_add_test(tcase, task_that_begins_while_another_is_read_is_not_mistaken_for_it);
	tcase_add_loop_test(tcase, task_that_begins_in_the_midst_of_a_copy_spoils_it, 0, 2);

	tcase = tcase_of(suite, "lies", setup_apart);
	tcase_add_loop_test(tcase, lengths_are_not_believed, 0, (int)(sizeof lies / sizeof *lies));
	tcase_add_test(tcase, generation_that_stands_still_is_no_task);
	tcase_add_test(tcase, pid_below_zero_is_none);
	tcase_add_test(tcase, scribbling_hurts_nobody);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
