/* Going on over the daemon's restart: what is said of it, what is asked again, and of whom. */
#include "client/taskctl/again.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "client/taskctl/taskctl.h"
#include "proto/errors.h"

#define TELL_AFTER_NS TASKD_SECOND /* a restart is mostly over by then */
#define CONNECT_PAUSE_MS 100
#define REFUSED_PAUSE_NS (100 * TASKD_MS)

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * TASKD_SECOND + ts.tv_nsec;
}

/* --- connected, gone, connected --- */

static void connection_changed(void *user, bool connected, int64_t lost_ns)
{
	struct taskctl *ctl = user;
	bool told = connected ? false : ctl->away_told || lost_ns >= TELL_AFTER_NS;

	if (told != ctl->away_told && !ctl->full_screen)
		report_note(ctl, told ? "connection lost; trying to reconnect" : "reconnected");
	ctl->away = !connected;
	ctl->away_told = told;
}

/* Whether another attempt may succeed where this one, just now, has not. */
static bool may_come(const struct taskctl *ctl)
{
	return taskd_last_error(NULL) == TASKD_E_CONNECT && !(access(ctl->socket, W_OK) < 0 && errno == EACCES);
}

struct taskd *again_connect(struct taskctl *ctl)
{
	struct taskd_connect_options options = {
		.timeout_ns = ctl->connect_timeout_ns,
		.reconnect_ns = ctl->reconnects ? ctl->reconnect_ns : 0,
		.reconnecting = connection_changed,
		.user = ctl,
	};
	int64_t begun = now_ns(), waited = 0;
	bool told = false;
	struct taskd *c;

	while (!(c = taskd_connect(ctl->socket, &options)) && ctl->waits_for_daemon && may_come(ctl) &&
		waited < ctl->reconnect_ns) {
		if (!told && waited >= TELL_AFTER_NS) {
			report_note(ctl, "cannot connect to %s; trying again", ctl->socket);
			told = true;
		}
		poll(NULL, 0, CONNECT_PAUSE_MS);
		waited = now_ns() - begun;
	}
	return c;
}

/* --- asked again --- */

bool again_after(struct taskctl *ctl, const struct taskd_failure *failure)
{
	if (!ctl->reconnects || !failure || failure->error != TASKD_E_DISCONNECTED)
		return false;
	while (ctl->away && taskd_connection_error(ctl->connection) == TASKD_OK)
		taskd_dispatch(ctl->connection, TASKD_SECOND);
	return taskd_connection_error(ctl->connection) == TASKD_OK;
}

/* A daemon that is stopping takes nothing more; the next one will. */
static bool next_may_take(struct taskctl *ctl, struct again *again, const struct taskd_failure *failure)
{
	int64_t now = now_ns();

	if (!ctl->reconnects || proto_error_of_kind(failure->kind) != PROTO_SHUTTING_DOWN)
		return false;
	if (again->refused_ns == 0)
		again->refused_ns = now;
	if (now - again->refused_ns >= ctl->reconnect_ns)
		return false;
	taskd_dispatch(ctl->connection, REFUSED_PAUSE_NS);
	return true;
}

bool again_asks(struct taskctl *ctl, struct again *again, const struct taskd_future *f)
{
	const struct taskd_failure *failure = taskd_future_error(f);

	return again_after(ctl, failure) || next_may_take(ctl, again, failure);
}

void again_make_key(char key[AGAIN_KEY_ROOM])
{
	unsigned char random[(AGAIN_KEY_ROOM - 1) / 2];

	while (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		must(errno == EINTR ? key : NULL);
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(key + 2 * i, 3, "%02x", random[i]);
}

/* --- whose ids --- */

void again_knows_ids(struct taskctl *ctl)
{
	if (ctl->reconnects && ctl->reconnect_ns > 0 && !ctl->identity)
		ctl->identity = taskd_request(ctl->connection, method_info(METHOD_SERVER_INFO)->name, NULL);
}

/* What gives out ids of which none means two tasks: a store, or one run of a daemon that has none. malloc'ed; NULL: not
 * known. */
static char *ids_of(const struct taskd_future *identity)
{
	const char *text = taskd_future_result(identity, NULL);
	json_t *info = text ? json_loads(text, 0, NULL) : NULL;
	const char *directory = json_string_value(json_object_get(json_object_get(info, "store"), "directory"));
	const char *started = json_string_value(json_object_get(info, "started_at"));
	char *ids = NULL;

	if (directory)
		ids = must(strdup(directory));
	else if (started &&
		asprintf(&ids, "%lld %s", (long long)json_integer_value(json_object_get(info, "pid")), started) < 0)
		ids = must(NULL);
	json_decref(info);
	return ids;
}

int again_has_ids(struct taskctl *ctl)
{
	struct taskd_future *before = ctl->identity;
	char *old, *new;
	bool same;

	if (!before)
		return EXIT_FINE;
	ctl->identity = NULL;
	again_knows_ids(ctl);
	/* Lost once more: then it is asked about again. */
	if (taskd_result(ctl->identity, TASKD_FOREVER) != TASKD_OK) {
		taskd_future_free(ctl->identity);
		ctl->identity = before;
		return EXIT_FINE;
	}
	old = ids_of(before);
	new = ids_of(ctl->identity);
	same = !old || !new || strcmp(old, new) == 0;
	free(old);
	free(new);
	taskd_future_free(before);
	return same ? EXIT_FINE
		    : report(ctl, EXIT_NOT_FOUND, proto_error_info(PROTO_FORGOTTEN)->kind, NULL,
			      "the daemon that had the tasks has ended, and the tasks with it");
}
