/* What a lane costs by itself, between two processes: requests a second with so many in flight, and the time of one
 * round trip. The master does nothing but send and hear; the slot echoes. */
#include "base/bytes.h"
#include "base/clock.h"
#include "lane/lane.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct lane *lane;
static int doorbell;
static unsigned long sleeps;

static void slot_run(void)
{
	struct lane_end *end = lane_end_new(dup(lane_memory_fd(lane)), dup(lane_socket_fd(lane)), doorbell, 1 << 26);
	struct lane_request request;
	const struct lane_reply reply = { .word = LANE_SUCCEEDED };
	if (end)
		while (lane_end_take(end, &request) == LANE_OK)
			if (lane_end_reply(end, &reply, request.args, request.args_length) != LANE_OK)
				break;
	_exit(0);
}

static void hear_or_sleep(unsigned *flying, unsigned long *heard)
{
	struct lane_reply reply;
	int status = lane_receive(lane, &reply);
	if (status == LANE_OK) {
		bytes_unref(reply.payload);
		(*flying)--;
		(*heard)++;
		return;
	}
	if (status != LANE_NONE)
		abort();
	if (!lane_sleep(lane, false))
		return;
	struct pollfd wait = { .fd = doorbell, .events = POLLIN };
	uint64_t n;
	sleeps++;
	if (poll(&wait, 1, -1) < 0 || read(doorbell, &n, sizeof n) < 0)
		abort();
	lane_wake(lane);
}

static void measure(unsigned window, size_t size, unsigned long count)
{
	char *args = calloc(1, size);
	const struct lane_request request = { .task_id = 1, .attempt = 1, .name = "echo", .name_length = 4, .args = args,
		.args_length = size };
	unsigned flying = 0;
	unsigned long sent = 0, heard = 0;
	sleeps = 0;
	int64_t begin_ns = clock_mono_ns();
	while (heard < count) {
		uint32_t seq;
		while (flying < window && sent < count && lane_send(lane, &request, &seq) == LANE_OK) {
			flying++;
			sent++;
		}
		lane_kick(lane);
		hear_or_sleep(&flying, &heard);
	}
	double seconds = (double)(clock_mono_ns() - begin_ns) / 1e9;
	printf("%8zu bytes %4u in flight %10.0f/s %8.0f ns each %6.3f sleeps each\n", size, window, (double)count / seconds,
		seconds * 1e9 / (double)count, (double)sleeps / (double)count);
	free(args);
}

int main(void)
{
	const struct lane_options options = { .request_ring = 1 << 18, .completion_ring = 1 << 18, .payload_limit = 1 << 26 };
	static const unsigned windows[] = { 1, 2, 8, 64, 256 };
	lane = lane_new(&options);
	doorbell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (!lane || doorbell < 0)
		return EXIT_FAILURE;
	pid_t pid = fork();
	if (pid < 0)
		return EXIT_FAILURE;
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		slot_run();
	}
	lane_handed_over(lane);
	for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
		measure(windows[i], 16, windows[i] < 8 ? 100000 : 1000000);
	measure(1, 16384, 30000);
	measure(1, 65536, 5000);
	measure(1, 64 << 20, 5);
	lane_stop(lane);
	waitpid(pid, NULL, 0);
	lane_free(lane);
	return EXIT_SUCCESS;
}
