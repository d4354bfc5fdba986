/* What a command has said, as the master sees it, in memory that the worker may have written anything to. */
#include <unistd.h>

#include "fuzz.h"
#include "lane/capture.h"
#include "lane/capture_memory.h"
#include "scribble.h"

const char fuzz_name[] = "capture";
const unsigned fuzz_runs = 100000;

#define LIMIT 4096u
#define TASK 7u
#define ATTEMPT 1u

static void look(const struct capture *capture)
{
	struct capture_state state;
	if (!capture_look(capture, TASK, ATTEMPT, &state))
		return;
	FUZZ_CHECK(state.pid >= 0);
	for (int i = 0; i < CAPTURE_N_STREAMS; i++)
		FUZZ_CHECK(state.kept[i] <= LIMIT && state.total[i] >= state.kept[i] && state.total[i] <= INT64_MAX);
}

static void read_some(const struct capture *capture, struct fuzz_input *input)
{
	uint8_t how = fuzz_byte(input);
	uint64_t offset = fuzz_number(input, how & 2 ? 8 : 2);
	size_t size = (size_t)fuzz_number(input, 2) % (2 * LIMIT);
	char *room = malloc(size ? size : 1);
	long n = capture_read(capture, TASK, ATTEMPT, how & 1 ? CAPTURE_STDERR : CAPTURE_STDOUT, offset, room, size);
	FUZZ_CHECK(n >= -1 && n <= (long)size && (n <= 0 || offset + (uint64_t)n <= LIMIT));
	free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	static struct capture *capture;
	if (!capture) {
		capture = capture_new(LIMIT);
		FUZZ_CHECK(capture);
		const struct capture_memory *memory = capture_memory_of(capture);
		fuzz_guard(memory->base, (size_t)(memory->data[1] + LIMIT - memory->base));
	}
	struct capture_head *head = capture_memory_of(capture)->head;
	memset(head, 0, sizeof *head);
	atomic_store(&head->task_id, TASK);
	atomic_store(&head->attempt, ATTEMPT);
	for (int steps = 0; input.left && steps < 200; steps++) {
		uint8_t what = fuzz_byte(&input) % 6;
		if (what < 2)
			fuzz_scribble(&input, (uint8_t *)head, sizeof *head, sizeof *head);
		else if (what == 2)
			atomic_store(&head->flows[fuzz_byte(&input) & 1].kept, fuzz_number(&input, 8));
		else if (what == 3)
			look(capture);
		else if (what == 4)
			read_some(capture, &input);
		else
			capture_follow(capture, fuzz_number(&input, 8), fuzz_byte(&input), fuzz_byte(&input) & 1);
	}
	return 0;
}
