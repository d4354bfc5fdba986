/* Descriptors that go with a request: they arrive, once, and nobody keeps one who ought not to; whatever becomes of the
 * request, its slot, or its master. */
#include "lane_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define LARGE 100000u

static struct both b;
static int open_before;

static int open_descriptors(void)
{
	int n = 0;
	DIR *folder = opendir("/proc/self/fd");
	ck_assert_ptr_nonnull(folder);
	while (readdir(folder))
		n++;
	closedir(folder);
	return n;
}

static void setup(void)
{
	open_before = open_descriptors();
	b = both_make(LANE_RING_MIN);
}

/* Whatever a test did: when both ends are gone, nothing is left open, or not for long: what a slot has sent is closed
 * elsewhere (base/closer.h). */
static void teardown(void)
{
	both_free(&b);
	for (int ms = 0; ms < BOUND_MS && open_descriptors() != open_before; ms++)
		poll(NULL, 0, 1);
	ck_assert_int_eq(open_descriptors(), open_before);
}

/* Pipes whose writing ends travel. That nobody has one any more is what the reading end hears. */
struct travellers {
	int readers[LANE_FDS_LIMIT];
	int writers[LANE_FDS_LIMIT];
};

static struct travellers travellers_make(void)
{
	struct travellers made;
	for (unsigned i = 0; i < LANE_FDS_LIMIT; i++) {
		int pair[2];
		ck_assert_int_eq(pipe2(pair, O_CLOEXEC | O_NONBLOCK), 0);
		made.readers[i] = pair[0];
		made.writers[i] = pair[1];
	}
	return made;
}

static void writers_close(struct travellers *travellers)
{
	for (unsigned i = 0; i < LANE_FDS_LIMIT; i++) {
		if (travellers->writers[i] >= 0)
			close(travellers->writers[i]);
		travellers->writers[i] = -1;
	}
}

/* Whether nobody has the Ith one open, in no process and on no way, or has it only until it is closed elsewhere. */
static bool is_closed(const struct travellers *travellers, unsigned i)
{
	char byte;
	ssize_t n = read(travellers->readers[i], &byte, 1);
	for (int ms = 0; ms < BOUND_MS && n < 0 && errno == EAGAIN; ms++) {
		poll(NULL, 0, 1);
		n = read(travellers->readers[i], &byte, 1);
	}
	ck_assert(n == 0 || (n < 0 && errno == EAGAIN));
	return n == 0;
}

static void all_closed(struct travellers *travellers)
{
	writers_close(travellers);
	for (unsigned i = 0; i < LANE_FDS_LIMIT; i++)
		ck_assert_msg(is_closed(travellers, i), "somebody still has descriptor %u", i);
	for (unsigned i = 0; i < LANE_FDS_LIMIT; i++)
		close(travellers->readers[i]);
}

static int send_fds(struct lane *lane, const char *args, size_t length, const struct travellers *travellers, uint32_t n,
	uint32_t *seq)
{
	struct lane_request request = { .task_id = 7, .attempt = 1, .name = "exec", .name_length = 4, .args = args,
		.args_length = length, .n_fds = n };
	memcpy(request.fds, travellers->writers, sizeof request.fds);
	int status = lane_send(lane, &request, seq);
	lane_kick(lane);
	return status;
}

/* Takes the next request, whose descriptors must be those, in order, and closes them. */
static void take_fds(struct lane_end *end, const struct travellers *travellers, uint32_t n, size_t length)
{
	struct lane_request request;
	ck_assert_int_eq(lane_end_take(end, &request), LANE_OK);
	ck_assert_uint_eq(request.n_fds, n);
	ck_assert_uint_eq(request.args_length, length);
	for (uint32_t i = 0; i < n; i++) {
		char byte = (char)('a' + i), got;
		ck_assert_int_eq(write(request.fds[i], &byte, 1), 1);
		ck_assert_int_eq(read(travellers->readers[i], &got, 1), 1);
		ck_assert_int_eq(got, byte);
		ck_assert_int_eq(fcntl(request.fds[i], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
		close(request.fds[i]);
	}
}

static const struct {
	uint32_t n;
	size_t length;
} kinds[] = { { 1, 2 }, { 2, 0 }, { LANE_FDS_LIMIT, LANE_INLINE_LIMIT }, { 1, LARGE }, { LANE_FDS_LIMIT, LARGE } };
#define N_KINDS ((int)(sizeof kinds / sizeof *kinds))

START_TEST(descriptors_arrive_in_order_and_are_lent_only)
{
	char *args = calloc(1, LARGE);
	for (int times = 0; times < 300; times++) {
		struct travellers travellers = travellers_make();
		uint32_t seq, n = kinds[_i].n;
		memset(args, 'a' + times % 26, LARGE);
		ck_assert_int_eq(send_fds(b.lane, args, kinds[_i].length, &travellers, n, &seq), LANE_OK);
		for (uint32_t i = 0; i < LANE_FDS_LIMIT; i++)
			ck_assert_int_ge(fcntl(travellers.writers[i], F_GETFD), 0);
		take_fds(b.end, &travellers, n, kinds[_i].length);
		all_closed(&travellers);
		ck_assert_int_eq(say(b.end, LANE_SUCCEEDED, "1", 1), LANE_OK);
		hear_one(b.lane, seq, "1");
	}
	free(args);
}
END_TEST

START_TEST(ordinary_requests_have_none)
{
	struct lane_request request;
	uint32_t seq = send_ok(b.lane, "[]");
	ck_assert_int_eq(lane_end_take(b.end, &request), LANE_OK);
	ck_assert_uint_eq(request.n_fds, 0);
	ck_assert_int_eq(say(b.end, LANE_SUCCEEDED, "[]", 2), LANE_OK);
	hear_one(b.lane, seq, "[]");
}
END_TEST

/* What lies in a socket is open: somebody may wait for its end. */
START_TEST(descriptors_do_not_wait_behind_what_runs)
{
	struct travellers travellers = travellers_make();
	struct lane_request request;
	uint32_t first = send_ok(b.lane, "1"), seq;
	ck_assert_int_eq(send_fds(b.lane, "[]", 2, &travellers, 2, &seq), LANE_NONE);
	ck_assert_int_eq(lane_end_take(b.end, &request), LANE_OK);
	ck_assert_int_eq(send_fds(b.lane, "[]", 2, &travellers, 2, &seq), LANE_NONE);
	ck_assert_int_eq(say(b.end, LANE_SUCCEEDED, "1", 1), LANE_OK);
	ck_assert_int_eq(send_fds(b.lane, "[]", 2, &travellers, 2, &seq), LANE_NONE);
	hear_one(b.lane, first, "1");
	ck_assert_int_eq(send_fds(b.lane, "[]", 2, &travellers, 2, &seq), LANE_OK);
	/* But others may wait behind those. */
	uint32_t behind = send_ok(b.lane, "2");
	take_fds(b.end, &travellers, 2, 2);
	ck_assert_int_eq(say(b.end, LANE_SUCCEEDED, "x", 1), LANE_OK);
	hear_one(b.lane, seq, "x");
	echo_one(b.end, "2");
	hear_one(b.lane, behind, "2");
	all_closed(&travellers);
}
END_TEST

/* --- files --- */

static uint32_t send_files(struct lane *lane, const struct travellers *travellers, int expected)
{
	struct lane_request request = { .task_id = 7, .attempt = 1, .name = "exec", .name_length = 4, .args = "[]",
		.args_length = 2, .n_fds = 2, .fds_are_files = true };
	uint32_t seq = 0;
	memcpy(request.fds, travellers->writers, sizeof request.fds);
	ck_assert_int_eq(lane_send(lane, &request, &seq), expected);
	lane_kick(lane);
	return seq;
}

static void answer_files(const struct travellers *travellers, uint32_t seq)
{
	take_fds(b.end, travellers, 2, 2);
	ck_assert_int_eq(say(b.end, LANE_SUCCEEDED, "x", 1), LANE_OK);
	hear_one(b.lane, seq, "x");
}

/* Each with its own, in order, for as long as one likes. */
START_TEST(files_wait_behind_what_runs)
{
	struct travellers travellers[3] = { travellers_make(), travellers_make(), travellers_make() };
	uint32_t first = send_ok(b.lane, "1"), seqs[3];
	for (int times = 0; times < 300; times++) {
		for (int i = 0; i < 3; i++)
			seqs[i] = send_files(b.lane, &travellers[i], LANE_OK);
		if (times == 0) {
			echo_one(b.end, "1");
			hear_one(b.lane, first, "1");
		}
		for (int i = 0; i < 3; i++)
			answer_files(&travellers[i], seqs[i]);
	}
	for (int i = 0; i < 3; i++)
		all_closed(&travellers[i]);
}
END_TEST

/* …but not many, nor among others. */
START_TEST(few_files_are_on_their_way)
{
	struct travellers travellers = travellers_make();
	uint32_t seqs[64], n = 0, seq;
	char *args = calloc(1, LARGE);
	for (int status = LANE_OK; status == LANE_OK && n < 64; n += status == LANE_OK) {
		struct lane_request request = { .task_id = 7, .attempt = 1, .name = "exec", .name_length = 4, .args = "[]",
			.args_length = 2, .n_fds = 2, .fds_are_files = true };
		memcpy(request.fds, travellers.writers, sizeof request.fds);
		status = lane_send(b.lane, &request, &seqs[n]);
		ck_assert(status == LANE_OK || status == LANE_NONE);
	}
	ck_assert_uint_gt(n, 2);
	ck_assert_uint_le(n, 16);
	ck_assert_int_eq(send_fds(b.lane, "[]", 2, &travellers, 2, &seq), LANE_NONE);
	ck_assert_int_eq(send_args(b.lane, args, LARGE, &seq), LANE_NONE);
	answer_files(&travellers, seqs[0]);
	ck_assert_int_eq(send_args(b.lane, args, LARGE, &seq), LANE_NONE);
	for (uint32_t i = 1; i < n; i++)
		answer_files(&travellers, seqs[i]);
	ck_assert_int_eq(send_args(b.lane, args, LARGE, &seq), LANE_OK);
	send_files(b.lane, &travellers, LANE_NONE);
	struct lane_request request;
	ck_assert_int_eq(lane_end_take(b.end, &request), LANE_OK);
	ck_assert_int_eq(say(b.end, LANE_SUCCEEDED, "1", 1), LANE_OK);
	hear_one(b.lane, seq, "1");
	answer_files(&travellers, send_files(b.lane, &travellers, LANE_OK));
	all_closed(&travellers);
	free(args);
}
END_TEST

/* Also with one that is not revoked before and behind it. */
START_TEST(revoked_files_are_closed_when_the_slot_passes)
{
	for (int times = 0; times < 300; times++) {
		struct travellers kept = travellers_make(), revoked = travellers_make();
		uint32_t before = send_files(b.lane, &kept, LANE_OK);
		ck_assert(lane_revoke(b.lane, send_files(b.lane, &revoked, LANE_OK)));
		if (times % 2)
			ck_assert(lane_revoke(b.lane, send_files(b.lane, &revoked, LANE_OK)));
		answer_files(&kept, before);
		answer_files(&kept, send_files(b.lane, &kept, LANE_OK));
		all_closed(&revoked);
		all_closed(&kept);
	}
}
END_TEST

/* However long it goes on, there is a moment at which it is seen that the slot takes what it is sent. */
START_TEST(slot_that_leaves_files_in_its_socket_breaks_the_lane)
{
	struct travellers travellers = travellers_make();
	const struct lane_memory *memory = lane_memory_of(b.lane);
	struct lane_request request = { .task_id = 7, .attempt = 1, .name = "exec", .name_length = 4, .args = "[]",
		.args_length = 2, .n_fds = 2, .fds_are_files = true };
	uint32_t seqs[1000], sent = 0, answered = 0;
	struct ring ring;
	int status = LANE_OK;
	memcpy(request.fds, travellers.writers, sizeof request.fds);
	ring_init(&ring, &memory->shared->completions, memory->completion_data, memory->completion_ring);
	while (status != LANE_BROKEN) {
		ck_assert_uint_lt(sent, 1000);
		while ((status = lane_send(b.lane, &request, &seqs[sent])) == LANE_OK)
			sent++;
		/* All but the last are answered, untaken, as long as there is more than one. */
		while (status == LANE_NONE && (answered + 1 < sent || sent - answered == 1)) {
			struct reply_record record = { .word = LANE_SUCCEEDED, .seq = seqs[answered++] };
			void *room;
			ck_assert_int_eq(ring_reserve(&ring, sizeof record, 0, &room, NULL), RING_OK);
			memcpy(room, &record, sizeof record);
			ring_publish(&ring);
			ck_assert_int_eq(hear(b.lane), LANE_OK);
			if (sent - answered == 1)
				break;
		}
	}
	ck_assert_uint_lt(sent, 200);
	both_free(&b);
	b = (struct both){ .lane = lane_make(LANE_RING_MIN), .doorbell = doorbell_make() };
	all_closed(&travellers);
}
END_TEST

static void *take_one(void *end)
{
	struct lane_request request;
	return (void *)(intptr_t)lane_end_take(end, &request);
}

START_TEST(whoever_waits_for_the_lane_to_be_empty_is_woken)
{
	struct travellers travellers = travellers_make();
	struct lane_request request;
	pthread_t slot;
	uint32_t first = send_ok(b.lane, "1"), seq;
	ck_assert_int_eq(lane_end_take(b.end, &request), LANE_OK);
	ck_assert_int_eq(send_fds(b.lane, "[]", 2, &travellers, 1, &seq), LANE_NONE);
	ck_assert(lane_sleep(b.lane, false));
	ck_assert_int_eq(say(b.end, LANE_SUCCEEDED, "1", 1), LANE_OK);
	struct pollfd wait = { .fd = b.doorbell, .events = POLLIN };
	ck_assert_int_eq(poll(&wait, 1, BOUND_MS), 1);
	lane_wake(b.lane);
	hear_one(b.lane, first, "1");
	pthread_create(&slot, NULL, take_one, b.end);
	ck_assert_int_eq(send_fds(b.lane, "[]", 2, &travellers, 0, &seq), LANE_OK);
	pthread_join(slot, NULL);
	all_closed(&travellers);
}
END_TEST

/* --- taking back --- */

START_TEST(revoked_descriptors_are_closed_when_the_slot_passes)
{
	char *args = calloc(1, LARGE);
	for (int times = 0; times < 300; times++) {
		struct travellers travellers = travellers_make();
		uint32_t seq, other;
		ck_assert_int_eq(send_fds(b.lane, args, kinds[_i].length, &travellers, kinds[_i].n, &seq), LANE_OK);
		ck_assert(lane_revoke(b.lane, seq));
		/* They are still on their way. */
		ck_assert_int_eq(send_fds(b.lane, args, 2, &travellers, 1, &other), LANE_NONE);
		uint32_t small = send_ok(b.lane, "s");
		echo_one(b.end, "s");
		hear_one(b.lane, small, "s");
		all_closed(&travellers);
	}
	free(args);
}
END_TEST

#define RACES 20000u
static uint32_t races_taken;

static void *take_all(void *end)
{
	struct lane_request request;
	while (lane_end_take(end, &request) == LANE_OK) {
		for (uint32_t i = 0; i < request.n_fds; i++)
			close(request.fds[i]);
		if (say(end, LANE_SUCCEEDED, "1", 1) != LANE_OK)
			abort();
		races_taken++;
	}
	return NULL;
}

START_TEST(revoke_or_take_leaks_nothing)
{
	struct travellers travellers = travellers_make();
	uint32_t revoked = 0, answered = 0, seq;
	pthread_t slot;
	pthread_create(&slot, NULL, take_all, b.end);
	for (uint32_t i = 0; i < RACES; i++) {
		int status;
		while ((status = send_fds(b.lane, "[]", 2, &travellers, 1 + i % LANE_FDS_LIMIT, &seq)) == LANE_NONE)
			ck_assert(master_waits(b.lane, b.doorbell));
		ck_assert_int_eq(status, LANE_OK);
		if (i % 8 && lane_revoke(b.lane, seq)) {
			revoked++;
			continue;
		}
		while ((status = hear(b.lane)) == LANE_NONE)
			ck_assert(master_waits(b.lane, b.doorbell));
		ck_assert_int_eq(status, LANE_OK);
		answered++;
	}
	/* What was revoked last is passed on the way to this one. */
	seq = send_ok(b.lane, "1");
	int status;
	while ((status = hear(b.lane)) == LANE_NONE)
		ck_assert(master_waits(b.lane, b.doorbell));
	lane_stop(b.lane);
	pthread_join(slot, NULL);
	ck_assert_uint_eq(races_taken, answered + 1);
	ck_assert_uint_gt(revoked, 0);
	ck_assert_uint_gt(answered, 0);
	all_closed(&travellers);
}
END_TEST

/* --- without descriptors --- */

/* So many more can be opened from now on. */
static void descriptors_left(rlim_t n)
{
	int probe = dup(0);
	ck_assert_int_ge(probe, 0);
	close(probe);
	/* Descriptors are given from below: what is above `probe` and open was never closed by anyone here. */
	struct rlimit limit;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)probe + n;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

START_TEST(slot_without_descriptors_fails_the_task_only)
{
	struct rlimit before;
	struct lane_reply reply;
	struct travellers travellers = travellers_make();
	uint32_t seq, next;
	pthread_t slot;
	getrlimit(RLIMIT_NOFILE, &before);
	ck_assert_int_eq(send_fds(b.lane, "[]", 2, &travellers, LANE_FDS_LIMIT, &seq), LANE_OK);
	descriptors_left((rlim_t)_i);
	next = send_ok(b.lane, "next");
	pthread_create(&slot, NULL, take_one, b.end);
	pthread_join(slot, NULL);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_int_eq(lane_receive(b.lane, &reply), LANE_OK);
	ck_assert_uint_eq(reply.seq, seq);
	ck_assert_int_eq(reply.word, LANE_FAILED);
	ck_assert_uint_eq(reply.flags, LANE_FLAG_TOO_LARGE);
	all_closed(&travellers);
	ck_assert_int_eq(say(b.end, LANE_SUCCEEDED, "next", 4), LANE_OK);
	hear_one(b.lane, next, "next");
}
END_TEST

START_TEST(revoked_descriptors_need_none_in_the_slot)
{
	struct rlimit before;
	struct travellers travellers = travellers_make();
	uint32_t seq;
	getrlimit(RLIMIT_NOFILE, &before);
	ck_assert_int_eq(send_fds(b.lane, "[]", 2, &travellers, LANE_FDS_LIMIT, &seq), LANE_OK);
	ck_assert(lane_revoke(b.lane, seq));
	seq = send_ok(b.lane, "s");
	descriptors_left(0);
	echo_one(b.end, "s");
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	hear_one(b.lane, seq, "s");
	all_closed(&travellers);
}
END_TEST

START_TEST(master_without_memory_keeps_its_lane)
{
	struct rlimit before;
	struct travellers travellers = travellers_make();
	char *args = calloc(1, LARGE);
	uint32_t seq;
	getrlimit(RLIMIT_NOFILE, &before);
	descriptors_left(0);
	ck_assert_int_eq(send_fds(b.lane, args, LARGE, &travellers, 1, &seq), LANE_NO_MEMORY);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_int_eq(send_fds(b.lane, args, LARGE, &travellers, 1, &seq), LANE_OK);
	take_fds(b.end, &travellers, 1, LARGE);
	ck_assert_int_eq(say(b.end, LANE_SUCCEEDED, "1", 1), LANE_OK);
	hear_one(b.lane, seq, "1");
	all_closed(&travellers);
	free(args);
}
END_TEST

/* --- the dead --- */

START_TEST(slot_that_goes_leaves_nothing_open)
{
	struct travellers travellers = travellers_make();
	uint32_t seq;
	ck_assert_int_eq(send_fds(b.lane, "[]", 2, &travellers, LANE_FDS_LIMIT, &seq), LANE_OK);
	lane_handed_over(b.lane);
	lane_end_free(b.end);
	b.end = NULL;
	all_closed(&travellers);
}
END_TEST

START_TEST(descriptors_for_a_dead_slot_stay_with_the_master_alone)
{
	struct travellers travellers = travellers_make();
	uint32_t seq;
	lane_end_free(b.end);
	b.end = NULL;
	lane_handed_over(b.lane);
	ck_assert_int_eq(send_fds(b.lane, "[]", 2, &travellers, LANE_FDS_LIMIT, &seq), LANE_BROKEN);
	all_closed(&travellers);
}
END_TEST

START_TEST(master_that_goes_leaves_nothing_open)
{
	struct travellers travellers = travellers_make();
	uint32_t seq;
	/* Before it has handed anything over, and with what the slot has not taken. */
	struct lane *lane = lane_make(LANE_RING_MIN);
	ck_assert_int_eq(send_fds(lane, "[]", 2, &travellers, LANE_FDS_LIMIT, &seq), LANE_OK);
	lane_free(lane);
	all_closed(&travellers);
}
END_TEST

/* Killed at any moment, with descriptors in its socket, on their way, or in its hands. */
START_TEST(killed_slot_leaves_nothing_open)
{
	unsigned seed = 5;
	for (int round = 0; round < 60; round++) {
		struct travellers travellers = travellers_make();
		struct lane *lane = lane_make(LANE_RING_MIN);
		pid_t master = getpid(), pid = fork();
		if (pid == 0) {
			writers_close(&travellers); /* it has only what it is sent */
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() != master)
				_exit(1);
			struct lane_end *end = lane_end_new(dup(lane_memory_fd(lane)), dup(lane_socket_fd(lane)), b.doorbell,
				PAYLOAD_LIMIT);
			take_all(end);
			_exit(0);
		}
		lane_handed_over(lane);
		int quota = rand_r(&seed) % 200, status;
		uint32_t seq;
		for (int i = 0; i < quota; i++) {
			status = send_fds(lane, "[]", 2, &travellers, LANE_FDS_LIMIT, &seq);
			ck_assert(status == LANE_OK || status == LANE_NONE);
			ck_assert_int_ne(hear(lane), LANE_BROKEN);
		}
		kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
		all_closed(&travellers);
		lane_free(lane);
	}
}
END_TEST

/* --- lies --- */

/* A slot that answers what it has not taken would collect what it was sent where nobody sees it. */
START_TEST(slot_that_leaves_descriptors_in_its_socket_breaks_the_lane)
{
	struct travellers travellers = travellers_make();
	const struct lane_memory *memory = lane_memory_of(b.lane);
	struct reply_record record = { .word = LANE_SUCCEEDED };
	struct ring ring;
	void *room;
	ring_init(&ring, &memory->shared->completions, memory->completion_data, memory->completion_ring);
	ck_assert_int_eq(send_fds(b.lane, "[]", 2, &travellers, LANE_FDS_LIMIT, &record.seq), LANE_OK);
	ck_assert_int_eq(ring_reserve(&ring, sizeof record, 0, &room, NULL), RING_OK);
	memcpy(room, &record, sizeof record);
	ring_publish(&ring);
	ck_assert_int_eq(hear(b.lane), LANE_OK);
	uint32_t seq;
	ck_assert_int_eq(send_fds(b.lane, "[]", 2, &travellers, 1, &seq), LANE_BROKEN);
	both_free(&b);
	b = (struct both){ .lane = lane_make(LANE_RING_MIN), .doorbell = doorbell_make() };
	all_closed(&travellers);
}
END_TEST

/* What a slot pushes into the master's socket is not the master's until it asks, and gone with the lane. */
START_TEST(descriptors_that_a_slot_sends_do_not_come_in)
{
	struct travellers travellers = travellers_make();
	struct payload payload = { .n_fds = LANE_FDS_LIMIT };
	struct lane_reply reply;
	uint32_t seq = send_ok(b.lane, "1");
	memcpy(payload.fds, travellers.writers, sizeof payload.fds);
	if (_i)
		payload.data = calloc(1, payload.size = LARGE);
	int socket = dup(lane_socket_fd(b.lane));
	lane_handed_over(b.lane);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(payload_send(socket, seq, &payload, PAYLOAD_OF_SLOT), LANE_OK);
	writers_close(&travellers);
	int before = open_descriptors();
	/* A reply whose payload is there: with a memfd, as it ought to be, and three more. */
	const struct lane_memory *memory = lane_memory_of(b.lane);
	const struct reply_record record = { .word = LANE_SUCCEEDED, .seq = seq, .large = 1, .payload_length = LARGE };
	struct ring ring;
	void *room;
	ring_init(&ring, &memory->shared->completions, memory->completion_data, memory->completion_ring);
	ck_assert_int_eq(ring_reserve(&ring, sizeof record, 0, &room, NULL), RING_OK);
	memcpy(room, &record, sizeof record);
	ring_publish(&ring);
	ck_assert_int_eq(lane_receive(b.lane, &reply), LANE_BROKEN);
	ck_assert_int_le(open_descriptors(), before + 1); /* the memfd, until it is closed */
	free((void *)(uintptr_t)payload.data);
	close(socket);
	lane_end_free(b.end);
	b.end = NULL;
	lane_free(b.lane);
	b.lane = NULL;
	all_closed(&travellers);
}
END_TEST

/* More of them than were promised, or fewer: the slot trusts its master, but not that both know the same. */
START_TEST(another_number_of_descriptors_breaks_the_lane)
{
	struct travellers travellers = travellers_make();
	struct payload payload = { .n_fds = _i ? 3 : 1 };
	struct payload promised = { .n_fds = 2 };
	memcpy(payload.fds, travellers.writers, sizeof payload.fds);
	int pair[2];
	ck_assert_int_eq(payload_socket_pair(&pair[0], &pair[1]), 0);
	ck_assert_int_eq(payload_send(pair[0], 5, &payload, PAYLOAD_OF_MASTER), LANE_OK);
	int before = open_descriptors();
	ck_assert_int_eq(payload_receive(pair[1], 5, &promised, PAYLOAD_OF_MASTER), LANE_BROKEN);
	ck_assert_int_eq(open_descriptors(), before);
	all_closed(&travellers);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

static const struct {
	uint32_t seq, n_fds;
	size_t size;
	int status;
} expected[] = { { 5, 2, 0, LANE_OK }, { 6, 2, 0, LANE_BROKEN }, { 5, 1, LARGE, LANE_BROKEN }, { 5, 3, 0, LANE_BROKEN } };
START_TEST(what_is_not_as_promised_is_closed)
{
	struct travellers travellers = travellers_make();
	struct payload payload = { .n_fds = 2 };
	struct payload promised = { .n_fds = expected[_i].n_fds, .size = expected[_i].size };
	memcpy(payload.fds, travellers.writers, sizeof payload.fds);
	int pair[2];
	ck_assert_int_eq(payload_socket_pair(&pair[0], &pair[1]), 0);
	ck_assert_int_eq(payload_send(pair[0], 5, &payload, PAYLOAD_OF_MASTER), LANE_OK);
	ck_assert_int_eq(payload_receive(pair[1], expected[_i].seq, &promised, PAYLOAD_OF_MASTER), expected[_i].status);
	if (expected[_i].status == LANE_OK)
		for (uint32_t i = 0; i < promised.n_fds; i++)
			close(promised.fds[i]);
	all_closed(&travellers);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

static TCase *tcase_of(Suite *suite, const char *name)
{
	TCase *tcase = tcase_create(name);
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	suite_add_tcase(suite, tcase);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("lane, descriptors");
	TCase *tcase = tcase_of(suite, "on their way");
	tcase_add_loop_test(tcase, descriptors_arrive_in_order_and_are_lent_only, 0, N_KINDS);
	tcase_add_test(tcase, ordinary_requests_have_none);
	tcase_add_test(tcase, descriptors_do_not_wait_behind_what_runs);
	tcase_add_test(tcase, files_wait_behind_what_runs);
	tcase_add_test(tcase, few_files_are_on_their_way);
	tcase_add_test(tcase, revoked_files_are_closed_when_the_slot_passes);
	tcase_add_test(tcase, slot_that_leaves_files_in_its_socket_breaks_the_lane);
	tcase_add_test(tcase, whoever_waits_for_the_lane_to_be_empty_is_woken);

	tcase = tcase_of(suite, "taking back");
	tcase_add_loop_test(tcase, revoked_descriptors_are_closed_when_the_slot_passes, 0, N_KINDS);
	tcase_add_test(tcase, revoke_or_take_leaks_nothing);

	tcase = tcase_of(suite, "want");
	tcase_add_loop_test(tcase, slot_without_descriptors_fails_the_task_only, 0, LANE_FDS_LIMIT);
	tcase_add_test(tcase, revoked_descriptors_need_none_in_the_slot);
	tcase_add_test(tcase, master_without_memory_keeps_its_lane);

	tcase = tcase_of(suite, "death");
	tcase_add_test(tcase, slot_that_goes_leaves_nothing_open);
	tcase_add_test(tcase, descriptors_for_a_dead_slot_stay_with_the_master_alone);
	tcase_add_test(tcase, master_that_goes_leaves_nothing_open);
	tcase_add_test(tcase, killed_slot_leaves_nothing_open);

	tcase = tcase_of(suite, "lies");
	tcase_add_test(tcase, slot_that_leaves_descriptors_in_its_socket_breaks_the_lane);
	tcase_add_loop_test(tcase, descriptors_that_a_slot_sends_do_not_come_in, 0, 2);
	tcase_add_loop_test(tcase, another_number_of_descriptors_breaks_the_lane, 0, 2);
	tcase_add_loop_test(tcase, what_is_not_as_promised_is_closed, 0, (int)(sizeof expected / sizeof *expected));

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
