/* A text scanned in pieces says what it says when it is scanned in one go: for the fuzzing targets, and test_json_pieces.
 * Small texts are moved between any two pieces. */
#ifndef TESTS_FUZZ_PIECES_H
#define TESTS_FUZZ_PIECES_H

#include "fuzz.h"
#include "proto/jsonrpc.h"

#define PIECES_MOVED 256

/* Where the text is to be for the next piece. */
struct moving {
	const char *text;
	size_t length;
	char *copy; /* NULL: it stays */
};

static inline const char *moving_on(struct moving *moving)
{
	if (moving->length > PIECES_MOVED)
		return moving->text;
	char *copy = fuzz_copy(moving->text, moving->length);
	if (moving->copy)
		memset(moving->copy, 0xff, moving->length);
	free(moving->copy);
	moving->copy = copy;
	return copy;
}

/* BUDGET 0: another one for each piece, out of *SEED. */
static inline size_t pieces_budget(size_t budget, uint64_t *seed)
{
	if (budget)
		return budget;
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return 1 + (*seed >> 33) % ((*seed >> 60) ? 8 : 200);
}

static inline void pieces_same_span(
	const struct json_span *one, const char *text, const struct json_span *other, const char *moved)
{
	FUZZ_CHECK(one->kind == other->kind);
	FUZZ_CHECK(one->kind == JSON_NONE || (one->length == other->length && one->text - text == other->text - moved));
}

static inline void pieces_json(const char *text, size_t length, size_t budget, uint64_t seed)
{
	struct moving moving = { .text = text, .length = length };
	struct json_span one = { 0 }, other = { 0 };
	struct json_error error = { 0 }, other_error = { 0 };
	struct json_scan scan;
	const char *moved;
	size_t before, pieces = 0;
	int more;
	int status = json_scan(text, length, &one, NULL, &error);
	json_scan_begin(&scan, length, JSON_DEPTH_LIMIT, -1);
	do {
		before = scan.offset;
		moved = moving_on(&moving);
		more = json_scan_on(&scan, moved, pieces_budget(budget, &seed), &other, &other_error);
		FUZZ_CHECK(scan.offset >= before && scan.offset <= length && ++pieces <= 2 * length + 2);
	} while (more > 0);
	FUZZ_CHECK(more == status);
	if (more == 0) {
		pieces_same_span(&one, text, &other, moved);
	} else {
		FUZZ_CHECK(other_error.reason && !strcmp(error.reason, other_error.reason));
		FUZZ_CHECK(error.offset == other_error.offset);
	}
	json_scan_end(&scan);
	free(moving.copy);
}

static inline void pieces_rpc(const char *text, size_t length, size_t budget, uint64_t seed)
{
	struct moving moving = { .text = text, .length = length };
	struct rpc_request one, other;
	struct json_span batch, other_batch;
	enum proto_error error, other_error;
	const char *reason = NULL, *other_reason = NULL, *moved;
	struct rpc_reading reading;
	char said[128] = "";
	enum rpc_read status = rpc_read(text, length, &one, &batch, &error, &reason), more;
	if (status == RPC_BAD)
		snprintf(said, sizeof(said), "%s", reason);
	rpc_read_begin(&reading, length);
	do {
		moved = moving_on(&moving);
		more = rpc_read_on(&reading, moved, pieces_budget(budget, &seed), &other, &other_batch, &other_error,
			&other_reason);
	} while (more == RPC_MORE);
	FUZZ_CHECK(more == status);
	if (status == RPC_BATCH) {
		pieces_same_span(&batch, text, &other_batch, moved);
	} else {
		pieces_same_span(&one.id, text, &other.id, moved);
		pieces_same_span(&one.method, text, &other.method, moved);
		pieces_same_span(&one.params, text, &other.params, moved);
	}
	FUZZ_CHECK(status != RPC_BAD || (error == other_error && !strcmp(said, other_reason)));
	rpc_read_end(&reading);
	free(moving.copy);
}

#endif
