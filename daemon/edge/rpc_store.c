/* Looking into the store: what it has of tasks, how it stands, whether it is sound, and copies of it. */
#include <string.h>

#include "base/users.h"
#include "durable/durable.h"
#include "edge/access.h"
#include "edge/store.h"

#define HISTORY_DEFAULT 100
#define HISTORY_BYTES (64u * 1024 * 1024)

static struct store_text text_of(const char *text)
{
	return text ? store_text_of(text, strlen(text)) : STORE_TEXT_NONE;
}

/* --- task.history --- */

static void history_row(struct ask *ask, const struct store_task *task)
{
	if (ask->out.length > HISTORY_BYTES) {
		ask->is_cut = true;
		return;
	}
	strbuf_puts(&ask->out, ask->n_rows ? "," : "{\"tasks\":[");
	stored_record(&ask->out, task, false);
}

static void history_answer(struct ask *ask, const struct reply_to *to, const struct store_answer *answer)
{
	strbuf_puts(&ask->out, ask->n_rows ? "" : "{\"tasks\":[");
	strbuf_printf(&ask->out, "],\"more\":%s}", answer->more || ask->is_cut ? "true" : "false");
	reply_buffer(to, &ask->out);
}

/* Whose: what the caller may read. */
static bool choose_owner(const struct call *call, const char *user, struct store_query *query)
{
	struct task_filter filter = { .by_owner = user };
	if (user && !user_find(user, &filter.owner)) {
		reply_errorf(&call->to, PROTO_INVALID_PARAMS,
			"unknown user \"%.100s\": a name in /etc/passwd, or a number, is needed", user);
		return false;
	}
	if (!access_narrow(call, RIGHT_READ, &filter))
		return false;
	query->by_owner = filter.by_owner;
	query->owner = filter.owner;
	return true;
}

/* A moment of the wall clock, never 0; a duration counts back from now. */
static int64_t wall_of(const struct core *core, const struct param_moment *moment)
{
	int64_t ns = moment->ns;
	if (!moment->given)
		return 0;
	if (!moment->wall && __builtin_sub_overflow(core_wall(core), moment->ns, &ns))
		ns = 1;
	return ns < 1 ? 1 : ns;
}

static void ask_history(const struct call *call, const struct history_params *params)
{
	static const struct ask_kind kind = { .row = history_row, .answer = history_answer };
	const struct filter_params *filter = &params->filter;
	struct store_query query = {
		.question = STORE_ASK_HISTORY,
		.queue = text_of(filter->queue),
		.type = text_of(filter->task),
		.tag = text_of(filter->tag),
		.key = text_of(params->key),
		.since_ns = wall_of(call->edge->core, &filter->since),
		.until_ns = wall_of(call->edge->core, &params->until),
		.before = params->before,
		.after = params->after,
		.oldest_first = params->order > 0,
		.limit = params->limit > 0 ? (uint32_t)params->limit : HISTORY_DEFAULT,
	};
	if (filter_states(call, &filter->states, &query.states) && choose_owner(call, filter->user, &query))
		ask_store(call, &query, &kind);
}

void rpc_task_history(const struct call *call)
{
	struct history_params params = { 0 };
	if (!call_params(call, &params))
		return;
	if (call_has_store(call))
		ask_history(call, &params);
	call_params_free(call, &params);
}

/* --- the file --- */

static void json_answer(struct ask *ask, const struct reply_to *to, const struct store_answer *answer)
{
	(void)ask;
	reply_text(to, answer->json.data, answer->json.length);
}

static void ask_file(const struct call *call, enum store_question question, const char *path)
{
	static const struct ask_kind kind = { .answer = json_answer };
	const struct store_query query = { .question = (uint8_t)question, .path = text_of(path) };
	if (call_has_store(call))
		ask_store(call, &query, &kind);
}

void rpc_store_stats(const struct call *call)
{
	struct no_params params = { 0 };
	if (call_params(call, &params))
		ask_file(call, STORE_ASK_STATS, NULL);
}

void rpc_store_check(const struct call *call)
{
	struct no_params params = { 0 };
	if (call_params(call, &params))
		ask_file(call, STORE_ASK_CHECK, NULL);
}

void rpc_store_backup(const struct call *call)
{
	struct backup_params params = { 0 };
	if (!call_params(call, &params))
		return;
	if (params.path[0] == '/')
		ask_file(call, STORE_ASK_BACKUP, params.path);
	else
		reply_error(&call->to, PROTO_INVALID_PARAMS, "parameter \"path\" must be an absolute path", NULL);
	call_params_free(call, &params);
}
