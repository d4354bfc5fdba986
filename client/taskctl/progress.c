/* The bar of taskctl map: [=======>      ] 42% 4,200/10,000 2 failed 12s. There is one stderr, so the state is the
 * file's own. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "client/taskctl/progress.h"
#include "proto/units.h"

#define DRAW_EVERY_NS INT64_C(100000000)
#define BAR_WIDTH 30

static struct {
	bool on;
	volatile sig_atomic_t shown;
	size_t total, done, failed;
	int64_t begun_ns, drawn_ns;
} bar;

static const char clear_line[] = "\r\033[K";

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

void progress_begin(size_t total)
{
	const char *term = getenv("TERM");

	memset(&bar, 0, sizeof bar);
	bar.on = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
	bar.total = total;
	bar.begun_ns = now_ns();
}

static void draw(int64_t now)
{
	char elapsed[UNITS_TEXT_SIZE], line[256];
	struct winsize window;
	int length = 0;
	size_t filled;

	if (bar.total > 0) {
		filled = bar.done >= bar.total ? BAR_WIDTH : bar.done * BAR_WIDTH / bar.total;
		line[length++] = '[';
		for (size_t i = 0; i < BAR_WIDTH; i++)
			line[length++] = i < filled ? '=' : i == filled ? '>' : ' ';
		length += snprintf(line + length, sizeof line - (size_t)length, "] %3zu%% %zu/%zu", bar.done * 100 / bar.total,
			bar.done, bar.total);
	} else {
		length += snprintf(line, sizeof line, "%zu done", bar.done);
	}
	if (bar.failed > 0)
		length += snprintf(line + length, sizeof line - (size_t)length, ", %zu failed", bar.failed);
	units_human_duration(now - bar.begun_ns, elapsed);
	length += snprintf(line + length, sizeof line - (size_t)length, ", %s", elapsed);
	/* A line that is wrapped could not be cleared again. */
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 && length >= window.ws_col)
		length = window.ws_col - 1;
	fprintf(stderr, "\r%.*s\033[K", length, line);
	fflush(stderr);
	bar.shown = 1;
	bar.drawn_ns = now;
}

void progress_total(size_t total)
{
	bar.total = total;
}

void progress_step(size_t done, size_t failed)
{
	int64_t now;

	if (!bar.on)
		return;
	bar.done = done;
	bar.failed = failed;
	now = now_ns();
	if (now - bar.drawn_ns >= DRAW_EVERY_NS)
		draw(now);
}

void progress_clear(void)
{
	if (!bar.shown)
		return;
	bar.shown = 0;
	fputs(clear_line, stderr);
	fflush(stderr);
}

void progress_end(void)
{
	progress_clear();
	bar.on = false;
}

void progress_clear_in_handler(void)
{
	if (bar.shown) {
		ssize_t written = write(STDERR_FILENO, clear_line, sizeof clear_line - 1);

		(void)written;
	}
}
