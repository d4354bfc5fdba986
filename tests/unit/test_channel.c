/* A channel's two ends: what goes in comes out, who sleeps is woken, who leaves is let go, and what a dead or lying side leaves
 * behind costs the channel and no more. */
#include "base/clock.h"
#include "lane/channel.h"
#include "lane/channel_memory.h"
#include "lane/ring.h"

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define RING (64u * 1024)
#define BOUND_MS 20000 /* of what must come: only a test that fails waits for so long */

static struct channel *channel;
static struct channel_end *end;

/* One mapping for both ends, so that a thread sanitizer sees what they do to each other. */
static void setup(void)
{
	channel = channel_new(RING, RING);
	ck_assert_ptr_nonnull(channel);
	end = channel_end_attach(channel_memory_of(channel), dup(channel_doorbell_fd(channel)));
	ck_assert_ptr_nonnull(end);
}

static void teardown(void)
{
	channel_end_free(end);
	channel_free(channel);
}

static bool rung(const struct channel *of)
{
	struct pollfd wait = { .fd = channel_doorbell_fd(of), .events = POLLIN };
	return poll(&wait, 1, 0) == 1;
}

/* Sleeps as the master does. False: nothing came within the bound. */
static bool master_waits(struct channel *of)
{
	struct pollfd wait = { .fd = channel_doorbell_fd(of), .events = POLLIN };
	if (!channel_sleep(of))
		return true;
	bool came = poll(&wait, 1, BOUND_MS) == 1;
	channel_wake(of);
	return came;
}

/* The byte at POSITION of a stream that both sides know. */
static unsigned char letter(uint64_t position)
{
	return (unsigned char)((position * 7 + (position >> 8) * 13 + (position >> 16)) & 0xff);
}

static void fill(unsigned char *data, size_t length, uint64_t position)
{
	for (size_t i = 0; i < length; i++)
		data[i] = letter(position + i);
}

static bool is_filled(const unsigned char *data, size_t length, uint64_t position)
{
	size_t wrong = 0;
	for (size_t i = 0; i < length; i++)
		wrong += data[i] != letter(position + i);
	return wrong == 0;
}

/* Lengths from 1 to LIMIT, most of them short. */
static size_t some_length(unsigned *seed, size_t limit)
{
	size_t most = rand_r(seed) % 16 ? 400 : limit;
	return 1 + (size_t)rand_r(seed) % most;
}

/* --- both directions --- */

START_TEST(bytes_arrive_through_a_mapping_of_its_own)
{
	char heard[16] = "";
	struct channel_end *other = channel_end_new(dup(channel_memory_fd(channel)), dup(channel_doorbell_fd(channel)));
	ck_assert_ptr_nonnull(other);
	ck_assert_int_eq(channel_write(channel, "there", 5), 5);
	ck_assert_int_eq(channel_end_read(other, heard, 3, true), 3);
	ck_assert_int_eq(channel_end_read(other, heard + 3, sizeof heard - 3, true), 2);
	ck_assert_str_eq(heard, "there");
	ck_assert_int_eq(channel_end_read(other, heard, sizeof heard, false), 0);
	ck_assert_int_eq(channel_end_write(other, "and back", 9), LANE_OK);
	ck_assert_int_eq(channel_read(channel, heard, sizeof heard), 9);
	ck_assert_str_eq(heard, "and back");
	ck_assert_int_eq(channel_read(channel, heard, sizeof heard), 0);
	channel_end_free(other);
}
END_TEST

START_TEST(what_is_no_channel_is_not_opened)
{
	int pipe_fds[2], memory = memfd_create("short", MFD_CLOEXEC);
	ck_assert_int_eq(pipe(pipe_fds), 0);
	ck_assert_int_eq(ftruncate(memory, 100), 0);
	ck_assert_ptr_null(channel_end_new(pipe_fds[0], dup(channel_doorbell_fd(channel))));
	ck_assert_ptr_null(channel_end_new(memory, pipe_fds[1]));
	/* They were taken over. */
	ck_assert_int_eq(close(pipe_fds[0]), -1);
	ck_assert_int_eq(close(pipe_fds[1]), -1);
	ck_assert_int_eq(close(memory), -1);
	ck_assert_ptr_null(channel_new(4096, RING));
	ck_assert_ptr_null(channel_new(RING, RING + 8));
}
END_TEST

/* One thread in lockstep: every remainder at the ring's end comes up. */
START_TEST(stream_survives_the_rings_end)
{
	static unsigned char data[RING], heard[RING];
	uint64_t written = 0, read = 0;
	unsigned seed = 1;
	size_t wrong = 0;
	while (read < 64u * RING) {
		size_t length = some_length(&seed, RING);
		fill(data, length, written);
		int64_t n = channel_write(channel, data, length);
		wrong += n < 0 || (size_t)n > length;
		written += (uint64_t)n;
		n = channel_end_read(end, heard, some_length(&seed, RING), false);
		wrong += n < 0 || !is_filled(heard, (size_t)n, read);
		read += (uint64_t)n;
	}
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_gt(written, UINT64_C(63) * RING);
}
END_TEST

START_TEST(no_more_is_taken_than_there_is_room_for)
{
	static unsigned char data[3 * RING], heard[3 * RING];
	fill(data, sizeof data, 0);
	int64_t first = channel_write(channel, data, sizeof data);
	ck_assert_int_gt(first, RING - 256);
	ck_assert_int_le(first, RING);
	ck_assert_int_eq(channel_write(channel, data + first, sizeof data - (size_t)first), 0);
	ck_assert_int_eq(channel_end_read(end, heard, sizeof heard, false), first);
	int64_t second = channel_write(channel, data + first, sizeof data - (size_t)first);
	ck_assert_int_gt(second, RING - 256);
	ck_assert_int_eq(channel_end_read(end, heard + first, sizeof heard, false), second);
	ck_assert(is_filled(heard, (size_t)(first + second), 0));
}
END_TEST

/* --- threads --- */
#define TRAFFIC (UINT64_C(6) << 20)

static void *child_echoes(void *unused)
{
	static unsigned char data[50000];
	uint64_t echoed = 0;
	unsigned seed = 3;
	(void)unused;
	while (echoed < TRAFFIC) {
		int64_t n = channel_end_read(end, data, some_length(&seed, sizeof data), true);
		if (n <= 0 || channel_end_write(end, data, (size_t)n) != LANE_OK)
			break;
		echoed += (uint64_t)n;
	}
	return NULL;
}

/* Both sides sleep again and again, the master for data and for room. */
START_TEST(everything_comes_back_through_a_thread_that_echoes)
{
	static unsigned char data[100000], heard[100000];
	uint64_t written = 0, read = 0;
	unsigned seed = 2;
	bool woken = true, right = true;
	pthread_t child;
	ck_assert_int_eq(pthread_create(&child, NULL, child_echoes, NULL), 0);
	while (read < TRAFFIC && woken && right) {
		int64_t out = 0, in;
		if (written < TRAFFIC) {
			size_t length = some_length(&seed, sizeof data);
			length = length < TRAFFIC - written ? length : (size_t)(TRAFFIC - written);
			fill(data, length, written);
			out = channel_write(channel, data, length);
			right &= out >= 0;
			written += (uint64_t)out;
		}
		channel_kick(channel);
		in = channel_read(channel, heard, some_length(&seed, sizeof heard));
		right &= in >= 0 && is_filled(heard, (size_t)in, read);
		read += (uint64_t)in;
		if (in == 0 && out == 0)
			woken = master_waits(channel);
	}
	ck_assert(right);
	ck_assert(woken);
	pthread_join(child, NULL);
	ck_assert_uint_eq(read, TRAFFIC);
}
END_TEST

/* A message: its length, who wrote it, and that letter so many times. */
#define WRITERS 4
#define MESSAGES 1500
struct message {
	uint32_t length;
	unsigned char who;
	unsigned char text[9000];
};

static void *child_writes(void *who)
{
	struct message message = { .who = (unsigned char)(uintptr_t)who };
	unsigned seed = message.who;
	memset(message.text, message.who, sizeof message.text);
	for (int i = 0; i < MESSAGES; i++) {
		message.length = (uint32_t)some_length(&seed, sizeof message.text);
		if (channel_end_write(end, &message, offsetof(struct message, text) + message.length) != LANE_OK)
			return who;
	}
	return NULL;
}

static bool read_all(void *data, size_t length)
{
	for (size_t done = 0; done < length;) {
		int64_t n = channel_read(channel, (char *)data + done, length - done);
		if (n < 0 || (n == 0 && !master_waits(channel)))
			return false;
		done += (size_t)n;
	}
	return true;
}

START_TEST(what_threads_write_is_not_mixed)
{
	pthread_t writers[WRITERS];
	struct message message;
	size_t wrong = 0, heard = 0;
	for (uintptr_t i = 0; i < WRITERS; i++)
		ck_assert_int_eq(pthread_create(&writers[i], NULL, child_writes, (void *)(i + 'a')), 0);
	while (heard < WRITERS * MESSAGES && !wrong) {
		wrong += !read_all(&message, offsetof(struct message, text)) || message.length > sizeof message.text ||
			!read_all(message.text, message.length);
		for (uint32_t i = 0; !wrong && i < message.length; i++)
			wrong += message.text[i] != message.who;
		heard++;
	}
	ck_assert_uint_eq(wrong, 0);
	for (int i = 0; i < WRITERS; i++) {
		void *failed;
		pthread_join(writers[i], &failed);
		ck_assert_ptr_null(failed);
	}
}
END_TEST

/* --- wake-ups --- */

START_TEST(doorbell_rings_only_for_who_sleeps)
{
	char heard[8];
	ck_assert_int_eq(channel_end_write(end, "1", 1), LANE_OK);
	ck_assert(!rung(channel));
	ck_assert(!channel_sleep(channel)); /* something is there */
	ck_assert_int_eq(channel_read(channel, heard, sizeof heard), 1);
	ck_assert(channel_sleep(channel));
	ck_assert_int_eq(channel_end_write(end, "2", 1), LANE_OK);
	ck_assert_int_eq(channel_end_write(end, "3", 1), LANE_OK);
	ck_assert(rung(channel));
	channel_wake(channel);
	ck_assert(!rung(channel));
	ck_assert_int_eq(channel_read(channel, heard, 1), 1);
	ck_assert(!channel_sleep(channel)); /* half of it */
	ck_assert_int_eq(channel_read(channel, heard, sizeof heard), 1);
	ck_assert(channel_sleep(channel));
	channel_wake(channel);
}
END_TEST

START_TEST(master_hears_of_room_only_where_it_found_none)
{
	static unsigned char data[2 * RING], heard[2 * RING];
	ck_assert_int_eq(channel_write(channel, data, 100), 100);
	ck_assert(channel_sleep(channel));
	ck_assert_int_eq(channel_end_read(end, heard, sizeof heard, false), 100);
	ck_assert(!rung(channel));
	channel_wake(channel);
	ck_assert_int_gt(channel_write(channel, data, sizeof data), 0);
	ck_assert(channel_sleep(channel));
	ck_assert_int_gt(channel_end_read(end, heard, sizeof heard, false), 0);
	ck_assert(rung(channel));
	channel_wake(channel);
	/* And where there is some before it sleeps, it does not. */
	ck_assert_int_gt(channel_write(channel, data, sizeof data), 0);
	ck_assert_int_eq(channel_write(channel, data, sizeof data), 0);
	ck_assert_int_gt(channel_end_read(end, heard, sizeof heard, false), 0);
	ck_assert(!channel_sleep(channel));
	ck_assert(channel_sleep(channel));
	channel_wake(channel);
}
END_TEST

START_TEST(doorbell_that_rings_unasked_falls_silent)
{
	uint64_t one = 1;
	ck_assert_int_eq(write(channel_doorbell_fd(channel), &one, sizeof one), sizeof one);
	for (int i = 0; i < 100; i++) {
		ck_assert(channel_sleep(channel));
		channel_wake(channel);
	}
	ck_assert(!rung(channel));
}
END_TEST

/* --- leaving --- */

static void *child_reads_to_the_end(void *unused)
{
	static char heard[RING];
	int64_t n, all = 0;
	(void)unused;
	while ((n = channel_end_read(end, heard, sizeof heard, true)) > 0)
		all += n;
	return (void *)(intptr_t)(n == 0 ? all : -1);
}

START_TEST(who_sleeps_for_data_leaves)
{
	pthread_t child;
	void *all;
	ck_assert_int_eq(pthread_create(&child, NULL, child_reads_to_the_end, NULL), 0);
	ck_assert_int_eq(channel_write(channel, "some", 4), 4);
	channel_kick(channel);
	while (!atomic_load(&channel_memory_of(channel)->shared->slot_asleep))
		sched_yield();
	channel_end_leave(end);
	pthread_join(child, &all);
	ck_assert_int_eq((intptr_t)all, 4);
}
END_TEST

START_TEST(what_is_there_is_read_after_leaving)
{
	static unsigned char data[RING];
	int64_t n = channel_write(channel, data, sizeof data);
	channel_end_leave(end);
	ck_assert_int_eq((intptr_t)child_reads_to_the_end(NULL), n);
	ck_assert_int_eq(channel_end_read(end, data, sizeof data, true), 0);
}
END_TEST

static void *child_fills(void *unused)
{
	static unsigned char data[2 * RING];
	(void)unused;
	return (void *)(intptr_t)channel_end_write(end, data, sizeof data);
}

START_TEST(who_waits_for_room_leaves_and_nothing_follows_a_torn_message)
{
	static unsigned char data[2 * RING];
	pthread_t child;
	void *status;
	ck_assert_int_eq(pthread_create(&child, NULL, child_fills, NULL), 0);
	while (!atomic_load(&channel_memory_of(channel)->shared->slot_wants_room))
		sched_yield();
	channel_end_leave(end);
	pthread_join(child, &status);
	ck_assert_int_eq((intptr_t)status, LANE_BROKEN);
	ck_assert_int_gt(channel_read(channel, data, sizeof data), 0);
	ck_assert_int_eq(channel_end_write(end, "", 1), LANE_BROKEN);
}
END_TEST

START_TEST(what_finds_room_is_written_after_leaving)
{
	char heard[4] = "";
	channel_end_leave(end);
	ck_assert_int_eq(channel_end_write(end, "bye", 4), LANE_OK);
	ck_assert_int_eq(channel_read(channel, heard, sizeof heard), 4);
	ck_assert_str_eq(heard, "bye");
}
END_TEST

/* --- deaths --- */

static void wait_for_death(pid_t pid)
{
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
}

START_TEST(master_reads_what_a_killed_child_has_said_and_goes_on_with_another)
{
	static unsigned char data[RING];
	char heard[16] = "";
	int memory = channel_memory_fd(channel), doorbell = channel_doorbell_fd(channel);
	ck_assert_int_gt(channel_write(channel, data, sizeof data), 0);
	ck_assert(channel_sleep(channel));
	pid_t pid = fork();
	if (pid == 0) {
		struct channel_end *own = channel_end_new(dup(memory), dup(doorbell));
		if (own && channel_end_write(own, "last words", 11) == LANE_OK)
			raise(SIGKILL);
		_exit(1);
	}
	wait_for_death(pid);
	ck_assert(rung(channel));
	channel_wake(channel);
	ck_assert_int_eq(channel_read(channel, heard, sizeof heard), 11);
	ck_assert_str_eq(heard, "last words");
	channel_end_free(end);
	ck_assert_int_eq(channel_renew(channel), 0);
	ck_assert_int_eq(channel_doorbell_fd(channel), doorbell);
	end = channel_end_attach(channel_memory_of(channel), dup(doorbell));
	ck_assert_int_eq(channel_end_read(end, heard, sizeof heard, false), 0);
	ck_assert_int_eq(channel_write(channel, "anew", 5), 5);
	ck_assert_int_eq(channel_end_read(end, heard, sizeof heard, true), 5);
	ck_assert_str_eq(heard, "anew");
	ck_assert(channel_sleep(channel));
	ck_assert_int_eq(channel_end_write(end, "x", 1), LANE_OK);
	ck_assert(rung(channel));
	channel_wake(channel);
	ck_assert(!rung(channel));
}
END_TEST

START_TEST(child_reads_what_a_killed_master_has_written)
{
	static unsigned char data[RING], heard[RING];
	fill(data, sizeof data, 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (channel_write(channel, data, 40000) == 40000)
			raise(SIGKILL);
		_exit(1);
	}
	wait_for_death(pid);
	channel_end_leave(end);
	ck_assert_int_eq(channel_end_read(end, heard, sizeof heard, true), 40000);
	ck_assert(is_filled(heard, 40000, 0));
	ck_assert_int_eq(channel_end_read(end, heard, sizeof heard, true), 0);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(channel_end_write(end, "nobody hears", 12), LANE_OK);
}
END_TEST

/* --- lies --- */

struct lie {
	const char *what;
	uint32_t tail, head; /* added to the truth */
	uint32_t length;     /* of the record, in the place of the truth */
	bool zero;
};
static const struct lie lies[] = {
	{ "more than the ring has", .tail = RING + 8 },
	{ "a tail that is behind", .tail = (uint32_t)-8 },
	{ "a tail between two words", .tail = 3 },
	{ "a record beyond the tail", .length = 64 },
	{ "a record of everything", .length = UINT32_MAX },
	{ "a record of nothing", .zero = true, .tail = (uint32_t)-8 },
	{ "a head beyond what was written", .head = 2 * RING },
	{ "a head between two words", .head = 4 },
};

/* SHARED, RING's indices, with a record of 8 bytes in it, is made to lie. */
static void tell(const struct lie *lie, struct ring_shared *shared, uint8_t *data)
{
	if (lie->zero || lie->length)
		memcpy(data + (RING_FIRST & (RING - 1)), &lie->length, sizeof lie->length);
	atomic_fetch_add(&shared->tail, lie->tail);
	atomic_fetch_add(&shared->head, lie->head);
}

START_TEST(lie_to_the_master_breaks_the_channel_for_good)
{
	static unsigned char data[2 * RING];
	const struct lie *lie = &lies[_i];
	const struct lane_memory *memory = channel_memory_of(channel);
	struct lane_shared *shared = memory->shared;
	if (lie->head) {
		tell(lie, &shared->requests, memory->request_data);
		ck_assert_msg(channel_write(channel, data, sizeof data) == LANE_BROKEN, "%s", lie->what);
	} else {
		ck_assert_int_eq(channel_end_write(end, "12345678", 8), LANE_OK);
		tell(lie, &shared->completions, memory->completion_data);
		ck_assert(!channel_sleep(channel)); /* it has to be looked at */
		ck_assert_msg(channel_read(channel, data, sizeof data) == LANE_BROKEN, "%s", lie->what);
	}
	ck_assert_int_eq(channel_read(channel, data, sizeof data), LANE_BROKEN);
	ck_assert_int_eq(channel_write(channel, data, 1), LANE_BROKEN);
	ck_assert(channel_sleep(channel)); /* nothing more comes */
	channel_wake(channel);
}
END_TEST

START_TEST(lie_to_the_child_breaks_that_direction)
{
	static unsigned char data[2 * RING];
	const struct lie *lie = &lies[_i];
	const struct lane_memory *memory = channel_memory_of(channel);
	struct lane_shared *shared = memory->shared;
	if (lie->head) {
		tell(lie, &shared->completions, memory->completion_data);
		ck_assert_msg(channel_end_write(end, data, sizeof data) == LANE_BROKEN, "%s", lie->what);
		ck_assert_int_eq(channel_end_write(end, data, 1), LANE_BROKEN);
		return;
	}
	ck_assert_int_eq(channel_write(channel, "12345678", 8), 8);
	tell(lie, &shared->requests, memory->request_data);
	ck_assert_msg(channel_end_read(end, data, sizeof data, true) == LANE_BROKEN, "%s", lie->what);
	ck_assert_int_eq(channel_end_read(end, data, sizeof data, true), LANE_BROKEN);
}
END_TEST

/* The length is believed once. */
START_TEST(record_that_grows_while_it_is_read_does_not)
{
	char heard[64];
	const struct lane_memory *memory = channel_memory_of(channel);
	uint32_t more = 60000;
	ck_assert_int_eq(channel_end_write(end, "12345678", 8), LANE_OK);
	ck_assert_int_eq(channel_read(channel, heard, 3), 3);
	memcpy(memory->completion_data + (RING_FIRST & (RING - 1)), &more, sizeof more);
	ck_assert_int_eq(channel_read(channel, heard, sizeof heard), 5);
}
END_TEST

static void scribble(unsigned *seed)
{
	const struct lane_memory *memory = channel_memory_of(channel);
	struct lane_shared *shared = memory->shared;
	_Atomic uint32_t *indices[] = { &shared->requests.tail, &shared->requests.head, &shared->completions.tail,
		&shared->completions.head, &shared->slot_asleep, &shared->slot_wants_room, &shared->master_asleep,
		&shared->master_wants_room };
	uint32_t any = (uint32_t)rand_r(seed), offset = (uint32_t)rand_r(seed) % (RING / 8) * 8;
	switch (rand_r(seed) % 4) {
	case 0:
		atomic_fetch_add(indices[(unsigned)rand_r(seed) % 8], any % 3 ? any % 64 * 8 : any);
		break;
	case 1:
		memcpy(memory->completion_data + offset, &any, sizeof any);
		break;
	case 2: /* the semaphores' shared parts */
		memset(memory->requests_posted, (int)any, LANE_SEMAPHORE_SHARED);
		memset(memory->room_posted, (int)any, LANE_SEMAPHORE_SHARED);
		break;
	case 3:
		break;
	}
}

START_TEST(master_stays_within_bounds_whatever_is_scribbled)
{
	static unsigned char data[RING + 1], heard[RING + 1];
	size_t wrong = 0, broken = 0;
	for (unsigned round = 1; round <= 1500; round++) {
		unsigned seed = round;
		struct channel_end *own =
			channel_end_attach(channel_memory_of(channel), dup(channel_doorbell_fd(channel)));
		for (int i = 0; i < 12; i++) {
			int64_t n = channel_write(channel, data, some_length(&seed, RING / 2));
			wrong += n < LANE_BROKEN || n > RING / 2;
			broken += n == LANE_BROKEN;
			/* As much as surely finds room, since nobody else would make some. */
			if (i == 5)
				channel_end_write(own, data, some_length(&seed, RING / 2));
			scribble(&seed);
			channel_kick(channel);
			size_t size = some_length(&seed, RING);
			heard[size] = 'x';
			n = channel_read(channel, heard, size);
			wrong += n < LANE_BROKEN || n > (int64_t)size || heard[size] != 'x';
			broken += n == LANE_BROKEN;
			channel_sleep(channel);
			channel_wake(channel);
		}
		channel_end_free(own);
		wrong += channel_renew(channel) != 0;
	}
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_gt(broken, 1000);
	/* What the fixture has is of memory that is no more; it goes without a look at it. */
}
END_TEST

static Suite *channel_suite(void)
{
	Suite *suite = suite_create("channel");
	TCase *plain = tcase_create("plain"), *hostile = tcase_create("hostile");
	const int n_lies = sizeof lies / sizeof *lies;
	tcase_add_checked_fixture(plain, setup, teardown);
	tcase_set_timeout(plain, 60);
	tcase_add_test(plain, bytes_arrive_through_a_mapping_of_its_own);
	tcase_add_test(plain, what_is_no_channel_is_not_opened);
	tcase_add_test(plain, stream_survives_the_rings_end);
	tcase_add_test(plain, no_more_is_taken_than_there_is_room_for);
	tcase_add_test(plain, everything_comes_back_through_a_thread_that_echoes);
	tcase_add_test(plain, what_threads_write_is_not_mixed);
	tcase_add_test(plain, doorbell_rings_only_for_who_sleeps);
	tcase_add_test(plain, master_hears_of_room_only_where_it_found_none);
	tcase_add_test(plain, doorbell_that_rings_unasked_falls_silent);
	tcase_add_test(plain, who_sleeps_for_data_leaves);
	tcase_add_test(plain, what_is_there_is_read_after_leaving);
	tcase_add_test(plain, who_waits_for_room_leaves_and_nothing_follows_a_torn_message);
	tcase_add_test(plain, what_finds_room_is_written_after_leaving);
	tcase_add_test(plain, master_reads_what_a_killed_child_has_said_and_goes_on_with_another);
	tcase_add_test(plain, child_reads_what_a_killed_master_has_written);
	suite_add_tcase(suite, plain);
	tcase_add_checked_fixture(hostile, setup, teardown);
	tcase_set_timeout(hostile, 60);
	tcase_add_loop_test(hostile, lie_to_the_master_breaks_the_channel_for_good, 0, n_lies);
	tcase_add_loop_test(hostile, lie_to_the_child_breaks_that_direction, 0, n_lies);
	tcase_add_test(hostile, record_that_grows_while_it_is_read_does_not);
	tcase_add_test(hostile, master_stays_within_bounds_whatever_is_scribbled);
	suite_add_tcase(suite, hostile);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(channel_suite());
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
