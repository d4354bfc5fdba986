/* Tasks whose ids are known, and whose connection was lost: they are asked about by their ids, once it is known whether these
 * mean anything to the daemon that is there now. One without a store begins anew, and the same number may be another's task
 * there. Until it has said which one it is they are adrift. */
#include "client/reconnect.h"
#include "proto/errors.h"

static const struct taskd_failure failure_gone = {
	.error = TASKD_E_FORGOTTEN,
	.kind = "forgotten",
	.code = -32006,
	.message = "the daemon that had the task has ended, and the task with it",
};

void identity_ask(struct taskd *c)
{
	const struct piece piece = PIECE("server.info\"");
	struct taskd_future *f;

	if (!c->reconnect || c->reconnect->asked)
		return;
	f = request_add(c, FUTURE_IDENTITY, &piece, 1, false);
	if (f)
		f->owned = false;
	c->reconnect->asked = f != NULL;
}

static uint64_t hash(uint64_t sum, const struct json_span *span)
{
	for (size_t i = 0; i < span->length; i++)
		sum = (sum ^ (unsigned char)span->text[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
	return sum;
}

/* Of all that gives out ids of which none means two tasks: a store, or one run of a daemon without. */
static uint64_t ids_of(const struct json_span *result)
{
	struct json_span store = reply_member(result, "store"), state = reply_member(&store, "state");
	struct json_span directory = reply_member(&store, "directory"), pid = reply_member(result, "pid");
	struct json_span started = reply_member(result, "started_at");
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	if (pid.kind == JSON_NONE)
		return 0;
	if (state.kind == JSON_SPAN_STRING && !json_string_is(&state, "none"))
		return hash(sum, &directory);
	return hash(hash(sum, &pid), &started);
}

static void settle(struct taskd_future *f, bool gone)
{
	if (!f->owned) {
		f->outstanding = false;
		future_release(f);
	} else if (gone) {
		future_fail_with(f, &failure_gone);
	} else {
		request_result(f);
	}
}

void identity_answered(struct taskd_future *f, const struct json_span *result)
{
	struct taskd *c = f->connection;
	struct reconnect *reconnect = c->reconnect;
	uint64_t ids = result->kind == JSON_SPAN_OBJECT ? ids_of(result) : 0;
	bool gone = ids && reconnect->ids && ids != reconnect->ids;
	struct taskd_future *adrift = reconnect->adrift, *next;

	f->outstanding = false;
	future_release(f);
	reconnect->ids = ids;
	reconnect->settled = true;
	reconnect->adrift = NULL;
	reconnect->adrift_last = &reconnect->adrift;
	for (; adrift; adrift = next) {
		next = adrift->next;
		settle(adrift, gone);
	}
	reconnect_answered(c);
	output_write(c);
}

void identity_adrift(struct taskd *c, struct taskd_future *f)
{
	f->next = NULL;
	*c->reconnect->adrift_last = f;
	c->reconnect->adrift_last = &f->next;
}

void identity_all_adrift(struct taskd *c)
{
	struct futures tasks = c->tasks;
	size_t n = futures_sort(&tasks);

	c->tasks = (struct futures){ 0 };
	for (size_t i = 0; i < n; i++) {
		for (struct taskd_future *f = tasks.slots[i].future, *peer; f; f = peer) {
			peer = f->peer;
			f->peer = NULL;
			identity_adrift(c, f);
		}
	}
	futures_free(&tasks);
}

void identity_end(struct taskd *c)
{
	struct taskd_future *f;

	while ((f = c->reconnect->adrift)) {
		c->reconnect->adrift = f->next;
		future_fail_with(f, &c->ended);
	}
	c->reconnect->adrift_last = &c->reconnect->adrift;
}
