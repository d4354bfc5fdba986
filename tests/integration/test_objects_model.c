/* Random requests for named objects, from many connections, some of which end while they hold and wait, against a model
 * that is so simple that it can be seen to be right: a line of those who wait, and who holds what.
 *
 * What it says of each kind:
 *   lock       One holder, or several who share it. Who cannot have it waits behind all who wait. Whenever somebody leaves,
 *              those at the head of the line who can have it, get it, one after the other.
 *   semaphore  The same, with a number of permits: who asks for more than are free waits, and so do all behind it.
 *   mq         Messages in their order. Readers wait in a line; a message that is not acknowledged goes back to its place,
 *              before all that were put after it, when its reader says so, or ends.
 * A connection that ends leaves all lines, and all that it holds, at once; the next who gets it is told. */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskd.h"
#include "harness.h"

#define CLIENTS 10
#define OBJECTS 3 /* of each kind */
#define SLOTS 3
#define STEPS 1000
#define SEEDS 20
#define MESSAGES 4096

static struct daemon daemon_;
static struct wire control;
static unsigned seed_;

static unsigned any(unsigned below)
{
	return (unsigned)rand_r(&seed_) % below;
}

/* --- the model --- */

enum kind { LOCK, SEMAPHORE, MQ, N_KINDS };
static const char *const kind_names[] = { "lock", "semaphore", "mq" };

struct model_wait {
	int client;
	bool shared;
	int count;
};

struct model_object {
	int held[CLIENTS]; /* permits; a lock: 1 */
	bool shared;       /* lock: by those who hold it */
	bool died;
	struct model_wait line[CLIENTS];
	int n_waits;
	bool present[MESSAGES]; /* mq: by the message's number, which is its place, too */
	int reader[MESSAGES];   /* who has it and has not acknowledged it; -1 */
};

/* What a client is to hear, and has heard. */
struct answers {
	char text[2048];
};

struct client {
	struct wire wire;
	int waits;      /* the id of its outstanding request; 0: none */
	enum kind kind; /* of what it waits for */
	int object;
	struct answers expected, heard;
	long long receipts[MESSAGES];
};

static struct model_object objects[N_KINDS][OBJECTS];
static struct client clients[CLIENTS];
static int next_id, next_message;

static void add(struct answers *answers, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct answers *answers, const char *format, ...)
{
	size_t length = strlen(answers->text);
	va_list list;
	va_start(list, format);
	vsnprintf(answers->text + length, sizeof(answers->text) - length, format, list);
	va_end(list);
}

static int used(const struct model_object *object)
{
	int sum = 0;
	for (int i = 0; i < CLIENTS; i++)
		sum += object->held[i];
	return sum;
}

static bool has_room(enum kind kind, const struct model_object *object, const struct model_wait *wait)
{
	if (kind == LOCK)
		return used(object) == 0 || (object->shared && wait->shared);
	return used(object) + wait->count <= SLOTS;
}

static int first_message(const struct model_object *object)
{
	int at = 0;
	while (at < next_message && !(object->present[at] && object->reader[at] < 0))
		at++;
	return at < next_message ? at : -1;
}

static void model_grant(enum kind kind, struct model_object *object, const struct model_wait *wait, int id)
{
	struct client *client = &clients[wait->client];
	if (kind == MQ) {
		int message = first_message(object);
		object->reader[message] = wait->client;
		add(&client->expected, "%d:value %d;", id, message);
		return;
	}
	object->held[wait->client] += wait->count;
	object->shared = wait->shared;
	add(&client->expected, "%d:granted%s;", id, object->died ? ", its holder died" : "");
	object->died = false;
}

static void leave_line(struct model_object *object, int at)
{
	memmove(&object->line[at], &object->line[at + 1], sizeof(object->line[0]) * (size_t)(object->n_waits - at - 1));
	object->n_waits--;
}

static void model_serve(enum kind kind, struct model_object *object)
{
	while (object->n_waits > 0) {
		struct model_wait wait = object->line[0];
		if (kind == MQ ? first_message(object) < 0 : !has_room(kind, object, &wait))
			break;
		leave_line(object, 0);
		model_grant(kind, object, &wait, clients[wait.client].waits);
		clients[wait.client].waits = 0;
	}
}

/* Asks for it, and waits for it if that is to be. */
static void model_ask(
	enum kind kind, struct model_object *object, const struct model_wait *wait, int id, bool wait_for_it)
{
	bool now = object->n_waits == 0 && (kind == MQ ? first_message(object) >= 0 : has_room(kind, object, wait));
	if (now) {
		model_grant(kind, object, wait, id);
	} else if (wait_for_it) {
		object->line[object->n_waits++] = *wait;
		clients[wait->client].waits = id;
	} else {
		add(&clients[wait->client].expected, "%d:wait_timed_out;", id);
	}
}

static void model_leave(int client, struct model_object *object)
{
	for (int i = 0; i < object->n_waits; i++)
		if (object->line[i].client == client) {
			leave_line(object, i);
			break;
		}
	clients[client].waits = 0;
}

static void model_end(int client)
{
	for (int kind = 0; kind < N_KINDS; kind++)
		for (int i = 0; i < OBJECTS; i++)
			model_leave(client, &objects[kind][i]);
	for (int kind = 0; kind < N_KINDS; kind++)
		for (int i = 0; i < OBJECTS; i++) {
			struct model_object *object = &objects[kind][i];
			object->died |= object->held[client] > 0;
			object->held[client] = 0;
			for (int message = 0; message < next_message; message++)
				if (object->reader[message] == client)
					object->reader[message] = -1;
			model_serve(kind, object);
		}
}

/* --- the daemon --- */

static void say(struct client *client, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct client *client, const char *format, ...)
{
	char line[512];
	va_list list;
	va_start(list, format);
	vsnprintf(line, sizeof(line), format, list);
	va_end(list);
	if (!wire_puts(&client->wire, line))
		ck_abort_msg("the daemon has closed a connection");
}

static void hear(struct client *client, const char *line)
{
	int id = (int)number_in(line, "id");
	if (strstr(line, "\"error\"")) {
		add(&client->heard, "%d:%s;", id, text_in(line, "kind"));
	} else if (strstr(line, "\"value\"") && strstr(line, "\"receipt\"")) {
		int message = (int)number_in(line, "value");
		if (message >= 0 && message < MESSAGES)
			client->receipts[message] = atoll(text_in(line, "receipt"));
		add(&client->heard, "%d:value %d;", id, message);
	} else if (strstr(line, "\"fence\"")) {
		add(&client->heard, "%d:granted%s;", id,
			strstr(line, "\"holder_died\":true") ? ", its holder died" : "");
	} else {
		add(&client->heard, "%d:done;", id);
	}
}

/* What it has been told before the answer to this comes. */
static void catch_up(struct wire *wire, struct client *client)
{
	char end[64];
	const char *line;
	int id = ++next_id;
	char ping[96];
	snprintf(ping, sizeof(ping), "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"server.ping\"}\n", id);
	snprintf(end, sizeof(end), "\"id\":%d,", id);
	if (!wire_puts(wire, ping))
		ck_abort_msg("the daemon has closed a connection");
	while ((line = wire_line(wire)) && !strstr(line, end))
		if (client)
			hear(client, line);
	if (!line)
		ck_abort_msg("no answer to a ping");
}

static bool connections_are_all(void *user)
{
	(void)user;
	if (!wire_puts(&control, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"server.stats\"}\n"))
		return false;
	const char *line = wire_line(&control);
	return line && number_in(line, "connections") == CLIENTS + 1;
}

static void compare(const char *what)
{
	for (int i = 0; i < CLIENTS; i++)
		catch_up(&clients[i].wire, &clients[i]);
	for (int i = 0; i < CLIENTS; i++) {
		struct client *client = &clients[i];
		if (strcmp(client->expected.text, client->heard.text) != 0)
			ck_abort_msg("after %s: client %d was to hear \"%s\" and has heard \"%s\"", what, i,
				client->expected.text, client->heard.text);
		client->expected.text[0] = client->heard.text[0] = '\0';
	}
}

/* --- what a client does --- */

static bool holds_anything_from(int client, enum kind kind, int object)
{
	for (int k = kind; k < N_KINDS; k++)
		for (int i = k == (int)kind ? object : 0; i < OBJECTS; i++)
			if (objects[k][i].held[client])
				return true;
	return false;
}

static void ask_for(int i, enum kind kind, int object)
{
	struct client *client = &clients[i];
	struct model_wait wait = { .client = i, .count = 1 };
	bool waits = any(4) != 0;
	int id = ++next_id;
	const char *limit = waits ? "" : ",\"timeout\":0";
	if (kind == LOCK)
		wait.shared = any(3) == 0;
	if (kind == SEMAPHORE)
		wait.count = 1 + (int)any(SLOTS);
	if (kind == LOCK)
		say(client,
			"{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"lock.acquire\",\"params\":{\"name\":\"l%d\",\"shared\":%s%s}}\n",
			id, object, wait.shared ? "true" : "false", limit);
	else if (kind == SEMAPHORE)
		say(client,
			"{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"semaphore.acquire\",\"params\":{\"name\":\"s%d\",\"slots\":%d,\"count\":%d%s}}\n",
			id, object, SLOTS, wait.count, limit);
	else
		say(client,
			"{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"mq.get\",\"params\":{\"name\":\"q%d\",\"ack\":true%s}}\n",
			id, object, limit);
	model_ask(kind, &objects[kind][object], &wait, id, waits);
	if (client->waits == id) {
		client->kind = kind;
		client->object = object;
	}
}

static void release(int i, enum kind kind, int at)
{
	struct model_object *object = &objects[kind][at];
	int id = ++next_id, count = kind == LOCK ? 1 : 1 + (int)any((unsigned)object->held[i]);
	say(&clients[i], "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s.release\",\"params\":{\"name\":\"%c%d\"", id,
		kind_names[kind], kind_names[kind][0], at);
	if (kind == SEMAPHORE)
		say(&clients[i], ",\"count\":%d", count);
	say(&clients[i], "}}\n");
	object->held[i] -= count;
	add(&clients[i].expected, "%d:done;", id);
	model_serve(kind, object);
}

static void put(int i, int at)
{
	struct model_object *object = &objects[MQ][at];
	int id = ++next_id, message = next_message++;
	say(&clients[i],
		"{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"mq.put\",\"params\":{\"name\":\"q%d\",\"value\":%d}}\n",
		id, at, message);
	object->present[message] = true;
	add(&clients[i].expected, "%d:done;", id);
	model_serve(MQ, object);
}

static void answer_for(int i, int at, int message, bool ack)
{
	struct model_object *object = &objects[MQ][at];
	int id = ++next_id;
	say(&clients[i], "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"mq.%s\",\"params\":{\"receipt\":\"%lld\"}}\n", id,
		ack ? "ack" : "nack", clients[i].receipts[message]);
	object->present[message] = !ack;
	object->reader[message] = -1;
	add(&clients[i].expected, "%d:done;", id);
	model_serve(MQ, object);
}

/* Something that it has, if there is anything. */
static bool give_back(int i)
{
	int begin = (int)any(N_KINDS * OBJECTS);
	for (int n = 0; n < N_KINDS * OBJECTS; n++) {
		int which = (begin + n) % (N_KINDS * OBJECTS);
		enum kind kind = (enum kind)(which / OBJECTS);
		struct model_object *object = &objects[kind][which % OBJECTS];
		if (kind != MQ && object->held[i]) {
			release(i, kind, which % OBJECTS);
			return true;
		}
		for (int message = 0; kind == MQ && message < next_message; message++)
			if (object->reader[message] == i) {
				answer_for(i, which % OBJECTS, message, any(3) != 0);
				return true;
			}
	}
	return false;
}

static void give_up(int i)
{
	struct client *client = &clients[i];
	struct model_object *object = &objects[client->kind][client->object];
	int id = client->waits;
	say(client, "{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":%d}}\n", id);
	add(&client->expected, "%d:cancelled;", id);
	model_leave(i, object);
	model_serve(client->kind, object);
}

static void die_and_come_back(int i)
{
	wire_close(&clients[i].wire);
	model_end(i);
	wire_open(&clients[i].wire, &daemon_);
	if (!wait_until(connections_are_all, NULL))
		ck_abort_msg("the daemon still has a connection that was closed");
	clients[i].expected.text[0] = clients[i].heard.text[0] = '\0';
}

/* No circles: a client waits only for what comes behind all that it holds. */
static const char *step(void)
{
	int i = (int)any(CLIENTS);
	if (any(25) == 0) {
		die_and_come_back(i);
		return "an end";
	}
	if (clients[i].waits) {
		if (any(3) != 0)
			return NULL;
		give_up(i);
		return "a cancelled wait";
	}
	if (any(3) == 0 && give_back(i))
		return "a release";
	if (any(3) == 0) {
		put(i, (int)any(OBJECTS));
		return "a put";
	}
	enum kind kind = (enum kind)any(N_KINDS);
	int object = (int)any(OBJECTS);
	if (kind != MQ && holds_anything_from(i, kind, object))
		return NULL;
	ask_for(i, kind, object);
	return kind_names[kind];
}

static void begin(unsigned seed)
{
	seed_ = seed;
	next_id = 1;
	next_message = 0;
	memset(objects, 0, sizeof(objects));
	for (int i = 0; i < OBJECTS; i++)
		for (int message = 0; message < MESSAGES; message++)
			objects[MQ][i].reader[message] = -1;
	daemon_start(&daemon_, "");
	wire_open(&control, &daemon_);
	for (int i = 0; i < CLIENTS; i++) {
		memset(&clients[i], 0, sizeof(clients[i]));
		wire_open(&clients[i].wire, &daemon_);
	}
}

static void end(void)
{
	for (int i = 0; i < CLIENTS; i++)
		wire_close(&clients[i].wire);
	wire_close(&control);
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}

START_TEST(many_connections_get_what_the_model_says)
{
	begin((unsigned)_i + 1);
	for (int i = 0; i < STEPS; i++) {
		const char *what = step();
		if (what)
			compare(what);
	}
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("objects and their model");
	TCase *tcase = tcase_create("model");
	tcase_set_timeout(tcase, 300);
	tcase_add_loop_test(tcase, many_connections_get_what_the_model_says, 0, SEEDS);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
