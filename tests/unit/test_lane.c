/* A lane's two ends: what is sent arrives, what is taken back stays back, who sleeps is woken. */
#include "lane_fixture.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

static struct both b;

static void setup(void)
{
	b = both_make(LANE_RING_MIN);
}

static void teardown(void)
{
	both_free(&b);
}

static char *letters(size_t length, unsigned seed)
{
	char *text = malloc(length + 1);
	for (size_t i = 0; i < length; i++)
		text[i] = (char)('a' + (i * 7 + (i >> 8) + seed) % 26);
	text[length] = '\0';
	return text;
}

/* Through descriptors and a mapping of its own, as a worker has it. */
START_TEST(request_and_reply_arrive_whole)
{
	struct lane *lane = lane_make(LANE_RING_MIN);
	struct lane_end *end = lane_end_new(dup(lane_memory_fd(lane)), dup(lane_socket_fd(lane)), b.doorbell, PAYLOAD_LIMIT);
	ck_assert_ptr_nonnull(end);
	lane_handed_over(lane);
	const struct lane_request sent = { .task_id = UINT64_MAX - 1, .attempt = 3, .items = 2, .timeout_ns = 123456789, .run_as = 4000000001,
		.name = "resize-it", .name_length = 6, .args = "[1,2]", .args_length = 5 };
	uint32_t seq;
	ck_assert_int_eq(lane_send(lane, &sent, &seq), LANE_OK);
	lane_kick(lane);
	struct lane_request taken;
	ck_assert_int_eq(lane_end_take(end, &taken), LANE_OK);
	ck_assert_uint_eq(taken.task_id, sent.task_id);
	ck_assert_uint_eq(taken.attempt, 3);
	ck_assert_uint_eq(taken.items, 2);
	ck_assert_int_eq(taken.timeout_ns, 123456789);
	ck_assert_uint_eq(taken.run_as, 4000000001);
	ck_assert_str_eq(taken.name, "resize");
	ck_assert_uint_eq(taken.name_length, 6);
	ck_assert_uint_eq(taken.args_length, 5);
	ck_assert_int_eq(memcmp(taken.args, "[1,2]", 5), 0);
	const struct lane_reply said = { .word = LANE_FAILED, .started_ns = 5, .ended_ns = -6, .code = -7,
		.flags = LANE_FLAG_BAD_ARGS, .rss_kib = 99, .progress = 0.25, .message = "no such picture" };
	ck_assert_int_eq(lane_end_reply(end, &said, "{}", 2), LANE_OK);
	struct lane_reply heard;
	ck_assert_int_eq(lane_receive(lane, &heard), LANE_OK);
	ck_assert_int_eq(heard.word, LANE_FAILED);
	ck_assert_uint_eq(heard.seq, seq);
	ck_assert_uint_eq(heard.task_id, sent.task_id);
	ck_assert_int_eq(heard.started_ns, 5);
	ck_assert_int_eq(heard.ended_ns, -6);
	ck_assert_int_eq(heard.code, -7);
	ck_assert_uint_eq(heard.flags, LANE_FLAG_BAD_ARGS);
	ck_assert_uint_eq(heard.rss_kib, 99);
	ck_assert_double_eq(heard.progress, 0.25);
	ck_assert_str_eq(heard.message, "no such picture");
	ck_assert_uint_eq(heard.payload->size, 2);
	bytes_unref(heard.payload);
	ck_assert_int_eq(lane_receive(lane, &heard), LANE_NONE);
	lane_end_free(end);
	lane_free(lane);
}
END_TEST

START_TEST(a_look_tells_whether_there_is_a_reply_until_the_lane_is_broken)
{
	struct lane_request taken;
	struct lane_reply heard;
	send_ok(b.lane, "[]");
	ck_assert(!lane_has_reply(b.lane));
	ck_assert_int_eq(lane_end_take(b.end, &taken), LANE_OK);
	ck_assert(!lane_has_reply(b.lane));
	ck_assert_int_eq(say(b.end, LANE_SUCCEEDED, "1", 1), LANE_OK);
	ck_assert(lane_has_reply(b.lane));
	ck_assert_int_eq(lane_receive(b.lane, &heard), LANE_OK);
	bytes_unref(heard.payload);
	ck_assert(!lane_has_reply(b.lane));
	/* An index far ahead of what can be there. */
	atomic_store(&lane_memory_of(b.lane)->shared->completions.tail, UINT32_MAX / 2);
	ck_assert(lane_has_reply(b.lane));
	ck_assert_int_eq(lane_receive(b.lane, &heard), LANE_BROKEN);
	ck_assert(!lane_has_reply(b.lane));
}
END_TEST

START_TEST(empty_payloads_are_none)
{
	struct lane_request request;
	struct lane_reply reply;
	send_ok(b.lane, "");
	ck_assert_int_eq(lane_end_take(b.end, &request), LANE_OK);
	ck_assert_uint_eq(request.args_length, 0);
	ck_assert_int_eq(say(b.end, LANE_SUCCEEDED, NULL, 0), LANE_OK);
	ck_assert_int_eq(lane_receive(b.lane, &reply), LANE_OK);
	ck_assert_ptr_null(reply.payload);
	ck_assert_int_ge(reply.ended_ns, reply.started_ns);
	ck_assert_int_gt(reply.started_ns, 0);
}
END_TEST

static const size_t sizes[] = { 1, 7, LANE_INLINE_LIMIT - 1, LANE_INLINE_LIMIT, LANE_INLINE_LIMIT + 1, 1 << 20, 20 << 20,
	PAYLOAD_LIMIT };
START_TEST(payload_of_any_size_comes_back)
{
	for (int times = 0; times < 3; times++) {
		char *text = letters(sizes[_i], (unsigned)times);
		uint32_t seq = send_ok(b.lane, text);
		echo_one(b.end, text);
		hear_one(b.lane, seq, text);
		free(text);
	}
}
END_TEST

START_TEST(result_over_the_limit_fails_its_task_only)
{
	struct lane_request request;
	struct lane_reply reply;
	char *text = letters(PAYLOAD_LIMIT + 1, 0);
	send_ok(b.lane, "1");
	ck_assert_int_eq(lane_end_take(b.end, &request), LANE_OK);
	ck_assert_int_eq(say(b.end, LANE_SUCCEEDED, text, PAYLOAD_LIMIT + 1), LANE_OK);
	ck_assert_int_eq(lane_receive(b.lane, &reply), LANE_OK);
	ck_assert_int_eq(reply.word, LANE_FAILED);
	ck_assert_uint_eq(reply.flags, LANE_FLAG_TOO_LARGE);
	ck_assert_ptr_null(reply.payload);
	free(text);
	uint32_t seq = send_ok(b.lane, "2");
	echo_one(b.end, "2");
	hear_one(b.lane, seq, "2");
}
END_TEST

START_TEST(progress_leaves_the_request_taken)
{
	struct lane_request request;
	struct lane_reply reply;
	uint32_t seq = send_ok(b.lane, "1");
	ck_assert_int_eq(lane_end_take(b.end, &request), LANE_OK);
	for (int i = 0; i < 3; i++) {
		const struct lane_reply progress = { .word = LANE_PROGRESS, .progress = 0.5 };
		ck_assert_int_eq(lane_end_reply(b.end, &progress, "half", 4), LANE_OK);
		ck_assert_int_eq(lane_receive(b.lane, &reply), LANE_OK);
		ck_assert_int_eq(reply.word, LANE_PROGRESS);
		ck_assert_uint_eq(reply.seq, seq);
		bytes_unref(reply.payload);
	}
	ck_assert_int_eq(say(b.end, LANE_SUCCEEDED, request.args, request.args_length), LANE_OK);
	hear_one(b.lane, seq, "1");
}
END_TEST

START_TEST(small_ones_run_until_the_book_is_full)
{
	uint32_t seq;
	int sent = 0;
	while (send_args(b.lane, "", 0, &seq) == LANE_OK)
		sent++;
	ck_assert_int_eq(sent, 256);
	echo_one(b.end, "");
	ck_assert_int_eq(hear(b.lane), LANE_OK);
	ck_assert_int_eq(send_args(b.lane, "", 0, &seq), LANE_OK);
	ck_assert_int_eq(send_args(b.lane, "", 0, &seq), LANE_NONE);
}
END_TEST

START_TEST(big_ones_run_until_the_ring_is_full)
{
	char *text = letters(LANE_INLINE_LIMIT, 0);
	uint32_t seqs[8], seq;
	int sent = 0;
	for (int round = 0; round < 20; round++) {
		while (send_args(b.lane, text, LANE_INLINE_LIMIT, &seqs[sent]) == LANE_OK)
			sent++;
		ck_assert_int_eq(sent, 3);
		echo_one(b.end, text);
		/* The slot has passed it, but it has not been heard: its bytes stay. */
		ck_assert_int_eq(send_args(b.lane, text, LANE_INLINE_LIMIT, &seq), LANE_NONE);
		hear_one(b.lane, seqs[0], text);
		echo_one(b.end, text);
		echo_one(b.end, text);
		hear_one(b.lane, seqs[1], text);
		hear_one(b.lane, seqs[2], text);
		sent = 0;
	}
	free(text);
}
END_TEST

/* --- taking back --- */

START_TEST(revoked_request_is_never_taken)
{
	uint32_t one = send_ok(b.lane, "1"), two = send_ok(b.lane, "2"), three = send_ok(b.lane, "3");
	ck_assert(lane_revoke(b.lane, two));
	ck_assert(!lane_revoke(b.lane, two));
	echo_one(b.end, "1");
	echo_one(b.end, "3");
	hear_one(b.lane, one, "1");
	hear_one(b.lane, three, "3");
	ck_assert(!lane_revoke(b.lane, one));
	ck_assert(!lane_revoke(b.lane, three + 1));
}
END_TEST

START_TEST(taken_request_is_not_revoked)
{
	struct lane_request request;
	uint32_t seq = send_ok(b.lane, "1");
	ck_assert_int_eq(lane_end_take(b.end, &request), LANE_OK);
	ck_assert(!lane_revoke(b.lane, seq));
	ck_assert_int_eq(say(b.end, LANE_SUCCEEDED, "x", 1), LANE_OK);
	ck_assert(!lane_revoke(b.lane, seq));
	hear_one(b.lane, seq, "x");
	ck_assert(!lane_revoke(b.lane, seq));
}
END_TEST

START_TEST(revoked_large_payload_is_drained)
{
	char *text = letters(100000, 0);
	for (int i = 0; i < 50; i++) {
		text[0] = (char)('A' + i % 26);
		uint32_t large = send_ok(b.lane, text);
		ck_assert(lane_revoke(b.lane, large));
		uint32_t small = send_ok(b.lane, "s");
		echo_one(b.end, "s");
		hear_one(b.lane, small, "s");
	}
	uint32_t large = send_ok(b.lane, text);
	echo_one(b.end, text);
	hear_one(b.lane, large, text);
	free(text);
}
END_TEST

START_TEST(one_large_payload_is_on_its_way_at_a_time)
{
	uint32_t seq;
	char *text = letters(100000, 0);
	uint32_t large = send_ok(b.lane, text);
	ck_assert_int_eq(send_args(b.lane, text, 100000, &seq), LANE_NONE);
	uint32_t small = send_ok(b.lane, "s");
	echo_one(b.end, text);
	hear_one(b.lane, large, text);
	ck_assert_int_eq(send_args(b.lane, text, 100000, &seq), LANE_OK);
	echo_one(b.end, "s");
	hear_one(b.lane, small, "s");
	free(text);
}
END_TEST

static void *take_one(void *end)
{
	struct lane_request request;
	return (void *)(intptr_t)lane_end_take(end, &request);
}

/* A slot that only skips what was revoked says nothing: whoever waits for that room must be woken all the same. */
START_TEST(room_that_comes_back_in_silence_rings)
{
	uint32_t seq;
	char *text = letters(100000, 0);
	uint32_t large = send_ok(b.lane, text);
	ck_assert(lane_revoke(b.lane, large));
	ck_assert_int_eq(send_args(b.lane, text, 100000, &seq), LANE_NONE);
	ck_assert(lane_sleep(b.lane, false));
	pthread_t slot;
	pthread_create(&slot, NULL, take_one, b.end);
	struct pollfd wait = { .fd = b.doorbell, .events = POLLIN };
	ck_assert_int_eq(poll(&wait, 1, BOUND_MS), 1);
	lane_wake(b.lane);
	ck_assert(!lane_sleep(b.lane, false));
	ck_assert_int_eq(send_args(b.lane, text, 100000, &seq), LANE_OK);
	void *status;
	pthread_join(slot, &status);
	ck_assert_int_eq((intptr_t)status, LANE_OK);
	ck_assert(lane_sleep(b.lane, false));
	free(text);
}
END_TEST

#define RACES 100000u
static uint32_t races_taken;

static void *take_all(void *end)
{
	struct lane_request request;
	while (lane_end_take(end, &request) == LANE_OK) {
		if (say(end, LANE_SUCCEEDED, request.args, request.args_length) != LANE_OK)
			abort();
		races_taken++;
	}
	return NULL;
}

START_TEST(revoke_or_take_exactly_one_wins)
{
	pthread_t slot;
	uint32_t revoked = 0, answered = 0, lost = 0, seq;
	struct lane_reply reply;
	pthread_create(&slot, NULL, take_all, b.end);
	for (uint32_t i = 0; i < RACES;) {
		uint32_t seqs[4];
		uint32_t n = 0;
		while (n < 1 + i % 4 && i + n < RACES && send_args(b.lane, "[]", 2, &seq) == LANE_OK)
			seqs[n++] = seq;
		/* Of every few the first is left to the slot, which may otherwise never be quick enough. */
		uint32_t lives = n, left = i % 8 == 0;
		for (uint32_t k = n; k-- > left;)
			if (lane_revoke(b.lane, seqs[k])) {
				seqs[k] = 0; /* 0 is one of the numbers, but far from these */
				revoked++;
				lives--;
			}
		while (lives > 0) {
			int status = lane_receive(b.lane, &reply);
			if (status == LANE_NONE) {
				ck_assert(master_waits(b.lane, b.doorbell));
				continue;
			}
			ck_assert_int_eq(status, LANE_OK);
			bool known = false;
			for (uint32_t k = 0; k < n; k++)
				known |= seqs[k] == reply.seq;
			lost += !known;
			answered++;
			lives--;
			bytes_unref(reply.payload);
		}
		i += n;
	}
	lane_stop(b.lane);
	pthread_join(slot, NULL);
	ck_assert_int_eq(hear(b.lane), LANE_NONE);
	ck_assert_uint_eq(lost, 0);
	ck_assert_uint_eq(revoked + answered, RACES);
	ck_assert_uint_eq(races_taken, answered);
	ck_assert_uint_gt(revoked, 0);
	ck_assert_uint_gt(answered, 0);
}
END_TEST

/* --- what the master may know of it meanwhile --- */

START_TEST(start_is_known_once_taken_and_not_believed)
{
	struct lane_request request;
	int64_t sent_ns = clock_mono_ns();
	uint32_t one = send_ok(b.lane, "1"), two = send_ok(b.lane, "2");
	ck_assert_int_eq(lane_started(b.lane, one, sent_ns, clock_mono_ns()), 0);
	ck_assert_int_eq(lane_end_take(b.end, &request), LANE_OK);
	int64_t now_ns = clock_mono_ns();
	int64_t started_ns = lane_started(b.lane, one, sent_ns, now_ns);
	ck_assert_int_ge(started_ns, sent_ns);
	ck_assert_int_le(started_ns, now_ns);
	ck_assert_int_eq(lane_started(b.lane, two, sent_ns, now_ns), 0);
	struct lane_shared *shared = lane_memory_of(b.lane)->shared;
	atomic_store(&shared->started_ns, INT64_MIN);
	ck_assert_int_eq(lane_started(b.lane, one, sent_ns, now_ns), sent_ns);
	atomic_store(&shared->started_ns, INT64_MAX);
	ck_assert_int_eq(lane_started(b.lane, one, sent_ns, now_ns), now_ns);
	atomic_store(&shared->current, 0);
	ck_assert_int_eq(lane_started(b.lane, one, sent_ns, now_ns), now_ns);
}
END_TEST

START_TEST(interrupt_reaches_the_one_it_is_for)
{
	struct lane_request request;
	uint32_t one = send_ok(b.lane, "1"), two = send_ok(b.lane, "2");
	ck_assert(!lane_end_interrupted(b.end));
	ck_assert_int_eq(lane_end_take(b.end, &request), LANE_OK);
	ck_assert(!lane_end_interrupted(b.end));
	lane_interrupt(b.lane, one);
	ck_assert(lane_end_interrupted(b.end));
	ck_assert_int_eq(say(b.end, LANE_FAILED, NULL, 0), LANE_OK);
	ck_assert(!lane_end_interrupted(b.end));
	ck_assert_int_eq(lane_end_take(b.end, &request), LANE_OK);
	ck_assert(!lane_end_interrupted(b.end));
	ck_assert_int_eq(hear(b.lane), LANE_OK);
	lane_interrupt(b.lane, one); /* over */
	ck_assert(!lane_end_interrupted(b.end));
	lane_interrupt(b.lane, two);
	ck_assert(lane_end_interrupted(b.end));
}
END_TEST

/* --- sleeping and waking --- */

START_TEST(doorbell_is_rung_once_and_only_for_a_sleeper)
{
	send_ok(b.lane, "1");
	send_ok(b.lane, "2");
	send_ok(b.lane, "3");
	echo_one(b.end, "1");
	ck_assert(!rung(b.doorbell));
	ck_assert(!lane_sleep(b.lane, false)); /* it has said something already */
	ck_assert_int_eq(hear(b.lane), LANE_OK);
	ck_assert(lane_sleep(b.lane, false));
	echo_one(b.end, "2");
	ck_assert(rung(b.doorbell));
	echo_one(b.end, "3");
	ck_assert(!rung(b.doorbell));
}
END_TEST

/* Who looks by himself is not woken for what is followed by more; and is not left asleep when nothing more comes. */
START_TEST(doorbell_of_one_that_dozes_is_rung_when_the_slot_has_nothing_left)
{
	struct lane_request request;
	uint32_t first = send_ok(b.lane, "1"), second = send_ok(b.lane, "2");
	ck_assert(lane_sleep(b.lane, true));
	ck_assert_int_eq(lane_end_take(b.end, &request), LANE_OK);
	ck_assert_int_eq(say(b.end, LANE_SUCCEEDED, "1", 1), LANE_OK);
	ck_assert(!rung(b.doorbell));
	ck_assert_int_eq(lane_end_take(b.end, &request), LANE_OK);
	ck_assert_int_eq(say(b.end, LANE_SUCCEEDED, "2", 1), LANE_OK);
	ck_assert(rung(b.doorbell));
	lane_wake(b.lane);
	hear_one(b.lane, first, "1");
	hear_one(b.lane, second, "2");
}
END_TEST

START_TEST(one_that_dozes_hears_what_is_no_answer_at_once)
{
	struct lane_request request;
	send_ok(b.lane, "1");
	send_ok(b.lane, "2");
	ck_assert_int_eq(lane_end_take(b.end, &request), LANE_OK);
	ck_assert(lane_sleep(b.lane, true));
	ck_assert_int_eq(say(b.end, LANE_PROGRESS, "half", 4), LANE_OK);
	ck_assert(rung(b.doorbell));
	ck_assert(!lane_sleep(b.lane, true));
	ck_assert_int_eq(hear(b.lane), LANE_OK);
	ck_assert(lane_sleep(b.lane, true));
	ck_assert(lane_end_output(b.end, 0, 0, "x", 1));
	ck_assert(rung(b.doorbell));
}
END_TEST

/* It fell asleep before it heard an answer that was given without a ring. */
START_TEST(one_that_dozed_finds_what_was_said_when_it_looks)
{
	uint32_t first = send_ok(b.lane, "1");
	send_ok(b.lane, "2");
	ck_assert(lane_sleep(b.lane, true));
	echo_one(b.end, "1");
	ck_assert(!rung(b.doorbell));
	lane_wake(b.lane);
	ck_assert(!lane_sleep(b.lane, true));
	hear_one(b.lane, first, "1");
	ck_assert(lane_sleep(b.lane, false));
	echo_one(b.end, "2");
	ck_assert(rung(b.doorbell));
}
END_TEST

START_TEST(stop_leaves_what_was_not_taken)
{
	struct lane_request request;
	uint32_t one = send_ok(b.lane, "1"), two = send_ok(b.lane, "2");
	ck_assert_int_eq(lane_end_take(b.end, &request), LANE_OK);
	lane_stop(b.lane);
	ck_assert_int_eq(say(b.end, LANE_SUCCEEDED, "1", 1), LANE_OK);
	ck_assert_int_eq(lane_end_take(b.end, &request), LANE_NONE);
	hear_one(b.lane, one, "1");
	ck_assert(lane_revoke(b.lane, two));
}
END_TEST

START_TEST(stop_wakes_a_sleeping_slot)
{
	pthread_t slot;
	void *status;
	pthread_create(&slot, NULL, take_one, b.end);
	struct lane_shared *shared = lane_memory_of(b.lane)->shared;
	while (!atomic_load(&shared->slot_asleep))
		sched_yield();
	lane_stop(b.lane);
	pthread_join(slot, &status);
	ck_assert_int_eq((intptr_t)status, LANE_NONE);
}
END_TEST

START_TEST(no_wake_up_is_lost)
{
	pthread_t slot;
	pthread_create(&slot, NULL, take_all, b.end);
	for (int i = 0; i < 20000; i++) {
		send_ok(b.lane, "[1]");
		int status;
		while ((status = hear(b.lane)) == LANE_NONE)
			ck_assert_msg(master_waits(b.lane, b.doorbell), "round %d: no doorbell", i);
		ck_assert_int_eq(status, LANE_OK);
	}
	lane_stop(b.lane);
	pthread_join(slot, NULL);
}
END_TEST

static void *say_much(void *end)
{
	struct lane_request request;
	char *text = letters(LANE_INLINE_LIMIT, 1);
	if (lane_end_take(end, &request) != LANE_OK)
		abort();
	for (int i = 0; i < 500; i++)
		if (say(end, i < 499 ? LANE_PROGRESS : LANE_SUCCEEDED, text, LANE_INLINE_LIMIT) != LANE_OK)
			abort();
	free(text);
	return NULL;
}

START_TEST(slot_that_is_too_fast_waits_for_room)
{
	pthread_t slot;
	send_ok(b.lane, "1");
	pthread_create(&slot, NULL, say_much, b.end);
	struct lane_shared *shared = lane_memory_of(b.lane)->shared;
	while (!atomic_load(&shared->slot_wants_room))
		sched_yield();
	for (int heard = 0; heard < 500;) {
		int status = hear(b.lane);
		if (status == LANE_NONE)
			ck_assert(master_waits(b.lane, b.doorbell));
		else
			ck_assert_int_eq(status, LANE_OK);
		heard += status == LANE_OK;
	}
	pthread_join(slot, NULL);
	ck_assert_int_eq(hear(b.lane), LANE_NONE);
}
END_TEST

/* --- the very moment of falling asleep ---
 * Who falls asleep first raises a flag, and that is the first that it writes into the header. So the header is made
 * read-only for it: the write faults, and in its handler the other side does, before the flag is up, what the sleeper
 * would wait for. The other side sees no flag and wakes nobody. */

static void (*meanwhile)(void);
static uint8_t *guarded;
static int interrupted;

static void on_fault(int number)
{
	(void)number;
	interrupted++;
	if (interrupted > 1 || mprotect(guarded, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE) < 0)
		_exit(3);
	meanwhile();
}

#ifdef __SANITIZE_THREAD__
/* Such a fault comes at one known place, outside of malloc and the like: that its handler calls them is no mistake.
 * Nothing else in this program handles signals; reports of races are as ever. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "report_signal_unsafe=0";
}
#endif

static void guard(uint8_t *header, void (*other_side)(void))
{
	meanwhile = other_side;
	guarded = header;
	interrupted = 0;
	ck_assert_int_eq(mprotect(header, (size_t)sysconf(_SC_PAGESIZE), PROT_READ), 0);
}

/* A lane whose ends have mappings of their own, and on_fault in place. */
static void setup_guarded(void)
{
	const struct sigaction action = { .sa_handler = on_fault };
	b.lane = lane_make(LANE_RING_MIN);
	b.doorbell = doorbell_make();
	b.end = lane_end_new(dup(lane_memory_fd(b.lane)), dup(lane_socket_fd(b.lane)), b.doorbell, PAYLOAD_LIMIT);
	ck_assert_ptr_nonnull(b.end);
	ck_assert_int_eq(sigaction(SIGSEGV, &action, NULL), 0);
}

static void send_meanwhile(void)
{
	send_ok(b.lane, "[1]");
}

START_TEST(request_is_seen_that_comes_before_the_slots_flag)
{
	guard(lane_end_memory(b.end)->base, send_meanwhile);
	echo_one(b.end, "[1]"); /* or sleeps for ever */
	ck_assert_int_eq(interrupted, 1);
}
END_TEST

static void hear_meanwhile(void)
{
	while (hear(b.lane) == LANE_OK)
		;
}

START_TEST(room_is_seen_that_comes_before_the_slots_flag)
{
	struct lane_request request;
	char *text = letters(LANE_INLINE_LIMIT, 1);
	send_ok(b.lane, "1");
	ck_assert_int_eq(lane_end_take(b.end, &request), LANE_OK);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(say(b.end, LANE_PROGRESS, text, LANE_INLINE_LIMIT), LANE_OK);
	guard(lane_end_memory(b.end)->base, hear_meanwhile);
	ck_assert_int_eq(say(b.end, LANE_PROGRESS, text, LANE_INLINE_LIMIT), LANE_OK); /* or sleeps for ever */
	ck_assert_int_eq(interrupted, 1);
	free(text);
}
END_TEST

static void echo_meanwhile(void)
{
	echo_one(b.end, "[1]");
}

START_TEST(reply_is_seen_that_comes_before_the_masters_flag)
{
	uint32_t seq = send_ok(b.lane, "[1]");
	guard(lane_memory_of(b.lane)->base, echo_meanwhile);
	ck_assert(!lane_sleep(b.lane, false));
	ck_assert_int_eq(interrupted, 1);
	ck_assert(!rung(b.doorbell));
	hear_one(b.lane, seq, "[1]");
}
END_TEST

/* --- everything at once, with contents --- */

#define STRESS 20000u

static size_t stress_size(unsigned *seed)
{
	unsigned x = (unsigned)rand_r(seed);
	if (x % 256 == 0)
		return LANE_INLINE_LIMIT + 1 + x / 256 % 200000;
	return x % 16 == 0 ? x / 16 % (LANE_INLINE_LIMIT + 1) : x / 16 % 300;
}

START_TEST(two_threads_lose_and_mix_nothing)
{
	pthread_t slot;
	unsigned seed = 42;
	uint32_t sent = 0, heard = 0;
	size_t lengths[256];
	uint32_t seqs[256];
	char *source = letters(LANE_INLINE_LIMIT + 300000, 0);
	pthread_create(&slot, NULL, take_all, b.end);
	size_t next = stress_size(&seed);
	while (heard < STRESS) {
		while (sent < STRESS && send_args(b.lane, source + sent % 1000, next, &seqs[sent % 256]) == LANE_OK) {
			lengths[sent++ % 256] = next;
			next = stress_size(&seed);
		}
		struct lane_reply reply;
		int status = lane_receive(b.lane, &reply);
		if (status == LANE_NONE) {
			ck_assert(master_waits(b.lane, b.doorbell));
			continue;
		}
		ck_assert_int_eq(status, LANE_OK);
		size_t length = lengths[heard % 256];
		if (reply.seq != seqs[heard % 256] || (reply.payload ? reply.payload->size : 0) != length ||
			(length && memcmp(reply.payload->data, source + heard % 1000, length) != 0))
			ck_abort_msg("reply %u is not what was sent", heard);
		bytes_unref(reply.payload);
		heard++;
	}
	lane_stop(b.lane);
	pthread_join(slot, NULL);
	free(source);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lane");
	TCase *tcase = tcase_create("requests and replies");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, request_and_reply_arrive_whole);
	tcase_add_test(tcase, a_look_tells_whether_there_is_a_reply_until_the_lane_is_broken);
	tcase_add_test(tcase, empty_payloads_are_none);
	tcase_add_loop_test(tcase, payload_of_any_size_comes_back, 0, sizeof sizes / sizeof *sizes);
	tcase_add_test(tcase, result_over_the_limit_fails_its_task_only);
	tcase_add_test(tcase, progress_leaves_the_request_taken);
	tcase_add_test(tcase, small_ones_run_until_the_book_is_full);
	tcase_add_test(tcase, big_ones_run_until_the_ring_is_full);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("taking back");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, revoked_request_is_never_taken);
	tcase_add_test(tcase, taken_request_is_not_revoked);
	tcase_add_test(tcase, revoked_large_payload_is_drained);
	tcase_add_test(tcase, one_large_payload_is_on_its_way_at_a_time);
	tcase_add_test(tcase, room_that_comes_back_in_silence_rings);
	tcase_add_test(tcase, revoke_or_take_exactly_one_wins);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("meanwhile");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, start_is_known_once_taken_and_not_believed);
	tcase_add_test(tcase, interrupt_reaches_the_one_it_is_for);
	tcase_add_test(tcase, doorbell_is_rung_once_and_only_for_a_sleeper);
	tcase_add_test(tcase, doorbell_of_one_that_dozes_is_rung_when_the_slot_has_nothing_left);
	tcase_add_test(tcase, one_that_dozes_hears_what_is_no_answer_at_once);
	tcase_add_test(tcase, one_that_dozed_finds_what_was_said_when_it_looks);
	tcase_add_test(tcase, stop_leaves_what_was_not_taken);
	tcase_add_test(tcase, stop_wakes_a_sleeping_slot);
	tcase_add_test(tcase, no_wake_up_is_lost);
	tcase_add_test(tcase, slot_that_is_too_fast_waits_for_room);
	tcase_add_test(tcase, two_threads_lose_and_mix_nothing);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("falling asleep");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup_guarded, teardown);
	tcase_add_test(tcase, request_is_seen_that_comes_before_the_slots_flag);
	tcase_add_test(tcase, room_is_seen_that_comes_before_the_slots_flag);
	tcase_add_test(tcase, reply_is_seen_that_comes_before_the_masters_flag);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
