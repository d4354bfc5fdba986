/* Shares of the edge: connections, outstanding requests, requests a second, descriptors. A user's account outlives his connections as
 * long as he owes time: whoever comes back at once has not gained a burst by that. */
#include "edge/user.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/users.h"
#include "base/xmalloc.h"
#include "config/config.h"
#include "edge/descriptors.h"
#include "edge/reply.h"
#include "proto/command.h"
#include "proto/jsonrpc.h"

/* A user's account, and when it goes. */
struct account {
	struct user user;
	struct edge *edge;
	struct edge_timer timer; /* set while he has no connections */
};

static struct account *account_of(struct user *user)
{
	return (struct account *)((char *)user - offsetof(struct account, user));
}

static uint64_t account_key(const void *value)
{
	return ((const struct account *)value)->user.uid;
}

/* --- what the configuration gives --- */

bool user_is_exempt(uint32_t uid)
{
	return uid == 0 || uid == geteuid();
}

static void user_configure(const struct edge *edge, struct user *user)
{
	user->exempt = user_is_exempt(user->uid);
	user->outstanding_most = user->exempt || !edge->shares.requests ? SIZE_MAX : edge->shares.requests;
}

/* What he owes is requests, and their time is by the rate that holds now. */
static void owe_by_new_rate(struct edge *edge, struct user *user, int64_t old_period_ns)
{
	int64_t now = core_now(edge->core);
	if (user->rate_ns <= now || !old_period_ns)
		return;
	double owed = (double)(user->rate_ns - now) / (double)old_period_ns * (double)edge->shares.period_ns;
	user->rate_ns = now + (owed < (double)INT64_MAX / 4 ? (int64_t)owed : INT64_MAX / 4);
	if (!user->connections) {
		edge_timer_cancel(edge, &account_of(user)->timer);
		edge_timer_set(edge, &account_of(user)->timer, user->rate_ns);
	}
}

/* What the core keeps. Who the daemon's user is may change once: when root gives itself up. */
static void core_configure(struct edge *edge)
{
	edge->shares_uid = geteuid();
	edge->core_shares.exempt[0] = 0;
	edge->core_shares.exempt[1] = edge->shares_uid;
	edge->core_shares.n_exempt = 2;
	core_set_shares(edge->core, &edge->core_shares);
}

/* A command can be run in any case. */
static size_t descriptors_auto(const struct edge *edge)
{
	size_t part = (size_t)edge->limits.descriptors / DESCRIPTORS_SHARE;
	return part > COMMAND_FDS ? part : COMMAND_FDS;
}

void users_configure(struct edge *edge, const struct config *config)
{
	struct user *user;
	size_t cursor = 0;
	int64_t kept = config->user_result_bytes == -1 ? config->result_bytes / 2 : config->user_result_bytes;
	int64_t burst = config->user_burst > 1 ? config->user_burst : 1, old_period_ns = edge->shares.period_ns;
	edge->shares = (struct user_shares){
		.connections = config->user_connections == -1 ? (edge->limits.connections + 1) / 2
							       : (size_t)config->user_connections,
		.requests = (size_t)config->user_requests,
		.rate = config->user_rate,
		.descriptors = config->user_descriptors == -1 ? descriptors_auto(edge) : (size_t)config->user_descriptors,
	};
	if (config->user_rate > 0) {
		edge->shares.period_ns = (int64_t)((double)NS_PER_S / config->user_rate);
		if (edge->shares.period_ns < 1)
			edge->shares.period_ns = 1;
		if (__builtin_mul_overflow(edge->shares.period_ns, burst - 1, &edge->shares.burst_ns))
			edge->shares.burst_ns = INT64_MAX / 2;
	}
	edge->core_shares = (struct core_shares){
		.queued = (size_t)config->user_queued,
		.queued_bytes = (size_t)config->user_queued_bytes,
		.running = (size_t)config->user_running,
		.result_bytes = (size_t)kept,
	};
	core_configure(edge);
	while ((user = user_next(edge, &cursor))) {
		user_configure(edge, user);
		owe_by_new_rate(edge, user, old_period_ns);
	}
}

/* --- accounts --- */

void users_init(struct edge *edge)
{
	table_init(&edge->users, account_key);
}

static void account_free(struct account *account)
{
	edge_timer_cancel(account->edge, &account->timer);
	table_remove(&account->edge->users, account->user.uid);
	free(account);
}

static void settled(struct edge_timer *timer)
{
	account_free(heap_entry(timer, struct account, timer.node));
}

struct user *user_join(struct edge *edge, uint32_t uid)
{
	struct user *user = user_of(edge, uid);
	if (edge->shares_uid != geteuid())
		core_configure(edge);
	if (!user) {
		struct account *account = xcalloc(1, sizeof(*account));
		account->edge = edge;
		account->timer.fire = settled;
		TAILQ_INIT(&account->user.manies);
		user = &account->user;
		user->uid = uid;
		table_put(&edge->users, account);
	}
	edge_timer_cancel(edge, &account_of(user)->timer);
	user_configure(edge, user);
	user->connections++;
	return user;
}

void user_leave(struct edge *edge, struct user *user)
{
	if (--user->connections > 0)
		return;
	if (user->rate_ns > core_now(edge->core))
		edge_timer_set(edge, &account_of(user)->timer, user->rate_ns);
	else
		account_free(account_of(user));
}

struct user *user_next(const struct edge *edge, size_t *cursor)
{
	struct account *account = table_next(&edge->users, cursor);
	return account ? &account->user : NULL;
}

struct user *user_of(const struct edge *edge, uint32_t uid)
{
	struct account *account = table_get(&edge->users, uid);
	return account ? &account->user : NULL;
}

void users_free(struct edge *edge)
{
	struct account *account;
	for (size_t cursor = 0; (account = table_next(&edge->users, &cursor)); cursor = 0)
		account_free(account);
	table_fini(&edge->users);
}

/* --- what is refused --- */

void over_share_tell(const struct edge *edge, uint32_t uid, const char *limit, double most, size_t has, int64_t retry_ns,
	char message[OVER_SHARE_SIZE], struct strbuf *data)
{
	const char *name = user_name_kept(uid, core_now(edge->core));
	snprintf(message, OVER_SHARE_SIZE, "user %.64s has all that %s of taskd.conf allows: %.15g", name, limit, most);
	error_data_begin(data, PROTO_OVER_SHARE);
	strbuf_printf(data, ",\"limit\":\"%s\",\"most\":%.15g,\"user\":", limit, most);
	strbuf_json_string(data, name, strlen(name));
	if (has != SIZE_MAX)
		strbuf_printf(data, ",\"has\":%zu", has);
	if (retry_ns >= 0)
		strbuf_printf(data, ",\"retry_after\":%.3f", (double)retry_ns / (double)NS_PER_S);
	strbuf_puts(data, "}");
}

static bool refuse(const struct reply_to *to, const char *limit, double most, size_t has, int64_t retry_ns)
{
	struct user *user = to->connection->user;
	char message[OVER_SHARE_SIZE];
	struct strbuf data = STRBUF_INIT;
	user->refused++;
	if (!to->id)
		return false;
	over_share_tell(to->connection->edge, user->uid, limit, most, has, retry_ns, message, &data);
	reply_error(to, PROTO_OVER_SHARE, message, data.data);
	strbuf_free(&data);
	return false;
}

bool user_may_connect(struct edge *edge, uint32_t uid, struct strbuf *line)
{
	struct user *user = user_of(edge, uid);
	size_t most = edge->shares.connections;
	char message[OVER_SHARE_SIZE];
	struct strbuf data = STRBUF_INIT;
	if (!most || !user || user->connections < most || user->exempt)
		return true;
	user->refused++;
	over_share_tell(edge, uid, "user_connections", (double)most, user->connections, -1, message, &data);
	rpc_error(line, "null", 4, PROTO_OVER_SHARE, message, data.data);
	strbuf_free(&data);
	return false;
}

/* A request may come before it is due by as much as the burst is. */
static bool in_time(const struct edge *edge, struct user *user, int64_t *wait_ns)
{
	int64_t now = core_now(edge->core), due = user->rate_ns > now ? user->rate_ns : now;
	*wait_ns = due - now - edge->shares.burst_ns;
	if (*wait_ns > 0)
		return false;
	user->rate_ns = due + edge->shares.period_ns;
	return true;
}

static void count(const struct edge *edge, struct user *user)
{
	int64_t second = core_now(edge->core) / NS_PER_S;
	if (second != user->second) {
		user->in_second_before = second == user->second + 1 ? user->in_second : 0;
		user->in_second = 0;
		user->second = second;
	}
	user->in_second++;
	user->requests++;
}

size_t user_asked_lately(const struct edge *edge, const struct user *user)
{
	int64_t ago = core_now(edge->core) / NS_PER_S - user->second;
	return ago == 0 ? user->in_second_before : ago == 1 ? user->in_second : 0;
}

bool user_may_ask(const struct reply_to *to)
{
	struct user *user = to->connection->user;
	const struct edge *edge = to->connection->edge;
	int64_t wait_ns;
	count(edge, user);
	if (!edge->shares.period_ns || user->exempt || in_time(edge, user, &wait_ns))
		return true;
	return refuse(to, "user_rate", edge->shares.rate, SIZE_MAX, wait_ns);
}

bool user_may_wait(const struct reply_to *to, size_t more)
{
	const struct user *user = to->connection->user;
	if (user->outstanding <= user->outstanding_most && more <= user->outstanding_most - user->outstanding)
		return true;
	return refuse(to, "user_requests", (double)user->outstanding_most, user->outstanding, -1);
}

size_t user_descriptors(const struct edge *edge, uint32_t uid)
{
	const struct user *user = user_of(edge, uid);
	struct core_user_figures tasks;
	core_user_figures(edge->core, uid, &tasks);
	return tasks.descriptors + (user ? user->claimed : 0);
}

bool user_may_claim(const struct reply_to *to, size_t more)
{
	const struct edge *edge = to->connection->edge;
	const struct user *user = to->connection->user;
	size_t most = edge->shares.descriptors, has = user_descriptors(edge, user->uid);
	if (!most || user->exempt || (has <= most && more <= most - has))
		return true;
	return refuse(to, "user_descriptors", (double)most, has, -1);
}
