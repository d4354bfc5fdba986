/* See store_fake.h. */
#include "store_fake.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lane/channel.h"
#include "lane/channel_memory.h"
#include "store/record.h"

static struct channel_end *end;
static char part[32];
static uint64_t part_n;
static int log_fd;
static uint64_t applied;
static bool refuses;
static struct store_buffer heard;

static bool plays(const char *name)
{
	return strcmp(part, name) == 0;
}

static _Noreturn void die(void)
{
	raise(SIGKILL);
	abort();
}

static void say_id(enum store_message message, uint64_t number, uint64_t id, const void *body)
{
	struct store_buffer out = { 0 };
	const struct store_header header = { .message = (uint16_t)message, .number = number, .id = id };
	if (!store_write(&out, &header, body) || channel_end_write(end, out.data, out.length) != LANE_OK)
		_exit(3);
	store_buffer_free(&out);
}

static void say(enum store_message message, uint64_t number, const void *body)
{
	say_id(message, number, 0, body);
}

static void take_part(void)
{
	const char *list = getenv("FAKE_STORE");
	char text[512] = "", *save = NULL;
	int starts = open("starts", O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (starts < 0 || write(starts, "x", 1) != 1)
		_exit(4);
	long nth = (long)lseek(starts, 0, SEEK_CUR);
	close(starts);
	snprintf(text, sizeof text, "%s", list ? list : "");
	char *word = strtok_r(text, ",", &save);
	for (long i = 1; word && i < nth; i++)
		word = strtok_r(NULL, ",", &save);
	snprintf(part, sizeof part, "%s", word ? word : "work");
	char *colon = strchr(part, ':');
	if (colon) {
		*colon = '\0';
		part_n = strtoull(colon + 1, NULL, 10);
	}
}

/* --- what it has of before --- */

static void tell_row(const struct store_row *row)
{
	static uint64_t told;
	if (plays("row") && told++ == part_n)
		die();
	say(STORE_ROW, 0, row);
}

static void tell_all(void)
{
	struct store_row row = { .kind = STORE_ROW_QUEUE, .queue.name = store_text_of("same", 4) };
	tell_row(&row);
	row.queue.name = store_text_of("other", 5);
	tell_row(&row);
	row = (struct store_row){ .kind = STORE_ROW_SCHEDULE, .schedule.name = store_text_of("same", 4) };
	tell_row(&row);
	for (uint64_t id = 1; id <= FAKE_TASKS; id++) {
		row = (struct store_row){ .kind = STORE_ROW_TASK, .task.id = id };
		tell_row(&row);
	}
	/* Something that the master has put there itself. */
	row = (struct store_row){ .kind = STORE_ROW_TASK, .task.id = FAKE_NEXT_ID };
	tell_row(&row);
	say(STORE_LOADED, 0, NULL);
}

static void answer(uint64_t number, const struct store_query *query)
{
	const struct store_answer fine = { .json = store_text_of("{}", 2), .more = true };
	for (uint64_t i = 0; query->question == STORE_ASK_HISTORY && i < FAKE_FOUND; i++) {
		uint64_t id = query->oldest_first ? i + 1 : FAKE_FOUND - i;
		const struct store_row row = { .kind = STORE_ROW_TASK, .task = { .id = id, .tag = query->tag } };
		if (plays("found") && i == part_n)
			die();
		say(STORE_FOUND, number, &row);
	}
	say(STORE_ANSWERED, number, &fine);
}

/* --- operations --- */

/* Operations that have come and are not written down. */
static struct {
	char text[1 << 16];
	size_t length;
	uint64_t last;
	bool open; /* the last one is chained */
} batch;

static void commit(void)
{
	const struct store_text why = store_text_of("no room", 7);
	if (!batch.last || batch.open)
		return;
	uint64_t last = batch.last;
	batch.last = 0;
	if (access("full", F_OK) == 0) {
		batch.length = 0;
		refuses = true;
		say(STORE_REFUSED, last, &why);
		return;
	}
	if (write(log_fd, batch.text, batch.length) != (ssize_t)batch.length)
		_exit(5);
	batch.length = 0;
	applied = last;
	if (plays("after") && applied >= part_n)
		die();
	say(STORE_COMMITTED, last, NULL);
}

static void lie_at(uint64_t number)
{
	const struct store_text none = STORE_TEXT_NONE;
	batch.length = 0;
	switch (part_n) {
	case 0: /* what has not been given out */
		say(STORE_COMMITTED, number + 1000000, NULL);
		break;
	case 1: /* half of a chain: see the test */
		say(STORE_COMMITTED, 4, NULL);
		break;
	case 2:
		say(STORE_REFUSED, 0, &none);
		break;
	case 3:
		say(STORE_REFUSED, number + 1000000, &none);
		break;
	case 4:
		say(STORE_REFUSED, number, &none);
		say(STORE_REFUSED, number, &none);
		break;
	case 5:
		say(STORE_REFUSED, number, &none);
		say(STORE_COMMITTED, number, NULL);
		break;
	}
	pause();
}

static void operation(const struct store_header *header)
{
	const struct store_text why = store_text_of("the disk is gone", 16);
	if (refuses)
		return;
	if (plays("lieat") && header->number >= 5)
		lie_at(header->number);
	if (plays("before") && header->number >= part_n)
		die();
	if (plays("fail") && header->number >= part_n) {
		say(STORE_FAILED, 0, &why);
		_exit(1);
	}
	if (header->number > applied)
		batch.length +=
			(size_t)snprintf(batch.text + batch.length, sizeof batch.text - batch.length, "%llu %u %llu\n",
				(unsigned long long)header->number, header->message, (unsigned long long)header->id);
	batch.last = header->number;
	batch.open = header->flags & STORE_CHAINED;
	if (batch.length > sizeof batch.text - 100)
		commit();
}

/* --- lies --- */

static void say_bytes(const struct store_header *header, size_t length)
{
	static const char zeros[1 << 18];
	struct store_header little = *header;
	if (channel_end_write(end, &little, STORE_HEADER_SIZE) != LANE_OK ||
		channel_end_write(end, zeros, length) != LANE_OK)
		_exit(6);
}

static void lie(void)
{
	const struct store_row queue = { .kind = STORE_ROW_QUEUE, .queue.name = store_text_of("q", 1) };
	const struct store_row task = { .kind = STORE_ROW_TASK, .task.id = 1 }, nobody = { .kind = STORE_ROW_TASK };
	const struct store_answer fine = { 0 };
	const struct store_opened opened = { .version = STORE_WIRE_VERSION };
	const struct store_name name = { store_text_of("x", 1) };
	switch (part_n) {
	case 0:
		say_bytes(&(struct store_header){ .message = 99 }, 0);
		break;
	case 1: /* a length beyond all limits */
		say_bytes(&(struct store_header){ .message = STORE_ROW, .length = UINT32_MAX }, 0);
		break;
	case 2: /* a body that is none */
		say_bytes(&(struct store_header){ .message = STORE_ROW, .length = 7 }, 7);
		break;
	case 3: /* 3 GiB, of which there is nothing; then it dies */
		say_bytes(&(struct store_header){ .message = STORE_FOUND, .length = STORE_BODY_LIMIT }, 200000);
		die();
	case 4:
		say(STORE_OPENED, 0, &opened);
		break;
	case 5:
		say(STORE_FOUND, 0, &task);
		break;
	case 6:
		say(STORE_FOUND, 12345, &task);
		break;
	case 7:
		say(STORE_ANSWERED, 12345, &fine);
		break;
	case 8: /* nobody has asked for it */
		say(STORE_ROW, 0, &task);
		break;
	case 9:
		say(STORE_LOADED, 0, NULL);
		break;
	case 10: /* what the master says */
		say(STORE_STOP, 0, NULL);
		break;
	case 11:
		say(STORE_QUEUE_DROP, 1, &name);
		break;
	case 12:
		say(STORE_FOUND, 1, &queue);
		break;
	case 13:
		say(STORE_FOUND, 1, &nobody);
		break;
	case 14:
		say(STORE_COMMITTED, UINT64_MAX, NULL);
		break;
	case 15: { /* the ring itself */
		struct lane_memory memory;
		if (lane_memory_open(&memory, STORE_MEMORY_FD) < 0)
			_exit(7);
		atomic_fetch_add(&memory.shared->completions.tail, UINT32_C(1) << 30);
		say(STORE_LOADED, 0, NULL);
		break;
	}
	}
	pause();
}

/* --- its life --- */

/* Another session's numbers say nothing. */
static void open_log(const struct store_open *open)
{
	char line[64], name[32];
	unsigned long long number;
	snprintf(name, sizeof name, "session-%llu", (unsigned long long)open->session);
	bool is_same = access(name, F_OK) == 0;
	FILE *file = fopen("log", "r");
	while (file && is_same && fgets(line, sizeof line, file))
		if (sscanf(line, "%llu", &number) == 1)
			applied = number;
	if (file)
		fclose(file);
	close(open64(name, O_WRONLY | O_CREAT, 0600));
	log_fd = open64("log", O_WRONLY | O_CREAT | O_APPEND, 0600);
}

static void open_store(const struct store_open *open)
{
	struct store_opened opened = { .version = STORE_WIRE_VERSION, .next_id = FAKE_NEXT_ID, .live = FAKE_TASKS };
	if (open->version != STORE_WIRE_VERSION || open->directory.length != 1 || *open->directory.data != '.')
		_exit(9);
	open_log(open);
	opened.applied = plays("forgetful") ? 0 : applied;
	if (plays("stillborn"))
		_exit(7);
	if (plays("open"))
		opened.status = (uint8_t)part_n;
	if (plays("openfull") && access("full", F_OK) == 0)
		opened.status = STORE_OPEN_FULL;
	if (plays("version"))
		opened.version++;
	if (opened.status)
		opened.text = store_text_of("a reason", 8);
	say(STORE_OPENED, 0, &opened);
	if (plays("lie"))
		lie();
	if (plays("deaf") || opened.version != STORE_WIRE_VERSION ||
		(opened.status && opened.status != STORE_OPEN_ASIDE))
		pause();
}

static void message(const struct store_header *header, const char *data)
{
	union {
		struct store_open open;
		struct store_query query;
	} body;
	if (store_is_operation(header->message)) {
		operation(header);
		return;
	}
	if (header->message == STORE_OPEN && store_read_body(header, data, &body))
		open_store(&body.open);
	else if (header->message == STORE_QUERY && store_read_body(header, data, &body))
		answer(header->number, &body.query);
	else if (header->message == STORE_LOAD)
		tell_all();
	else if (header->message == STORE_AGAIN)
		refuses = false;
	else if (header->message == STORE_STOP) {
		commit();
		_exit(0);
	} else if (header->message != STORE_SET_LIMITS) {
		_exit(10);
	}
}

static void hear(void)
{
	struct store_header header;
	size_t at = 0;
	while (heard.length - at >= STORE_HEADER_SIZE) {
		if (!store_read_header(heard.data + at, &header))
			_exit(11);
		if (heard.length - at < STORE_HEADER_SIZE + (size_t)header.length)
			break;
		message(&header, heard.data + at + STORE_HEADER_SIZE);
		at += STORE_HEADER_SIZE + header.length;
	}
	memmove(heard.data, heard.data + at, heard.length - at);
	heard.length -= at;
}

static void *watch_master(void *unused)
{
	char nothing;
	while (read(STORE_CONTROL_FD, &nothing, 1) > 0)
		;
	channel_end_leave(end);
	return unused;
}

void store_fake_main(char **argv)
{
	pthread_t watch;
	if (strcmp(argv[0], "taskd-store") != 0)
		return;
	take_part();
	end = channel_end_new(dup(STORE_MEMORY_FD), STORE_DOORBELL_FD);
	if (!end || pthread_create(&watch, NULL, watch_master, NULL) != 0 || pthread_detach(watch) != 0)
		_exit(12);
	for (;;) {
		if (heard.room - heard.length < 65536) {
			heard.room += 1 << 20;
			heard.data = realloc(heard.data, heard.room);
		}
		int64_t n = channel_end_read(end, heard.data + heard.length, heard.room - heard.length, false);
		if (n == 0) {
			commit();
			n = channel_end_read(end, heard.data + heard.length, heard.room - heard.length, true);
		}
		if (n <= 0)
			_exit(n < 0 ? 13 : 0);
		heard.length += (size_t)n;
		hear();
	}
}
