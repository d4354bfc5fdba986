/* A lane with both of its ends in one process, for tests. */
#ifndef TESTS_UNIT_LANE_FIXTURE_H
#define TESTS_UNIT_LANE_FIXTURE_H

#include "base/bytes.h"
#include "base/clock.h"
#include "lane/lane.h"
#include "lane/payload.h"
#include "lane/records.h"

#include <check.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAYLOAD_LIMIT ((size_t)32 << 20)
#define BOUND_MS 20000 /* of what must come: only a test that fails waits for so long */

struct both {
	struct lane *lane;
	struct lane_end *end;
	int doorbell;
};

static inline struct lane *lane_make(uint32_t ring)
{
	const struct lane_options options = { .request_ring = ring, .completion_ring = ring, .payload_limit = PAYLOAD_LIMIT };
	struct lane *lane = lane_new(&options);
	ck_assert_ptr_nonnull(lane);
	return lane;
}

static inline int doorbell_make(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	return fd;
}

/* One mapping for both ends, so that a thread sanitizer sees what they do to each other. */
static inline struct both both_make(uint32_t ring)
{
	struct both both = { .lane = lane_make(ring), .doorbell = doorbell_make() };
	both.end = lane_end_attach(lane_memory_of(both.lane), dup(lane_socket_fd(both.lane)), both.doorbell, PAYLOAD_LIMIT);
	ck_assert_ptr_nonnull(both.end);
	return both;
}

static inline void both_free(struct both *both)
{
	lane_end_free(both->end);
	lane_free(both->lane);
	close(both->doorbell);
}

static inline int send_args(struct lane *lane, const char *args, size_t length, uint32_t *seq)
{
	const struct lane_request request = { .task_id = 7, .attempt = 1, .name = "echo", .name_length = 4,
		.args = args, .args_length = length };
	int status = lane_send(lane, &request, seq);
	lane_kick(lane);
	return status;
}

static inline uint32_t send_ok(struct lane *lane, const char *args)
{
	uint32_t seq;
	ck_assert_int_eq(send_args(lane, args, strlen(args), &seq), LANE_OK);
	return seq;
}

static inline int say(struct lane_end *end, enum lane_word word, const char *payload, size_t length)
{
	const struct lane_reply reply = { .word = word };
	return lane_end_reply(end, &reply, payload, length);
}

/* The request that is next, which must be ARGS, is answered with the same. */
static inline void echo_one(struct lane_end *end, const char *args)
{
	struct lane_request request;
	ck_assert_int_eq(lane_end_take(end, &request), LANE_OK);
	ck_assert_uint_eq(request.args_length, strlen(args));
	ck_assert_int_eq(memcmp(request.args, args, strlen(args)), 0);
	ck_assert_int_eq(say(end, LANE_SUCCEEDED, request.args, request.args_length), LANE_OK);
}

static inline void hear_one(struct lane *lane, uint32_t seq, const char *payload)
{
	struct lane_reply reply;
	ck_assert_int_eq(lane_receive(lane, &reply), LANE_OK);
	ck_assert_uint_eq(reply.seq, seq);
	ck_assert_int_eq(reply.word, LANE_SUCCEEDED);
	ck_assert_ptr_nonnull(reply.payload);
	ck_assert_uint_eq(reply.payload->size, strlen(payload));
	ck_assert_int_eq(memcmp(reply.payload->data, payload, strlen(payload)), 0);
	bytes_unref(reply.payload);
}

static inline int hear(struct lane *lane)
{
	struct lane_reply reply;
	int status = lane_receive(lane, &reply);
	if (status == LANE_OK)
		bytes_unref(reply.payload);
	return status;
}

static inline bool rung(int doorbell)
{
	uint64_t n;
	return read(doorbell, &n, sizeof n) == (ssize_t)sizeof n;
}

/* Sleeps as the master does until there may be something to hear. False: nothing came within the bound. */
static inline bool master_waits(struct lane *lane, int doorbell)
{
	if (!lane_sleep(lane, false))
		return true;
	struct pollfd wait = { .fd = doorbell, .events = POLLIN };
	bool came = poll(&wait, 1, BOUND_MS) == 1;
	lane_wake(lane);
	rung(doorbell);
	return came;
}

#endif
