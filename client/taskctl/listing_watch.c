/* list --watch on a terminal: the table again and again, on the terminal's other screen. The daemon tells when something
 * has changed; then it is asked once, however much has, and not more than a few times a second. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "client/taskctl/events.h"
#include "client/taskctl/filter.h"
#include "client/taskctl/listing.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"

#define FETCH_EVERY_MS 250
#define DRAW_EVERY_MS 1000 /* "3s ago" grows old */
#define HEADING_LINES 3    /* the first line, an empty one, and the table's own */

struct screen {
	struct taskctl *ctl;
	struct listing listing;
	size_t wanted; /* no more than that, also where there is room */
	size_t room;   /* lines that there are for tasks, as of the last look */
	bool changed;  /* since the last look */
	bool shown;    /* the other screen is */
	bool over;     /* the watch is */
	int status;
	json_t *records;
	bool more;
	int64_t fetched_ms, drawn_ms;
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void show(struct screen *screen)
{
	/* A line that is too long is cut, so that a task has one line, and the screen room for as many as it has lines. */
	fputs("\033[?1049h\033[?25l\033[?7l", stdout);
	screen->shown = screen->ctl->full_screen = true;
}

static void hide(struct screen *screen)
{
	if (screen->shown)
		fputs("\033[?7h\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	screen->shown = screen->ctl->full_screen = false;
}

static void event_came(void *user, const struct taskd_event *event)
{
	struct screen *screen = user;

	screen->changed = true;
	if (event->kind != TASKD_EVENT_END)
		return;
	/* An error has to be on the screen that stays. */
	hide(screen);
	screen->over = true;
	screen->status = report_failure(screen->ctl, NULL, event->failure);
}

static size_t height(void)
{
	struct winsize window;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_row > HEADING_LINES + 1
		? window.ws_row - HEADING_LINES - 1u
		: 20;
}

static int fetch(struct screen *screen)
{
	json_t *records;
	int status;

	screen->room = height();
	screen->listing.limit = screen->wanted < screen->room ? screen->wanted : screen->room;
	screen->changed = false;
	status = listing_fetch(screen->ctl, &screen->listing, &records, &screen->more);
	if (status != EXIT_FINE)
		return status;
	json_decref(screen->records);
	screen->records = records;
	screen->fetched_ms = now_ms();
	screen->drawn_ms = 0;
	return EXIT_FINE;
}

/* All in one write, so that it does not flicker. */
static void draw(struct screen *screen)
{
	const struct writer *writer = screen->ctl->writer;
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	printf("\033[H\033[J%02d:%02d:%02d  ", tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (screen->ctl->away_told)
		puts("connection lost; trying to reconnect\n");
	else if (json_array_size(screen->records) == 0)
		puts("no tasks");
	else
		printf("%s%zu task%s; Ctrl-C ends this\n\n",
			!screen->more ? "" : screen->listing.oldest ? "the oldest " : "the newest ",
			json_array_size(screen->records), json_array_size(screen->records) == 1 ? "" : "s");
	writer->ops->table(writer, screen->listing.columns, screen->records);
	fflush(stdout);
	screen->drawn_ms = now_ms();
}

/* How long nothing has to be done. */
static int rest_ms(const struct screen *screen)
{
	int64_t next = screen->drawn_ms + DRAW_EVERY_MS, now = now_ms();

	if (!screen->ctl->away && screen->changed && screen->fetched_ms + FETCH_EVERY_MS < next)
		next = screen->fetched_ms + FETCH_EVERY_MS;
	return next > now ? (int)(next - now) : 0;
}

static int go_on(struct screen *screen, int interrupt)
{
	while (!screen->over) {
		/* Who is away is asked when he is back. */
		if (!screen->ctl->away && screen->changed && now_ms() >= screen->fetched_ms + FETCH_EVERY_MS) {
			int status = fetch(screen);

			if (status != EXIT_FINE) {
				hide(screen);
				/* What was wrong was told where it cannot be seen any more. */
				return screen->over ? status : fetch(screen);
			}
		}
		if (now_ms() >= screen->drawn_ms + DRAW_EVERY_MS) {
			draw(screen);
			screen->changed |= height() != screen->room;
		}
		if (taskctl_turn(screen->ctl, interrupt, rest_ms(screen)) == TURN_INTERRUPTED)
			return EXIT_FINE;
	}
	return screen->status;
}

int listing_watch(struct taskctl *ctl, const struct listing *listing, bool limited)
{
	/* One that leaves the states that are asked for is a change, too. */
	struct filter filter = *listing->filter;
	struct screen screen = { .ctl = ctl, .listing = *listing, .wanted = limited ? listing->limit : SIZE_MAX,
		.changed = true };
	int interrupt = interrupt_noted(), status = taskctl_connect(ctl);
	static char buffer[1 << 16];
	struct taskd_watch *watch;
	char *params;

	if (status != EXIT_FINE)
		return status;
	filter.states = (struct option_list){ 0 };
	params = events_params(NULL, &filter, true);
	watch = taskd_watch(ctl->connection, params, event_came, &screen);
	free(params);
	if (!watch)
		return report_last(ctl);
	setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
	status = fetch(&screen);
	if (status == EXIT_FINE) {
		show(&screen);
		status = go_on(&screen, interrupt);
		hide(&screen);
	}
	taskd_unwatch(watch);
	json_decref(screen.records);
	return status;
}
