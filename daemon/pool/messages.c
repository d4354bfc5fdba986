/* The master's side of worker/heritage.h: what a new worker is told, and what it says of itself. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cgroup_tree.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/users.h"
#include "base/xmalloc.h"
#include "lane/lane.h"
#include "pool/internal.h"
#include "worker/heritage.h"

#define TEXT_LIMIT 512
#define NAME_LIMIT 64
#define FDS_LIMIT 3
/* So many messages of one worker are read before others have their turn, or so many bytes. */
#define READ_LIMIT 32
#define READ_BYTES HERITAGE_MESSAGE_LIMIT
/* So many messages may a worker send before it is ready that name no handler (those that do are as many as there are handlers,
 * and as their inits fail), and so many handlers may they name. */
#define SAID_LIMIT 64
#define HANDLERS_LIMIT 10000
/* So many reasons are kept of a worker, and told of a pool: one that makes them up is not to fill memory and log. */
#define REASONS_LIMIT 256

/* --- to the worker --- */

static int send_with_fds(int socket, const char *text, size_t length, const int *fds, size_t n_fds)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(FDS_LIMIT * sizeof(int))];
	} control = { 0 };
	struct iovec part = { .iov_base = (void *)(uintptr_t)text, .iov_len = length };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	if (n_fds) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(rights), fds, n_fds * sizeof(int));
	}
	return sendmsg(socket, &message, MSG_NOSIGNAL) == (ssize_t)length ? 0 : -1;
}

static int send_json(int socket, json_t *message, const int *fds, size_t n_fds)
{
	char *text = json_dumps(message, JSON_COMPACT);
	json_decref(message);
	if (!text) {
		errno = ENOMEM;
		return -1;
	}
	int code = send_with_fds(socket, text, strlen(text), fds, n_fds);
	free(text);
	return code;
}

static json_t *describe_plugins(const struct config *config)
{
	json_t *list = json_array();
	const struct config_plugin *plugin;
	STAILQ_FOREACH(plugin, &config->plugins, link)
		json_array_append_new(list, json_pack("{s:s, s:s}", "name", plugin->name, "path", plugin->path));
	return list;
}

/* Whom commands run as that are not of a queue with as_submitter; null: nobody. That this is root is said by those who mean
 * it, and by no default. */
static json_t *describe_user(const struct config_pool *pool)
{
	uint32_t uid = geteuid();
	if (pool->user)
		return user_find(pool->user, &uid) ? json_integer(uid) : json_null();
	return uid ? json_integer(uid) : json_null();
}

static json_t *describe_confine(const struct pool *pool)
{
	struct pool_confinement confinement;
	pool_confinement(pool, &confinement);
	return json_pack("{s:b, s:s, s:s?, s:s?, s:b}", "no_new_privs", confinement.no_new_privs, "seccomp",
		confinement.seccomp, "read_paths", confinement.read_paths, "write_paths", confinement.write_paths,
		"private_directory", confinement.private_directory);
}

static json_t *describe_commands(const struct pools *pools, const struct pool *pool)
{
	const struct config *config = pools->config;
	bool as_submitter = pools_as_submitter(config, pool->name);
	/* Slots have numbers within their pool. */
	char *cgroup = pools->cgroup ? cgroup_tree_pool(pools->cgroup, pool->name) : NULL;
	json_t *commands = json_pack("{s:s?, s:I, s:I, s:s?, s:b, s:o}", "log_dir", config->command_log_dir, "log_ttl",
		(json_int_t)config->command_log_ttl, "log_bytes", (json_int_t)config->command_log_bytes, "cgroup", cgroup,
		"as_submitter", as_submitter, "user", as_submitter ? describe_user(&pool_own(pool)->config) : json_null());
	free(cgroup);
	return commands;
}

static int send_slot(struct seat *seat)
{
	const int fds[FDS_LIMIT] = { lane_memory_fd(seat->lane), lane_socket_fd(seat->lane),
		seat->capture ? capture_fd(seat->capture) : -1 };
	json_t *message = json_pack("{s:i}", "slot", seat->index);
	if (send_json(seat->process->control_fd, message, fds, seat->capture ? 3 : 2) < 0)
		return -1;
	lane_handed_over(seat->lane);
	if (seat->capture)
		capture_handed_over(seat->capture);
	return 0;
}

int messages_send_start(struct process *process)
{
	const struct pools *pools = process->worker->pools;
	const struct config *config = pools->config;
	const struct config_pool *pool = &pool_own(process->worker->pool)->config;
	json_t *start = json_pack("{s:s, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}",
		"pool", pool->name,
		"index", process->worker->index,
		"threads", process->n_seats,
		"nice", (json_int_t)pool->nice,
		"limit_memory", (json_int_t)pool->limit_memory,
		"limit_cpu", (json_int_t)pool->limit_cpu,
		"limit_files", (json_int_t)pool->limit_files,
		"soft_files", (json_int_t)pools->soft_files,
		"limit_core", (json_int_t)pool->limit_core,
		"payload_limit", (json_int_t)config->payload_limit,
		"log_level", (json_int_t)config->log_level,
		"log_target", (json_int_t)config->log_target,
		"oom_score_adj", pools->oom_adjusted ? json_integer(0) : json_null(),
		"plugins", process->commands ? json_array() : describe_plugins(config),
		"confine", describe_confine(process->worker->pool));
	if (start && process->commands)
		json_object_set_new(start, "commands", describe_commands(pools, process->worker->pool));
	if (!start || send_json(process->control_fd, json_pack("{s:o}", "start", start), &process->doorbell_fd, 1) < 0)
		return -1;
	for (int i = 0; i < process->n_seats; i++)
		if (send_slot(&process->seats[i]) < 0)
			return -1;
	return 0;
}

/* --- from the worker --- */

static char *text_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	if (!json_is_string(value))
		return NULL;
	size_t length = json_string_length(value);
	return xstrndup(json_string_value(value), length < TEXT_LIMIT ? length : TEXT_LIMIT);
}

static bool name_is_good(const char *name)
{
	size_t length = strlen(name);
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
	static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789-";
	return length >= 1 && length <= NAME_LIMIT && strchr(letters, name[0]) && strspn(name, all) == length;
}

static int hear_handler(struct pool *pool, const char *name, const json_t *handler)
{
	char *summary = text_of(handler, "summary"), *parameters = text_of(handler, "parameters");
	char *source = text_of(handler, "source");
	int code = types_handler(pool, name, summary, parameters, source);
	free(summary);
	free(parameters);
	free(source);
	return code;
}

static int hear_handlers(struct process *process, const json_t *handlers)
{
	size_t i;
	const json_t *handler;
	process->n_handlers += json_array_size(handlers);
	if (!json_is_array(handlers) || process->n_handlers > HANDLERS_LIMIT)
		return -1;
	json_array_foreach(handlers, i, handler) {
		const char *name = json_string_value(json_object_get(handler, "name"));
		if (!name || !name_is_good(name) || hear_handler(process->worker->pool, name, handler) < 0)
			return -1;
	}
	return 0;
}

/* Logs what is new for this pool: every worker, at every start, says the same. */
static void tell_once(struct pool *pool, char *text)
{
	struct pool_own *own = pool_own(pool);
	struct told *told;
	STAILQ_FOREACH(told, &own->told, link)
		if (strcmp(told->text, text) == 0) {
			free(text);
			return;
		}
	if (own->n_told++ >= REASONS_LIMIT) {
		free(text);
		return;
	}
	log_error("pool %s: %s", pool->name, text);
	told = xcalloc(1, sizeof(*told));
	told->text = text;
	STAILQ_INSERT_TAIL(&own->told, told, link);
}

static void failure_add(struct worker *worker, const char *handler, const char *reason)
{
	struct worker_failure *failure;
	size_t n = 0;
	STAILQ_FOREACH(failure, &worker->failures, link)
		if (strcmp(failure->handler, handler) == 0 || ++n >= REASONS_LIMIT)
			return;
	failure = xcalloc(1, sizeof(*failure));
	failure->handler = xstrdup(handler);
	failure->reason = xstrdup(reason);
	STAILQ_INSERT_TAIL(&worker->failures, failure, link);
}

static int hear_failure(struct worker *worker, const json_t *object, const char *what, const char *key)
{
	char *name = text_of(object, key);
	char *reason = text_of(object, "error");
	if (name && reason) {
		failure_add(worker, name, reason);
		tell_once(worker->pool, xasprintf("%s %s: %s", what, name, reason));
	}
	int code = name && reason ? 0 : -1;
	free(name);
	free(reason);
	return code;
}

static int hear_plugin_errors(struct worker *worker, const json_t *errors)
{
	size_t i;
	const json_t *error;
	json_array_foreach(errors, i, error)
		if (hear_failure(worker, error, "plugin", "plugin") < 0)
			return -1;
	return 0;
}

static int hear_ready(struct process *process, const json_t *ready)
{
	json_int_t index = json_integer_value(ready);
	if (!json_is_integer(ready) || index < 0 || index >= process->n_seats || process->seats[index].ready)
		return -1;
	process->seats[index].ready = true;
	process->n_ready++;
	struct worker *worker = process->worker;
	if (worker->state != WORKER_STARTING)
		return 0;
	/* Nothing is given before all are there: a process that cannot start its last thread leaves. */
	if (process->n_ready == process->n_seats) {
		for (int i = 0; i < process->n_seats; i++)
			core_slot_ready(process->seats[i].slot);
		worker_enter(worker, WORKER_READY);
		log_debug("worker %s/%d (pid %d): ready after %.1f ms", worker->pool->name, worker->index, worker->pid,
			(double)(clock_mono_ns() - worker->started_ns) / 1e6);
	}
	return 0;
}

static int hear(struct process *process, const json_t *message)
{
	const json_t *part;
	if (process->n_ready == process->n_seats) { /* it has said all that it may say of itself */
		part = json_object_get(message, "answer");
		return part && process->commands ? orders_hear(process, part) : -1;
	}
	if (process->n_said++ > SAID_LIMIT + (process->n_handlers + 1) * (size_t)process->n_seats)
		return -1;
	part = json_object_get(message, "handlers");
	if (process->commands && json_array_size(part) > 0)
		return -1;
	if (part && hear_handlers(process, part) < 0)
		return -1;
	if ((part = json_object_get(message, "plugin_errors")) && hear_plugin_errors(process->worker, part) < 0)
		return -1;
	if ((part = json_object_get(message, "init_failed")) &&
		hear_failure(process->worker, part, "cannot initialise handler", "handler") < 0)
		return -1;
	if ((part = json_object_get(message, "ready")) && hear_ready(process, part) < 0)
		return -1;
	return 0;
}

/* As recv(2). With a message that came with descriptors, which nobody asked for, the kernel would close them here and now,
 * and that may take as long as their sender wants: such a one stays where it is (process_free knows how to close that). */
static ssize_t receive(struct process *process, char *buffer, size_t size)
{
	struct msghdr look = { 0 };
	if (recvmsg(process->control_fd, &look, MSG_PEEK | MSG_DONTWAIT) < 0)
		return -1;
	if (look.msg_flags & MSG_CTRUNC) {
		process->littered = true;
		errno = EPROTO;
		return -1;
	}
	return recv(process->control_fd, buffer, size, MSG_DONTWAIT | MSG_TRUNC);
}

int messages_read(struct process *process)
{
	static char buffer[HERITAGE_MESSAGE_LIMIT];
	size_t bytes = 0;
	for (int i = 0; i < READ_LIMIT && bytes < READ_BYTES; i++) {
		ssize_t length = receive(process, buffer, sizeof(buffer));
		if (length < 0)
			return errno == EAGAIN || errno == EINTR || errno == ECONNRESET ? 0 : -1;
		if (length == 0) { /* it is gone, or has closed its descriptors: its death tells which */
			watch_free(process->control);
			process->control = NULL;
			return 0;
		}
		if ((size_t)length > sizeof(buffer))
			return -1;
		bytes += (size_t)length;
		json_t *message = json_loadb(buffer, (size_t)length, JSON_REJECT_DUPLICATES, NULL);
		int code = message ? hear(process, message) : -1;
		json_decref(message);
		if (code < 0)
			return -1;
	}
	return 0;
}
