/* A program with a loop of its own: it lives in poll(2), submits a line of standard input as an echo task, and prints
 * what comes back. Nothing here ever waits for the daemon. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <taskd.h>
#include <unistd.h>

static size_t outstanding;

static void print(struct taskd_future *f, void *user)
{
	const char *result = taskd_future_result(f, NULL);

	(void)user;
	puts(result ? result : taskd_future_error(f)->message);
	outstanding--;
	taskd_future_free(f);
}

/* A number, so that it is JSON already. */
static void submit(struct taskd *c, const char *line)
{
	struct taskd_future *f;
	char args[64];

	snprintf(args, sizeof(args), "[%d]", atoi(line));
	f = taskd_submit(c, "echo", args, NULL);
	if (!f) {
		fprintf(stderr, "loop: %s\n", taskd_future_error(NULL)->message);
		exit(EXIT_FAILURE);
	}
	outstanding++;
	taskd_add_done_callback(f, print, NULL);
}

int main(void)
{
	struct taskd *c = taskd_connect(NULL, NULL);
	enum taskd_error error = c ? TASKD_OK : taskd_last_error(NULL);
	char buffer[4096];
	size_t length = 0;
	bool input = true;

	while (!error && (input || outstanding > 0)) {
		struct pollfd fds[] = {
			{ .fd = taskd_fd(c), .events = (short)(POLLIN | (taskd_wants_write(c) ? POLLOUT : 0)) },
			{ .fd = input ? STDIN_FILENO : -1, .events = POLLIN },
		};
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents) {
			ssize_t got = read(STDIN_FILENO, buffer + length, sizeof(buffer) - 1 - length);
			char *line = buffer, *end;
			input = got > 0;
			length += got > 0 ? (size_t)got : 0;
			buffer[length] = '\0';
			for (; (end = strchr(line, '\n')); line = end + 1)
				submit(c, line);
			length = strlen(line);
			memmove(buffer, line, length);
		}
		if (fds[0].revents) {
			error = taskd_dispatch(c, 0);
			if (error == TASKD_E_TIMEOUT) /* nothing came: it was about writing */
				error = TASKD_OK;
		}
	}
	if (error)
		fprintf(stderr, "loop: %s\n", taskd_future_error(NULL)->message);
	taskd_close(c);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
