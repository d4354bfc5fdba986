/* The bar of taskctl map: [=======>      ] 42% 4,200/10,000 2 failed 12s; and the lines that others make,
 * below each other. There is one stderr, so the state is the file's own. */
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
	char clear[40]; /* what takes it off the screen */
	size_t lines;   /* that are on the screen */
	size_t total, done, failed;
	int64_t begun_ns, drawn_ns;
} bar;

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

bool progress_is_shown(void)
{
	return bar.on;
}

void progress_begin(size_t total)
{
	const char *term = getenv("TERM");

	memset(&bar, 0, sizeof bar);
	bar.on = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
	bar.total = total;
	bar.begun_ns = now_ns();
}

/* As far as the terminal is wide: a line that is wrapped could not be taken off again. */
static int visible(const char *line, int length)
{
	struct winsize window;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 && length >= window.ws_col)
		length = window.ws_col - 1;
	while (length > 0 && ((unsigned char)line[length] & 0xc0) == 0x80)
		length--; /* not within a character */
	return length;
}

void progress_show(char *const *lines, size_t n)
{
	if (!bar.on || n == 0)
		return;
	fputc('\r', stderr);
	if (bar.shown && bar.lines > 1)
		fprintf(stderr, "\033[%zuA", bar.lines - 1);
	for (size_t i = 0; i < n; i++)
		fprintf(stderr, "%s%.*s\033[K", i > 0 ? "\n" : "", visible(lines[i], (int)strlen(lines[i])), lines[i]);
	if (bar.shown && bar.lines > n)
		fputs("\033[J", stderr);
	fflush(stderr);
	/* The handler of a signal reads these. */
	bar.shown = 0;
	bar.lines = n;
	if (n > 1)
		snprintf(bar.clear, sizeof bar.clear, "\r\033[%zuA\033[J", n - 1);
	else
		snprintf(bar.clear, sizeof bar.clear, "\r\033[K");
	bar.shown = 1;
	bar.drawn_ns = now_ns();
}

size_t progress_bar(double fraction, char *buf)
{
	size_t length = 0, filled = fraction > 0 ? (size_t)(fraction * BAR_WIDTH) : 0;

	buf[length++] = '[';
	for (size_t i = 0; i < BAR_WIDTH; i++)
		buf[length++] = i < filled ? '=' : i == filled ? '>' : ' ';
	return length +
		(size_t)sprintf(buf + length, "] %3d%%", fraction > 0 ? (int)((fraction < 1 ? fraction : 1) * 100) : 0);
}

static void draw(int64_t now)
{
	char elapsed[UNITS_TEXT_SIZE], line[256], *lines[] = { line };
	size_t length = 0;

	if (bar.total > 0) {
		length = progress_bar((double)(bar.done < bar.total ? bar.done : bar.total) / (double)bar.total, line);
		length += (size_t)sprintf(line + length, " %zu/%zu", bar.done, bar.total);
	} else {
		length += (size_t)sprintf(line, "%zu done", bar.done);
	}
	if (bar.failed > 0)
		length += (size_t)sprintf(line + length, ", %zu failed", bar.failed);
	now -= bar.begun_ns;
	units_human_duration(now - now % INT64_C(1000000), elapsed); /* microseconds are for nobody */
	sprintf(line + length, ", %s", elapsed);
	progress_show(lines, 1);
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
	fputs(bar.clear, stderr);
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
		ssize_t written = write(STDERR_FILENO, bar.clear, strlen(bar.clear));

		(void)written;
	}
}
