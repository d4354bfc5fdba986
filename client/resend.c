/* What becomes of requests when their connection is lost and made again. Those that the daemon has not answered are in the
 * order of their numbers, and so are the lines that were not written: one walk over both tells which is which. A line of
 * which nothing was written is written as if nothing had been; what may have arrived is written again only where that does
 * no harm. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "client/reconnect.h"
#include "proto/errors.h"

static const struct taskd_failure failure_lost = {
	.error = TASKD_E_DISCONNECTED,
	.kind = "",
	.message = "the connection to the daemon was lost before it had answered",
};

bool failure_is_lost(const struct taskd_failure *failure)
{
	return failure == &failure_lost;
}

/* --- what may be sent again --- */

static enum taskd_error make_key(char key[KEY_ROOM])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char random[(KEY_ROOM - 1) / 2];

	while (getrandom(random, sizeof(random), 0) != sizeof(random)) /* so few come at once, but for a signal */
		if (errno != EINTR)
			return error_set(TASKD_E_SYSTEM, "cannot make a key: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(random); i++) {
		key[2 * i] = digits[random[i] >> 4];
		key[2 * i + 1] = digits[random[i] & 15];
	}
	key[KEY_ROOM - 1] = '\0';
	return TASKD_OK;
}

enum taskd_error resend_key(const struct taskd *c, const struct taskd_options *options, struct keyed *keyed)
{
	keyed->options = options;
	keyed->repeatable =
		options->key && (options->key_mode == TASKD_KEY_ATTACH || options->key_mode == TASKD_KEY_ONCE);
	if (!c->reconnect || options->key || options->key_mode)
		return TASKD_OK;
	keyed->with = *options;
	keyed->with.key = keyed->key;
	keyed->with.key_mode = TASKD_KEY_ONCE;
	keyed->options = &keyed->with;
	keyed->repeatable = true;
	return make_key(keyed->key);
}

bool resend_keep(struct taskd_future *f, const struct piece *pieces, size_t n, bool repeatable)
{
	size_t length = 0;
	char *at;

	for (size_t i = 0; i < n; i++)
		length += pieces[i].length;
	f->text = at = malloc(length);
	if (!f->text)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (pieces[i].length > 0)
			memcpy(at, pieces[i].text, pieces[i].length);
		at += pieces[i].length;
	}
	f->length = length;
	f->repeatable = repeatable;
	return true;
}

/* --- the lines that were not written --- */

struct lines {
	struct strbuf text;
	size_t at;
	uint64_t position; /* of `at`, as `written` counts */
	STAILQ_HEAD(, passing) passings;
};

/* A request as it was written, without its end. */
struct line {
	struct piece rest; /* from its method on; of length 0: there is none */
	struct passing *passing;
};

static void lines_take(struct lines *lines, struct taskd *c)
{
	*lines = (struct lines){ .text = c->out, .at = c->out_start, .position = c->written };
	STAILQ_INIT(&lines->passings);
	STAILQ_CONCAT(&lines->passings, &c->passings);
	c->n_passing = 0;
	c->out = (struct strbuf)STRBUF_INIT;
	c->out_start = 0;
	bool cut = lines->at > 0 ? lines->text.data[lines->at - 1] != '\n' : c->out_cut;
	if (cut) { /* something of the first one was written */
		const char *text = lines->text.data + lines->at;
		size_t length = (size_t)((const char *)memchr(text, '\n', lines->text.length - lines->at) + 1 - text);
		lines->at += length;
		lines->position += length;
	}
	c->out_cut = false;
}

/* The line at hand; its number, 0: it is none that is answered. */
static uint64_t lines_next(struct lines *lines, struct line *line)
{
	const struct piece front = REQUEST_FRONT, middle = REQUEST_MIDDLE;
	const char *text = lines->text.data + lines->at;
	size_t length = (size_t)((const char *)memchr(text, '\n', lines->text.length - lines->at) + 1 - text);
	struct passing *passing = STAILQ_FIRST(&lines->passings);
	uint64_t number = 0;

	*line = (struct line){ 0 };
	if (passing && passing->at == lines->position) {
		STAILQ_REMOVE_HEAD(&lines->passings, link);
		line->passing = passing;
	}
	lines->at += length;
	lines->position += length;
	if (memcmp(text, front.text, front.length) != 0)
		return 0;
	const char *at = text + front.length;
	for (; *at >= '0' && *at <= '9'; at++)
		number = number * 10 + (uint64_t)(*at - '0');
	at += middle.length;
	line->rest = (struct piece){ at, (size_t)(text + length - 2 - at) }; /* without "}\n" */
	return number;
}

/* Looks on to the request NUMBER; what is before it nobody asks for any more. */
static struct line lines_find(struct lines *lines, uint64_t number)
{
	struct line line = { 0 };

	while (lines->at < lines->text.length) {
		size_t at = lines->at;
		uint64_t position = lines->position, found = lines_next(lines, &line);
		if (found == number)
			return line;
		if (found > number) {
			if (line.passing)
				STAILQ_INSERT_HEAD(&lines->passings, line.passing, link);
			lines->at = at;
			lines->position = position;
			return (struct line){ 0 };
		}
		passing_free(line.passing);
	}
	return (struct line){ 0 };
}

static void lines_free(struct lines *lines)
{
	struct passing *passing;

	while ((passing = STAILQ_FIRST(&lines->passings))) {
		STAILQ_REMOVE_HEAD(&lines->passings, link);
		passing_free(passing);
	}
	strbuf_free(&lines->text);
}

/* --- all that is not answered --- */

/* With its peers, where it is the first of a batch. */
static void fail(struct taskd_future *f, const struct taskd_failure *failure)
{
	for (struct taskd_future *peer; f; f = peer) {
		peer = f->peer;
		future_fail_with(f, failure);
	}
}

static void forget(struct taskd_future *f)
{
	f->outstanding = false;
	future_release(f);
}

/* A new number keeps the order. LINE: as it was to be written; without one, its text is with F. */
static void write_again(struct taskd *c, struct taskd_future *f, struct line *line)
{
	bool unsent = line->rest.length > 0;
	struct piece rest = unsent ? line->rest : (struct piece){ f->text, f->length };

	f->held = false;
	failure_free(f->failure_own);
	f->failure_own = NULL;
	if (request_write_passing(c, f, &rest, 1, !unsent, line->passing) == TASKD_OK)
		line->passing = NULL;
	else
		fail(f, &failure_memory);
}

static void again(struct taskd *c, struct taskd_future *f, struct line *line)
{
	bool unsent = line->rest.length > 0;

	switch (f->kind) {
	case FUTURE_IDENTITY:
	case FUTURE_WATCH:
	case FUTURE_FOLLOW:
		forget(f); /* there is another request by now */
		return;
	case FUTURE_QUESTION:
		fail(f, &failure_lost);
		return;
	case FUTURE_REQUEST:
		if (f->id[0] && f->owned) {
			identity_adrift(c, f);
			return;
		}
		__attribute__((fallthrough));
	case FUTURE_CALL:
	case FUTURE_WAIT:
		if (unsent && f->owned && !f->brief)
			write_again(c, f, line);
		else
			fail(f, &failure_lost);
		return;
	case FUTURE_DETACHED:
	case FUTURE_BATCH:
	case FUTURE_RETRY:
		if (unsent || (f->text && (f->repeatable || f->held)))
			write_again(c, f, line);
		else
			fail(f, &failure_lost);
		return;
	}
}

void resend_all(struct taskd *c)
{
	struct reconnect *reconnect = c->reconnect;
	struct futures requests = c->requests;
	size_t n = futures_sort(&requests);
	struct lines lines;

	c->requests = (struct futures){ 0 };
	lines_take(&lines, c);
	c->out_error = 0;
	c->out_held = false;
	reconnect->held_ns = INT64_MAX;
	reconnect->settled = false;
	reconnect->asked = false;
	identity_ask(c);
	identity_all_adrift(c);
	subscriptions_again(c);
	for (size_t i = 0; i < n; i++) {
		struct taskd_future *f = requests.slots[i].future;
		struct line line = lines_find(&lines, requests.slots[i].number);
		again(c, f, &line);
		passing_free(line.passing);
	}
	lines_free(&lines);
	futures_free(&requests);
	reconnect->rewritten = c->written + c->out.length;
	if (!reconnect->asked)
		connection_fail(c, TASKD_E_MEMORY, "no memory to take up with the daemon again");
}

/* --- what a stopping daemon refuses --- */

/* Whether F can be asked for once more. */
static bool can_wait(const struct taskd_future *f)
{
	switch (f->kind) {
	case FUTURE_DETACHED:
	case FUTURE_BATCH:
	case FUTURE_RETRY:
		return f->text != NULL;
	case FUTURE_REQUEST:
		return f->owned && f->id[0];
	case FUTURE_WATCH:
	case FUTURE_FOLLOW:
		return f->subscription != NULL;
	case FUTURE_CALL:
	case FUTURE_WAIT:
	case FUTURE_QUESTION:
	case FUTURE_IDENTITY:
		break;
	}
	return false;
}

bool resend_hold(struct taskd *c, struct taskd_future *f, struct failure **failure)
{
	struct reconnect *reconnect = c->reconnect;

	if (strcmp((*failure)->told.kind, proto_error_info(PROTO_SHUTTING_DOWN)->kind) != 0 || !can_wait(f) ||
		futures_put(&c->requests, f->request, f) < 0)
		return false;
	f->held = true;
	f->failure_own = *failure;
	*failure = NULL;
	if (reconnect->held_ns == INT64_MAX) {
		reconnect->held_ns = deadline_after(reconnect->limit_ns);
		reconnect_loop(c);
	}
	return true;
}

/* The first of a list, by `next`, of those that wait so, which are no more requests then. */
static struct taskd_future *take_held(struct taskd *c)
{
	const struct futures *requests = &c->requests;
	struct taskd_future *held = NULL;

	for (size_t i = 0; requests->slots && i <= requests->mask; i++) {
		struct taskd_future *f = requests->slots[i].future;
		if (!f || !f->held)
			continue;
		f->next = held;
		held = f;
	}
	for (struct taskd_future *f = held; f; f = f->next)
		futures_take(&c->requests, f->request);
	return held;
}

void resend_release(struct taskd *c)
{
	struct taskd_future *held, *next;

	if (c->reconnect->held_ns == INT64_MAX || now_ns() < c->reconnect->held_ns)
		return;
	c->reconnect->held_ns = INT64_MAX;
	for (held = take_held(c); held; held = next) {
		struct failure *failure = held->failure_own;
		next = held->next;
		held->held = false;
		held->failure_own = NULL;
		reply_refused(held, &failure);
		failure_free(failure);
	}
	reconnect_loop(c);
	reader_wake_waiters(c);
}
