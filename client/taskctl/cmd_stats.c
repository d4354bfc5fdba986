/* stats: how much there is of everything, in all or by user. */
#include <stdio.h>
#include <stdlib.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"

struct stats_values {
	bool users;
};

/* --- the daemon --- */

static int show_daemon(struct taskctl *ctl)
{
	static const struct field fields[] = {
		{ .title = "version", .path = "server.version", .cell = CELL_TEXT },
		{ .title = "pid", .path = "server.pid", .cell = CELL_TEXT },
		{ .title = "up for", .path = "server.uptime", .cell = CELL_SECONDS },
		{ .title = "socket", .path = "server.socket", .cell = CELL_TEXT },
		{ .title = "configuration", .path = "server.config", .cell = CELL_TEXT },
		{ .title = "memory", .path = "memory.resident", .cell = CELL_SIZE },
		{ .title = "workers ready", .path = "workers.ready", .cell = CELL_TEXT },
		{ .title = "workers wanted", .path = "workers.wanted", .cell = CELL_TEXT },
		{ .title = "connections", .path = "connections", .cell = CELL_TEXT },
		{ .title = "requests", .path = "requests", .cell = CELL_TEXT },
		{ .title = "submitted", .path = "tasks.submitted", .cell = CELL_TEXT },
		{ .title = "scheduled", .path = "tasks.scheduled", .cell = CELL_TEXT },
		{ .title = "blocked", .path = "tasks.blocked", .cell = CELL_TEXT },
		{ .title = "queued", .path = "tasks.queued", .cell = CELL_TEXT },
		{ .title = "queued bytes", .path = "tasks.queued_bytes", .cell = CELL_SIZE },
		{ .title = "running", .path = "tasks.running", .cell = CELL_TEXT },
		{ .title = "cancelling", .path = "tasks.cancelling", .cell = CELL_TEXT },
		{ .title = "succeeded", .path = "tasks.succeeded", .cell = CELL_TEXT },
		{ .title = "failed", .path = "tasks.failed", .cell = CELL_TEXT },
		{ .title = "timed out", .path = "tasks.timed_out", .cell = CELL_TEXT },
		{ .title = "crashed", .path = "tasks.crashed", .cell = CELL_TEXT },
		{ .title = "cancelled", .path = "tasks.cancelled", .cell = CELL_TEXT },
		{ .title = "expired", .path = "tasks.expired", .cell = CELL_TEXT },
		{ .title = "kept", .path = "tasks.kept", .cell = CELL_TEXT },
		{ .title = "kept bytes", .path = "tasks.kept_bytes", .cell = CELL_SIZE },
		{ .title = "recording", .path = "tasks.recording", .cell = CELL_TEXT },
		{ .title = "store", .path = "store.state", .cell = CELL_STATE },
		{ .title = "store's trouble", .path = "store.reason", .cell = CELL_TEXT },
		{ .title = "state directory", .path = "store.directory", .cell = CELL_TEXT },
		{ .title = "loaded", .path = "store.loaded", .cell = CELL_TEXT },
		{ .title = "to load", .path = "store.to_load", .cell = CELL_TEXT },
		{ .title = "recovered", .path = "store.recovered", .cell = CELL_TEXT },
		{ .title = "interrupted", .path = "store.interrupted", .cell = CELL_TEXT },
		{ .title = "not on disk yet", .path = "store.backlog", .cell = CELL_SIZE },
		{ .title = "committed", .path = "store.committed", .cell = CELL_TEXT },
		{ .title = "store's restarts", .path = "store.respawns", .cell = CELL_TEXT },
		{ .title = NULL },
	};
	json_t *info, *stats;
	int status = taskctl_request(ctl, METHOD_SERVER_INFO, NULL, &info);

	if (status != EXIT_FINE)
		return status;
	status = taskctl_request(ctl, METHOD_SERVER_STATS, NULL, &stats);
	if (status == EXIT_FINE) {
		json_object_set(stats, "server", info);
		ctl->writer->ops->record(ctl->writer, fields, stats);
		json_decref(stats);
	}
	json_decref(info);
	return status;
}

/* --- the users --- */

/* How much of a share is used up, of those that refuse or hold up what is beyond. (Of results, the oldest go.) */
static const struct share {
	const char *limit, *figure;
	const char *word; /* for people */
} shares[] = {
	{ .limit = "user_connections", .figure = "connections", .word = "connections" },
	{ .limit = "user_requests", .figure = "outstanding", .word = "requests" },
	{ .limit = "user_rate", .figure = "rate", .word = "rate" },
	{ .limit = "user_queued", .figure = "queued", .word = "queued" },
	{ .limit = "user_queued_bytes", .figure = "queued_bytes", .word = "bytes" },
	{ .limit = "user_running", .figure = "running", .word = "running" },
	{ .limit = "user_descriptors", .figure = "descriptors", .word = "descriptors" },
	{ .limit = "object_limit", .figure = "objects", .word = "objects" },
	{ .limit = "waiter_limit", .figure = "waiters", .word = "waiters" },
	{ .limit = "mq_bytes_limit", .figure = "mq_bytes", .word = "messages" },
};
#define N_SHARES (sizeof shares / sizeof *shares)
#define SHARE_SHOWN 0.005 /* 1%, as it is written */

static double used(const json_t *user, const struct share *share)
{
	double most = json_number_value(json_object_get(json_object_get(user, "shares"), share->limit));

	double part = most > 0 ? json_number_value(json_object_get(user, share->figure)) / most : 0;

	return part < 1 ? part : 1; /* of requests, what was refused counts, too */
}

static const struct share *fullest(const json_t *user)
{
	const struct share *found = &shares[0];

	for (size_t i = 1; i < N_SHARES; i++)
		if (used(user, &shares[i]) > used(user, found))
			found = &shares[i];
	return found;
}

static int order_of(double x, double y)
{
	return (x > y) - (x < y);
}

/* Who is next to his limits comes first, then who was refused more, and so on. */
static int compare(const void *a, const void *b)
{
	static const char *const figures[] = { "refused", "queued", "running", "outstanding", "requests" };
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	int order = order_of(used(y, fullest(y)), used(x, fullest(x)));

	for (size_t i = 0; order == 0 && i < sizeof figures / sizeof *figures; i++)
		order = order_of(json_number_value(json_object_get(y, figures[i])),
			json_number_value(json_object_get(x, figures[i])));
	return order ? order
		     : order_of(json_number_value(json_object_get(x, "uid")), json_number_value(json_object_get(y, "uid")));
}

/* The same users; what is given is taken over. */
static json_t *sort(json_t *users)
{
	size_t n = json_array_size(users), i;
	json_t **all = must(calloc(n + 1, sizeof(json_t *))), *sorted = must(json_array()), *user;

	json_array_foreach(users, i, user)
		all[i] = user;
	qsort(all, n, sizeof(json_t *), compare);
	for (i = 0; i < n; i++)
		json_array_append(sorted, all[i]);
	free(all);
	json_decref(users);
	return sorted;
}

/* For people: how full the fullest share is; and columns that have nothing to say are left out. */
static void make_readable(json_t *users)
{
	static const char *const quiet[] = { "outstanding", "rate", "refused", "held", "descriptors", "waiters", "mq_bytes" };
	size_t i;
	json_t *user;

	json_array_foreach(users, i, user) {
		const struct share *share = fullest(user);
		double part = used(user, share);
		char text[48];

		if (part >= SHARE_SHOWN) {
			snprintf(text, sizeof text, "%.0f%% %s", part * 100, share->word);
			json_object_set_new(user, "share", json_string(text));
		}
		for (size_t j = 0; j < sizeof quiet / sizeof *quiet; j++)
			if (json_integer_value(json_object_get(user, quiet[j])) == 0)
				json_object_del(user, quiet[j]);
	}
}

static int show_users(struct taskctl *ctl)
{
	static const struct field fields[] = {
		{ .title = "USER", .path = "user", .cell = CELL_TEXT },
		{ .title = "CONNECTIONS", .path = "connections", .cell = CELL_NUMBER },
		{ .title = "REQUESTS", .path = "requests", .cell = CELL_NUMBER },
		{ .title = "A-SECOND", .path = "rate", .cell = CELL_NUMBER, .optional = true },
		{ .title = "OUTSTANDING", .path = "outstanding", .cell = CELL_NUMBER, .optional = true },
		{ .title = "REFUSED", .path = "refused", .cell = CELL_NUMBER, .optional = true },
		{ .title = "QUEUED", .path = "queued", .cell = CELL_NUMBER },
		{ .title = "BYTES", .path = "queued_bytes", .cell = CELL_SIZE },
		{ .title = "RUNNING", .path = "running", .cell = CELL_NUMBER },
		{ .title = "HELD", .path = "held", .cell = CELL_NUMBER, .optional = true },
		{ .title = "RESULTS", .path = "kept", .cell = CELL_NUMBER },
		{ .title = "RESULT-BYTES", .path = "kept_bytes", .cell = CELL_SIZE },
		{ .title = "DESCRIPTORS", .path = "descriptors", .cell = CELL_NUMBER, .optional = true },
		{ .title = "OBJECTS", .path = "objects", .cell = CELL_NUMBER },
		{ .title = "WAITERS", .path = "waiters", .cell = CELL_NUMBER, .optional = true },
		{ .title = "MESSAGES", .path = "mq_bytes", .cell = CELL_SIZE, .optional = true },
		{ .title = "SHARE", .path = "share", .cell = CELL_TEXT, .optional = true },
		{ .title = NULL },
	};
	json_t *users;
	int status = taskctl_request(ctl, METHOD_USER_LIST, NULL, &users);

	if (status != EXIT_FINE)
		return status;
	users = sort(users);
	if (!ctl->json)
		make_readable(users);
	ctl->writer->ops->table(ctl->writer, fields, users);
	json_decref(users);
	return EXIT_FINE;
}

/* --- the command --- */

static int run_stats(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct stats_values *values = invocation->values;

	return values->users ? show_users(ctl) : show_daemon(ctl);
}

static const struct option_spec stats_options[] = {
	{ .name = "users", .type = OPTION_FLAG, .offset = offsetof(struct stats_values, users),
		.summary = "what each user has of it, those next to their limits first" },
	{ .name = NULL },
};

const struct command command_stats = {
	.name = "stats",
	.operands = "",
	.summary = "Show the daemon's figures",
	.help = "With --users a line for each user. QUEUED has not started, HELD has not because he has\n"
		"enough that runs; SHARE is the fullest of the shares that taskd.conf gives each user\n"
		"(user_queued and so on). Who may read his own tasks only sees himself.",
	.options = stats_options,
	.values_size = sizeof(struct stats_values),
	.reconnects = true,
	.run = run_stats,
};
