/* Message queues: random operations beside a model, for each order, with limits and without, with readers that die. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "mq_cast.h"
#include "object/messages.h"

enum { CLIENTS = 2 * CAST, MOST = 100 };

struct model_message {
	int id, owner; /* owner: who has put it; of a receipt: who has taken it, in `reader` */
	int64_t place;
	int32_t priority;
	uint32_t deliveries;
	size_t size;
	int reader;
	uint64_t receipt;
};
struct list {
	int clients[CLIENTS];
	int n;
};

static struct {
	struct mq_options options;
	size_t mq_bytes;
	struct model_message queue[2 * MOST], taken[2 * MOST];
	int n, n_taken, next_id;
	int64_t head, tail;
	bool created;
	uint64_t unfinished;
	struct list getters, putters, joiners;
	struct model_message
		wanted[CLIENTS]; /* of putters: what they put; the place is 1 where it is to be put at the head */
	int how[CLIENTS];        /* of getters */
} model;

static uint64_t seed;

static uint32_t random_to(uint32_t below)
{
	return random_below(&seed, below);
}

static void list_remove(struct list *list, int client)
{
	int kept = 0;

	for (int i = 0; i < list->n; i++)
		if (list->clients[i] != client)
			list->clients[kept++] = list->clients[i];
	list->n = kept;
}

static bool list_has(const struct list *list, int client)
{
	for (int i = 0; i < list->n; i++)
		if (list->clients[i] == client)
			return true;
	return false;
}

static bool waits(int client)
{
	return list_has(&model.getters, client) || list_has(&model.putters, client) || list_has(&model.joiners, client);
}

/* --- what the model does --- */
static bool is_before(const struct model_message *a, const struct model_message *b)
{
	if (model.options.order == MQ_PRIORITY && a->priority != b->priority)
		return a->priority > b->priority;
	return a->place < b->place;
}

static void model_insert(struct model_message message)
{
	int i = model.n++;

	for (; i > 0 && is_before(&message, &model.queue[i - 1]); i--)
		model.queue[i] = model.queue[i - 1];
	model.queue[i] = message;
}

static void model_put(struct model_message message)
{
	bool head = message.place || model.options.order == MQ_LIFO;

	message.place = head ? --model.head : model.tail++;
	model.unfinished++;
	model_insert(message);
}

static size_t bytes_waiting(void)
{
	size_t bytes = 0;

	for (int i = 0; i < model.n; i++)
		bytes += model.queue[i].size;
	return bytes;
}

static bool has_room(size_t size)
{
	if (model.n == 0)
		return true;
	return !(model.options.limit_count && model.n >= model.options.limit_count) &&
		!(model.options.limit_bytes && bytes_waiting() + size > (size_t)model.options.limit_bytes);
}

static size_t cost_of(const struct model_message *message, int user)
{
	return (message->owner >= CAST / 2) == user ? message->size + sizeof(struct bytes) + sizeof(struct message) : 0;
}

static bool user_has_room(const struct model_message *message)
{
	int user = message->owner >= CAST / 2;
	size_t sum = cost_of(message, user);

	for (int i = 0; i < model.n; i++)
		sum += cost_of(&model.queue[i], user);
	for (int i = 0; i < model.n_taken; i++)
		sum += cost_of(&model.taken[i], user);
	for (int i = 0; i < model.putters.n; i++)
		sum += cost_of(&model.wanted[model.putters.clients[i]], user);
	return !model.mq_bytes || sum <= model.mq_bytes;
}

/* READER gets the next one, and this is what he was told. */
static bool model_get(int reader, int how, const struct object_grant *told)
{
	struct model_message message = model.queue[how & TAIL ? model.n - 1 : 0];
	bool right;

	model.n--;
	if (!(how & TAIL))
		memmove(model.queue, model.queue + 1, (size_t)model.n * sizeof(message));
	message.deliveries++;
	message.reader = reader;
	message.receipt = told->receipt;
	right = atoi(got(told)) == message.id && told->deliveries == message.deliveries &&
		told->priority == message.priority && !told->receipt == !(how & ACK);
	if (how & ACK)
		model.taken[model.n_taken++] = message;
	return right;
}

static bool answer_all(struct list *list, enum object_status status)
{
	bool right = true;

	for (int i = 0; i < list->n; i++)
		right = right && waiter_got(&waiters[list->clients[i]], status);
	list->n = 0;
	return right;
}

static bool serve(void)
{
	bool right = true;

	for (;;) {
		int getter = model.getters.clients[0], putter = model.putters.clients[0];

		if (model.getters.n && model.n) {
			list_remove(&model.getters, getter);
			right = right && waiter_got(&waiters[getter], OBJECT_DONE) &&
				model_get(getter % CAST, model.how[getter], &waiters[getter].grant);
			waiter_forget(&waiters[getter]);
		} else if (model.putters.n && has_room(model.wanted[putter].size)) {
			list_remove(&model.putters, putter);
			model_put(model.wanted[putter]);
			right = right && waiter_got(&waiters[putter], OBJECT_DONE);
		} else {
			break;
		}
	}
	return right && (model.unfinished || answer_all(&model.joiners, OBJECT_DONE));
}

static void finish(uint64_t n)
{
	model.unfinished -= n < model.unfinished ? n : model.unfinished;
}

/* --- steps: each says whether what was told is what the model tells --- */
static bool step_put(int client)
{
	struct model_message message = {
		.id = ++model.next_id, .owner = client % CAST, .priority = (int32_t)random_to(3)
	};
	bool wait = random_to(3) && !waits(client), room = !model.putters.n;
	char word[40];
	struct object_holder holder = who(message.owner, NULL);
	struct mq_message sent = { .priority = message.priority };
	int status;

	if (model.n + model.n_taken >= MOST)
		return true;
	sent.head = model.options.order != MQ_PRIORITY && random_to(4) == 0;
	message.place = sent.head;
	message.size = (size_t)snprintf(word, sizeof(word), "%d %.*s", message.id, (int)random_to(12), "            ");
	sent.value = bytes_new(word, message.size);
	status = mq_put(all, &(struct object_name){ "q", 1 }, &holder, &model.options, &sent,
		wait ? waiter_set(&waiters[client]) : NULL, &problem);
	bytes_unref(sent.value);
	room = room && has_room(message.size);
	if (!room && !wait)
		return status == OBJECT_FULL;
	if (!user_has_room(&message))
		return status == OBJECT_TOO_MANY;
	if (room) {
		model_put(message);
		return status == OBJECT_DONE && serve();
	}
	model.wanted[client] = message;
	model.putters.clients[model.putters.n++] = client;
	return status == OBJECT_WAITING;
}

static bool step_get(int client)
{
	int how = (random_to(2) ? ACK : PLAIN) | (model.options.order != MQ_PRIORITY && !random_to(4) ? TAIL : 0);
	bool wait = random_to(3) && !waits(client);
	int status = get(client % CAST, how, wait ? &waiters[client] : NULL);

	if (model.n)
		return status == OBJECT_DONE && model_get(client % CAST, how, &grant) && serve();
	if (wait) {
		model.how[client] = how;
		model.getters.clients[model.getters.n++] = client;
	}
	return status == (wait ? OBJECT_WAITING : OBJECT_WOULD_WAIT);
}

static bool step_settle(bool ack)
{
	int i = model.n_taken ? (int)random_to((uint32_t)model.n_taken) : 0;
	struct model_message message = model.taken[i];
	int reader = random_to(10) ? message.reader : (int)random_to(CAST), status;

	if (!model.n_taken)
		return true;
	status = ack ? mq_ack(all, &owners[reader], message.receipt, &problem)
		     : mq_nack(all, &owners[reader], message.receipt, &problem);
	if (reader != message.reader)
		return status == OBJECT_NOT_FOUND;
	model.taken[i] = model.taken[--model.n_taken];
	if (ack)
		finish(1);
	else
		model_insert(message);
	return status == OBJECT_DONE && serve();
}

static void leave(int client)
{
	list_remove(&model.getters, client);
	list_remove(&model.putters, client);
	list_remove(&model.joiners, client);
}

static bool step_leave(int client)
{
	bool right = true;

	if (!waits(client))
		return true;
	if (random_to(2))
		object_wait_drop(&waiters[client].wait);
	else
		right = object_wait_expire(&waiters[client].wait);
	leave(client);
	return right && serve();
}

static bool step_kill(int owner)
{
	cast_kill(owner);
	leave(owner);
	leave(owner + CAST);
	for (int i = model.n_taken - 1; i >= 0; i--)
		if (model.taken[i].reader == owner) {
			model_insert(model.taken[i]);
			model.taken[i] = model.taken[--model.n_taken];
		}
	return serve();
}

static bool step_join(int client)
{
	struct object_holder holder = who(client % CAST, NULL);
	bool wait = random_to(3) && !waits(client);
	int status = mq_join(
		all, &(struct object_name){ "q", 1 }, &holder, wait ? waiter_set(&waiters[client]) : NULL, &problem);

	if (!model.unfinished)
		return status == OBJECT_DONE;
	if (wait)
		model.joiners.clients[model.joiners.n++] = client;
	return status == (wait ? OBJECT_WAITING : OBJECT_WOULD_WAIT);
}

static bool step_task_done(bool there)
{
	int64_t count = 1 + random_to(3);
	uint64_t left = 0;
	int status = mq_task_done(all, &(struct object_name){ "q", 1 }, count, &left, &problem);

	if (!there || (uint64_t)count > model.unfinished)
		return status == (there ? OBJECT_OVER_RELEASED : OBJECT_NOT_FOUND);
	finish((uint64_t)count);
	return status == OBJECT_DONE && left == model.unfinished && serve();
}

static bool step_delete(bool there)
{
	int status = mq_delete(all, &(struct object_name){ "q", 1 });

	if (!there)
		return status == OBJECT_NOT_FOUND;
	model.n = model.n_taken = 0;
	model.created = false;
	return status == OBJECT_DONE && answer_all(&model.getters, OBJECT_DELETED) &&
		answer_all(&model.putters, OBJECT_DELETED) && answer_all(&model.joiners, OBJECT_DELETED);
}

static bool step_clear(void)
{
	size_t n = mq_clear(all, &(struct object_name){ "q", 1 });
	bool right = n == (size_t)model.n;

	model.n = 0;
	finish(n);
	return right && serve();
}

static bool step_create(void)
{
	bool created = false;
	int status = mq_create(all, &(struct object_name){ "q", 1 }, &model.options, &owners[0], &created, &problem);
	bool right = status == OBJECT_DONE && created == !model.created;

	model.created = true;
	return right;
}

static bool random_step(bool there)
{
	int client = (int)random_to(CLIENTS);
	uint32_t what = random_to(1000);

	if (what < 330)
		return step_put(client);
	if (what < 640)
		return step_get(client);
	if (what < 850)
		return step_settle(what < 740);
	if (what < 880)
		return step_leave(client);
	if (what < 900)
		return step_kill(client % CAST);
	if (what < 930)
		return step_join(client);
	if (what < 980)
		return step_task_done(there);
	if (what < 985)
		return step_clear();
	if (what < 988)
		return step_delete(there);
	return what < 990 ? step_create() : true;
}

static bool model_is_there(void)
{
	return model.created || model.n || model.n_taken || model.getters.n || model.putters.n || model.joiners.n;
}

static bool all_is_as_in_the_model(void)
{
	struct bytes *values[2 * MOST];
	struct mq_figures now = figures();
	bool tail = random_to(2);
	int n = (int)mq_peek(all, &(struct object_name){ "q", 1 }, tail, values, 2 * MOST);

	if (!model_is_there()) {
		model.unfinished = 0;
		return !mq_is_there();
	}
	for (int i = 0; i < n && n == model.n; i++)
		if (atoi(values[i]->data) != model.queue[tail ? n - 1 - i : i].id)
			return false;
	for (int i = 0; i < CLIENTS; i++)
		if (waits(i) != object_wait_is_on(&waiters[i].wait))
			return false;
	return n == model.n && now.length == (size_t)n && now.bytes == bytes_waiting() &&
		now.unacked == (size_t)model.n_taken && now.unfinished == model.unfinished &&
		now.getters == (size_t)model.getters.n && now.putters == (size_t)model.putters.n &&
		now.created == model.created;
}

static void random_run(unsigned start)
{
	static const int64_t counts[] = { 0, 1, 3, 10 }, bytes[] = { 0, 0, 60 };
	int step = 0;

	memset(&model, 0, sizeof(model));
	seed = start;
	model.options.order = (int)(start % 3);
	model.options.limit_count = counts[start / 3 % 4];
	model.options.limit_bytes = bytes[start / 12 % 3];
	model.mq_bytes = start / 36 % 2 ? 1000 : 0;
	mq_cast_close();
	mq_cast_open();
	memset(waiters, 0, sizeof(waiters));
	objects_set_limits(all, &(struct object_limits){ .mq_bytes = model.mq_bytes });
	while (step < 1500 && random_step(model_is_there()) && all_is_as_in_the_model() &&
		(step % 50 || !cast_broken()))
		step++;
	if (step < 1500)
		ck_abort_msg("seed %u, step %d: %s", start, step, cast_broken() ? cast_broken() : peek(false));
}

START_TEST(random_operations_go_as_in_the_model)
{
	for (unsigned start = 0; start < 360; start++)
		random_run(start);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mq model");
	TCase *tcase = tcase_create("mq model");

	tcase_set_timeout(tcase, 300);
	tcase_add_checked_fixture(tcase, mq_cast_open, mq_cast_close);
	tcase_add_test(tcase, random_operations_go_as_in_the_model);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed != 0;
}
