/* The loop's turn: what has come in is taken (by the callbacks of the event loop, and from the lanes), then the core
 * starts what can be started, then what that produced is written; then it sleeps, if nothing more can be done.
 *
 *   starting ──(workers are ready, or have failed once)──▶ serving ──(SIGTERM, shutdown)──▶ draining
 *   draining ──(nothing is left, or the time is over, or told again)──▶ leaving ──(workers are gone)──▶ the end */
#include "server.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "cgroup.h"
#include "core/core.h"
#include "config/config.h"
#include "edge/edge.h"
#include "listen.h"
#include "machine.h"
#include "manager.h"
#include "notify.h"
#include "ops.h"
#include "pool/pool.h"
#include "proto/strbuf.h"
#include "reload.h"
#include "wallclock.h"

#define LINGER_NS (50 * NS_PER_US)     /* about what it takes a client to wake, look at its result, and ask again */
#define SETTLE_NS (5 * NS_PER_S)      /* how long clients wait for the first workers */

enum phase { PHASE_STARTING, PHASE_SERVING, PHASE_DRAINING, PHASE_LEAVING };

struct server {
	struct event_base *base;
	struct event *timer;
	struct event *signals[3];
	struct event *wallclock; /* NULL: steps of the wall clock are seen when something else ends the sleep */
	int wallclock_fd;
	struct config *config;
	char *config_file;
	char *socket;
	bool socket_is_ours;
	struct core *core;
	struct pools *pools;
	struct edge *edge;
	struct ops_context ops;
	enum phase phase;
	int64_t started_ns;
	int64_t phase_deadline_ns;
	int64_t timer_ns; /* what the timer is set to */
	int64_t core_next_ns;
	struct manager manager;
	bool may_linger;         /* there is a processor beside the one we run on */
	uint64_t lingered_for;   /* core_totals.submitted, when that was last begun */
	int64_t linger_end_ns;
};

static void limits_of(const struct config *config, struct core_limits *limits)
{
	*limits = (struct core_limits){
		.result_ttl_ns = config->result_ttl,
		.failure_ttl_ns = config->failure_ttl,
		.result_bytes = (size_t)config->result_bytes,
		.result_count = (size_t)config->result_count,
		.kill_grace_ns = config->kill_grace,
		.crash_limit = (uint32_t)config->crash_limit,
	};
}

static void time_take(struct server *server)
{
	core_set_now(server->core, clock_mono_ns());
	core_set_wall(server->core, clock_wall_ns());
}

/* --- phases --- */

static void enter_serving(struct server *server)
{
	int ready, wanted;
	pools_count(server->pools, &ready, &wanted);
	server->phase = PHASE_SERVING;
	edge_open(server->edge);
	notify_send("READY=1\nSTATUS=%d of %d workers ready", ready, wanted);
	log_info("taskd " PACKAGE_VERSION " serves on %s: %d of %d workers ready after %.0f ms", server->socket, ready, wanted,
		(double)(clock_mono_ns() - server->started_ns) / 1e6);
}

static void enter_leaving(struct server *server)
{
	const struct core_totals *totals = core_totals(server->core);
	if (totals->waiting || totals->in_lanes || totals->scheduled || totals->blocked)
		log_warning("stopped with %zu queued and %zu started tasks left, %zu scheduled and %zu blocked ones: they are lost",
			totals->waiting, totals->in_lanes, totals->scheduled, totals->blocked);
	edge_close_listeners(server->edge);
	if (server->phase != PHASE_DRAINING)
		notify_send("STOPPING=1");
	server->phase = PHASE_LEAVING;
	core_close(server->core, false);
	pools_stop(server->pools);
	if (totals->in_lanes)
		pools_kill(server->pools);
	server->phase_deadline_ns = clock_mono_ns() + server->config->kill_grace;
}

static void enter_draining(struct server *server, bool now)
{
	if (server->phase == PHASE_LEAVING) {
		pools_kill(server->pools);
		return;
	}
	if (server->phase == PHASE_DRAINING || now) {
		enter_leaving(server);
		return;
	}
	const struct core_totals *totals = core_totals(server->core);
	log_info("stopping: %zu queued and %zu started tasks may end within %.0f s; %zu scheduled and %zu blocked ones are not "
		 "waited for", totals->waiting, totals->in_lanes, (double)server->config->drain_timeout / 1e9,
		totals->scheduled, totals->blocked);
	notify_send("STOPPING=1\nSTATUS=draining");
	server->phase = PHASE_DRAINING;
	server->phase_deadline_ns = clock_mono_ns() + server->config->drain_timeout;
	edge_close_listeners(server->edge);
	core_close(server->core, true);
}

/* Nothing is left that a stop would wait for: what has yet to become due, waits for such, or waits in a queue that is
 * paused would hold it up without an end. */
static bool is_drained(const struct server *server)
{
	const struct core_totals *totals = core_totals(server->core);
	const struct core_queue *queue = NULL;
	size_t paused = 0;
	if (totals->in_lanes || !edge_quiet(server->edge))
		return false;
	while (totals->waiting > paused && (queue = core_queue_next(server->core, queue))) {
		struct core_queue_figures figures;
		core_queue_figures(queue, &figures);
		paused += figures.paused ? figures.waiting : 0;
	}
	return totals->waiting <= paused;
}

/* Moves on from phase to phase; false: that was the last. */
static bool phase_turn(struct server *server, int64_t now)
{
	switch (server->phase) {
	case PHASE_STARTING:
		if (pools_settled(server->pools) || now >= server->phase_deadline_ns)
			enter_serving(server);
		return true;
	case PHASE_SERVING:
		return true;
	case PHASE_DRAINING:
		if (is_drained(server) || now >= server->phase_deadline_ns)
			enter_leaving(server);
		else
			return true;
		__attribute__((fallthrough)); /* where no worker runs, nothing would come to end a sleep */
	case PHASE_LEAVING:
		if (now >= server->phase_deadline_ns) {
			pools_kill(server->pools);
			server->phase_deadline_ns = CLOCK_NEVER;
		}
		return !pools_gone(server->pools);
	}
	abort();
}

static int64_t phase_next_ns(const struct server *server)
{
	return server->phase == PHASE_SERVING ? CLOCK_NEVER : server->phase_deadline_ns;
}

/* --- requests that concern the server as a whole --- */

static int host_reload(void *context, char **report, char **error)
{
	struct server *server = context;
	/* While it starts or stops it is not READY, and must not say so. */
	bool tell = server->phase == PHASE_SERVING;
	if (tell)
		notify_send("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(clock_mono_ns() / NS_PER_US));
	struct config *config = config_load(server->config_file, false, error);
	if (!config) {
		if (tell)
			notify_send("READY=1");
		return -1;
	}
	*report = reload_report(server->config, config);
	struct core_limits limits;
	limits_of(config, &limits);
	core_set_limits(server->core, &limits);
	reload_semaphores(core_objects(server->core), server->config, config);
	pools_configure(server->pools, config);
	edge_configure(server->edge, config);
	log_set_level((enum log_level)config->log_level);
	config_free(server->config);
	server->config = config;
	log_info("configuration read again: %s", *report);
	if (tell)
		notify_send("READY=1");
	return 0;
}

static void host_shutdown(void *context, bool now)
{
	enter_draining(context, now);
}

static void add_member(struct strbuf *out, const char *name, const char *text)
{
	strbuf_printf(out, "\"%s\":", name);
	strbuf_json_string(out, text, strlen(text));
	strbuf_puts(out, ",");
}

static void host_describe(void *context, struct strbuf *out)
{
	const struct server *server = context;
	int64_t now = clock_mono_ns();
	char started[CLOCK_TEXT_SIZE];
	clock_format_wall(clock_wall_of_ns(server->started_ns), started);
	add_member(out, "started_at", started);
	strbuf_printf(out, "\"uptime\":%.6f,", (double)(now - server->started_ns) / 1e9);
	add_member(out, "socket", server->socket);
	if (server->config->file)
		add_member(out, "config", server->config->file);
}

/* --- signals --- */

static void on_stop(evutil_socket_t number, short what, void *arg)
{
	(void)number;
	(void)what;
	time_take(arg);
	enter_draining(arg, false);
}

static void on_hangup(evutil_socket_t number, short what, void *arg)
{
	(void)number;
	(void)what;
	char *report = NULL, *error = NULL;
	time_take(arg);
	if (host_reload(arg, &report, &error) < 0)
		log_error("configuration not taken over: %s", error);
	free(report);
	free(error);
}

/* The clock was set. The turn that follows tells the core. */
static void on_wallclock(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	(void)arg;
	wallclock_again(fd);
}

/* --- the loop --- */

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct server *server = arg;
	server->timer_ns = CLOCK_NEVER;
}

static int64_t next_ns(const struct server *server)
{
	const int64_t times[] = { server->core_next_ns, pools_next_ns(server->pools), edge_next_ns(server->edge),
		phase_next_ns(server), manager_next_ns(&server->manager) };
	int64_t next = CLOCK_NEVER;
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++)
		if (times[i] < next)
			next = times[i];
	return next;
}

/* Sets the one timer; true where its time has come already. */
static bool timer_set(struct server *server)
{
	int64_t next = next_ns(server);
	if (next == CLOCK_NEVER) {
		if (server->timer_ns != CLOCK_NEVER)
			evtimer_del(server->timer);
		server->timer_ns = CLOCK_NEVER;
		return false;
	}
	int64_t wait = next - clock_mono_ns();
	if (wait <= 0)
		return true;
	if (next != server->timer_ns) {
		struct timeval tv = { .tv_sec = wait / NS_PER_S, .tv_usec = (wait % NS_PER_S + 999) / NS_PER_US };
		if (tv.tv_usec >= 1000000) {
			tv.tv_sec++;
			tv.tv_usec -= 1000000;
		}
		evtimer_add(server->timer, &tv);
		server->timer_ns = next;
	}
	return false;
}

/* True: more can be done at once. */
static bool turn(struct server *server)
{
	time_take(server);
	bool busy = pools_turn(server->pools);
	int64_t now = core_now(server->core);
	if (now >= pools_next_ns(server->pools))
		pools_timer(server->pools);
	if (now >= edge_next_ns(server->edge))
		edge_timer(server->edge);
	server->core_next_ns = core_turn(server->core);
	pools_kick(server->pools);
	pools_unblock(server->pools);
	busy |= edge_turn(server->edge);
	busy |= core_is_due(server->core); /* who left has given something back */
	manager_turn(&server->manager, now, server->phase == PHASE_SERVING, server->core, server->pools, server->edge);
	return busy;
}

/* To stay awake for a few microseconds, right after work and only then, is cheaper than to be woken: for the answer of a
 * slot that has just been given something tiny; and, when nothing is left to do for anyone and so processors are free,
 * for what the client that has just got its result may ask next. */
static bool linger(struct server *server)
{
	const struct core_totals *totals = core_totals(server->core);
	if (!server->may_linger)
		return false;
	if (totals->in_lanes || totals->waiting)
		return pools_linger(server->pools);
	if (server->lingered_for != totals->submitted) {
		server->lingered_for = totals->submitted;
		server->linger_end_ns = core_now(server->core) + LINGER_NS;
	}
	return core_now(server->core) < server->linger_end_ns;
}

int server_run(struct server *server)
{
	pools_start(server->pools);
	for (;;) {
		bool busy = turn(server);
		if (!phase_turn(server, core_now(server->core)))
			break;
		bool sleep = !timer_set(server) && !busy && !linger(server) && pools_sleep(server->pools);
		/* EVLOOP_NONBLOCK alone goes on for as long as anything is readable: the turn would never come. */
		if (event_base_loop(server->base, EVLOOP_ONCE | (sleep ? 0 : EVLOOP_NONBLOCK)) < 0) {
			log_error("the event loop failed: %s", strerror(errno));
			return EXIT_FAILURE;
		}
		if (sleep)
			pools_wake(server->pools);
	}
	log_info("stopped");
	return EXIT_SUCCESS;
}

/* --- birth and death --- */

/* Handlers may be clients. They do not have to be where taskd was started. */
static void tell_workers_socket(struct server *server)
{
	char *folder = server->socket[0] == '/' ? NULL : getcwd(NULL, 0);
	char *path = folder ? xasprintf("%s/%s", folder, server->socket) : xstrdup(server->socket);
	pools_set_socket(server->pools, path);
	free(folder);
	free(path);
}

/* Before the first worker: they belong where the master is. */
static void give_workers_cgroup(struct server *server)
{
	char *folder = cgroup_claim(NULL);
	pools_set_cgroup(server->pools, folder);
	free(folder);
}

static void watch_wallclock(struct server *server)
{
	server->wallclock_fd = wallclock_open();
	if (server->wallclock_fd >= 0)
		server->wallclock = event_new(server->base, server->wallclock_fd, EV_READ | EV_PERSIST, on_wallclock, server);
	if (!server->wallclock || event_add(server->wallclock, NULL) < 0)
		log_warning("steps of the wall clock are not noticed at once: %s", strerror(errno));
}

static struct event *signal_event(struct server *server, int number, event_callback_fn callback)
{
	struct event *event = evsignal_new(server->base, number, callback, server);
	if (!event || event_add(event, NULL) < 0)
		abort();
	return event;
}

static struct event_base *base_new(void)
{
	struct event_config *config = event_config_new();
	if (!config)
		return NULL;
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	struct event_base *base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

struct server *server_new(struct config *config, const struct server_options *options, char **error)
{
	struct server *server = xcalloc(1, sizeof(*server));
	server->config = config;
	server->config_file = options->config_file ? xstrdup(options->config_file) : NULL;
	server->socket = xstrdup(options->socket);
	server->started_ns = clock_mono_ns();
	server->phase_deadline_ns = server->started_ns + SETTLE_NS;
	server->timer_ns = CLOCK_NEVER;
	server->wallclock_fd = -1;
	manager_init(&server->manager);
	server->may_linger = machine_has_processors();
	signal(SIGPIPE, SIG_IGN);
	/* What commands leave behind when their worker dies comes to us, not to init. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		log_warning("what dead workers leave behind will not be found: %s", strerror(errno));
	long long files = machine_raise_files();

	server->base = base_new();
	if (!server->base) {
		*error = xstrdup("no event loop: the kernel offers neither epoll nor poll");
		server_free(server);
		return NULL;
	}
	server->timer = evtimer_new(server->base, on_timer, server);
	server->signals[0] = signal_event(server, SIGTERM, on_stop);
	server->signals[1] = signal_event(server, SIGINT, on_stop);
	server->signals[2] = signal_event(server, SIGHUP, on_hangup);
	watch_wallclock(server);

	struct core_ops ops;
	struct core_limits limits;
	ops_fill(&ops, &server->ops);
	limits_of(config, &limits);
	server->core = core_new(&ops, &limits, server->started_ns, clock_wall_ns());
	core_seed(server->core, machine_random());
	reload_semaphores(core_objects(server->core), NULL, config);
	server->pools = server->ops.pools = pools_new(server->base, server->core, config, files);
	const struct edge_host host = {
		.context = server,
		.core = server->core,
		.pools = server->pools,
		.reload = host_reload,
		.shutdown = host_shutdown,
		.describe = host_describe,
	};
	server->edge = server->ops.edge = edge_new(server->base, &host, config);
	pools_on_deadlock(server->pools, edge_deadlock, server->edge);
	if (listen_all(server->edge, config, &server->socket, &server->socket_is_ours, error) < 0) {
		server_free(server);
		return NULL;
	}
	tell_workers_socket(server);
	give_workers_cgroup(server);
	return server;
}

void server_free(struct server *server)
{
	if (!server)
		return;
	if (server->edge)
		edge_free(server->edge);
	server->ops.edge = NULL;
	if (server->pools)
		pools_free(server->pools);
	server->ops.pools = NULL;
	if (server->core)
		core_free(server->core);
	if (server->socket_is_ours)
		unlink(server->socket);
	for (size_t i = 0; i < sizeof(server->signals) / sizeof(*server->signals); i++)
		if (server->signals[i])
			event_free(server->signals[i]);
	if (server->timer)
		event_free(server->timer);
	if (server->wallclock)
		event_free(server->wallclock);
	if (server->wallclock_fd >= 0)
		close(server->wallclock_fd);
	if (server->base)
		event_base_free(server->base);
	config_free(server->config);
	free(server->config_file);
	free(server->socket);
	free(server);
}
