/* The loop's turn: what has come in is taken (by the callbacks of the event loop, and from the lanes), then the core
 * starts what can be started, then what that produced is written; then it sleeps, if nothing more can be done. */
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
#include "base/spawn.h"
#include "base/xmalloc.h"
#include "cgroup.h"
#include "core/core.h"
#include "config/config.h"
#include "edge/edge.h"
#include "internal.h"
#include "listen.h"
#include "machine.h"
#include "pool/pool.h"
#include "reload.h"
#include "wallclock.h"

#define LINGER_NS (50 * NS_PER_US)     /* about what it takes a client to wake, look at its result, and ask again */

void server_take_time(struct server *server)
{
	core_set_now(server->core, clock_mono_ns());
	core_set_wall(server->core, clock_wall_ns());
}

/* --- signals --- */

static void on_stop(evutil_socket_t number, short what, void *arg)
{
	(void)number;
	(void)what;
	server_take_time(arg);
	phase_stop(arg, false);
}

static void on_hangup(evutil_socket_t number, short what, void *arg)
{
	(void)number;
	(void)what;
	char *report = NULL, *error = NULL;
	server_take_time(arg);
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

/* It only ends the loop's sleep: the turn does the rest. */
static void on_store(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static struct event *watch_store(struct server *server, int fd, short what)
{
	struct event *event = event_new(server->base, fd, what, on_store, server);
	if (!event || event_add(event, NULL) < 0)
		abort();
	return event;
}

/* The next process has another descriptor, be it of the same number. */
static void follow_store(struct server *server)
{
	const struct durable *durable = server->state.durable;
	if (!server->doorbell)
		server->doorbell = watch_store(server, durable_doorbell_fd(durable), EV_READ | EV_PERSIST | EV_ET);
	int pid = durable_process_pid(durable), fd = durable_process_fd(durable);
	if (pid == server->store_pid)
		return;
	if (server->store)
		event_free(server->store);
	server->store_pid = pid;
	pools_set_store(server->pools, pid);
	server->store = fd >= 0 ? watch_store(server, fd, EV_READ | EV_PERSIST) : NULL;
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
	const int64_t pools_ns = server->phase == PHASE_WAITING ? CLOCK_NEVER : pools_next_ns(server->pools);
	const int64_t times[] = { server->core_next_ns, pools_ns, edge_next_ns(server->edge),
		phase_next_ns(server), manager_next_ns(&server->manager), state_next_ns(&server->state) };
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
	server_take_time(server);
	int64_t now = core_now(server->core), hearing_ns = edge_hearing_ns(server->edge);
	bool behind, busy = pools_turn(server->pools, hearing_ns == CLOCK_NEVER ? CLOCK_NEVER : now + hearing_ns, &behind);
	edge_is_behind(server->edge, behind);
	if (server->phase != PHASE_WAITING && now >= pools_next_ns(server->pools))
		pools_timer(server->pools);
	if (now >= edge_next_ns(server->edge))
		edge_timer(server->edge);
	state_turn(&server->state);
	server->core_next_ns = core_turn(server->core);
	pools_kick(server->pools);
	pools_unblock(server->pools);
	bool answers = !state_holds_answers(&server->state);
	if (answers)
		busy |= edge_turn(server->edge);
	busy |= core_is_due(server->core); /* who left has given something back */
	busy |= state_turn(&server->state); /* what was recorded in this turn is on its way before the sleep */
	busy |= answers && edge_is_due(server->edge); /* and what the store has answered meanwhile */
	if (server->state.is_open)
		follow_store(server);
	manager_turn(&server->manager, now, server->phase == PHASE_SERVING, server);
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

/* Asks for doorbells; false: something has come meanwhile. */
static bool fall_asleep(struct server *server)
{
	if (!pools_sleep(server->pools))
		return false;
	if (state_sleep(&server->state))
		return true;
	pools_wake(server->pools);
	return false;
}

static void wake_up(struct server *server)
{
	pools_wake(server->pools);
	state_wake(&server->state);
}

int server_run(struct server *server)
{
	phase_begin(server);
	for (;;) {
		bool busy = turn(server);
		if (!phase_turn(server, core_now(server->core)))
			break;
		bool sleep = !timer_set(server) && !busy && !linger(server) && fall_asleep(server);
		/* EVLOOP_NONBLOCK alone goes on for as long as anything is readable: the turn would never come. */
		if (event_base_loop(server->base, EVLOOP_ONCE | (sleep ? 0 : EVLOOP_NONBLOCK)) < 0) {
			log_error("the event loop failed: %s", strerror(errno));
			return EXIT_FAILURE;
		}
		if (sleep)
			wake_up(server);
	}
	edge_turn(server->edge); /* what the store has said last */
	log_info("stopped");
	return server->status;
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
	rights_give_cgroup(&server->rights, server->config, folder);
	pools_set_cgroup(server->pools, folder);
	free(folder);
}

/* As the user that it is going to be: what that one cannot have is found out now, and what it makes is its own. */
static int take_state(struct server *server, char **error)
{
	const struct rights *rights = &server->rights;
	int taken = -1;
	if (server->state.directory)
		rights_make_folder(rights, server->state.directory, 0700);
	rights_try(rights);
	if (!server->state.directory || rights_check_folder(rights, server->state.directory, error) == 0)
		taken = state_take(&server->state, server->config, error);
	rights_resume(rights);
	return taken;
}

static int give_up_rights(struct server *server, char **error)
{
	const struct config *config = server->config;
	rights_give_socket(&server->rights, server->socket_is_ours ? server->socket : NULL);
	if (config->command_log_dir)
		rights_make_folder(&server->rights, config->command_log_dir, 0750);
	return rights_give_up(&server->rights, config, error);
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

static void on_store_changed(void *context, enum store_state now, const char *text)
{
	struct server *server = context;
	state_changed(&server->state, now, text);
	if (server->edge)
		edge_store_changed(server->edge, now);
}

static void make_durable(struct server *server)
{
	const struct durable_host host = {
		.core = server->core,
		.pools = server->pools,
		.context = server,
		.changed = on_store_changed,
	};
	const struct durable_options options = { .directory = server->state.directory };
	if (server->state.directory)
		server->state.durable = server->ops.durable = durable_new(&host, &options, server->config);
}

struct server *server_new(struct config *config, const struct server_options *options, char **error)
{
	struct server *server = xcalloc(1, sizeof(*server));
	server->config = config;
	server->config_file = options->config_file ? xstrdup(options->config_file) : NULL;
	server->socket = xstrdup(options->socket);
	server->started_ns = clock_mono_ns();
	state_init(&server->state, options->state_directory);
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

	if (rights_choose(&server->rights, config, error) < 0 || take_state(server, error) < 0) {
		server_free(server);
		return NULL;
	}
	struct core_ops ops;
	struct core_limits limits;
	ops_fill(&ops, &server->ops, options->state_directory != NULL);
	host_limits(config, &limits);
	server->core = core_new(&ops, &limits, server->started_ns, clock_wall_ns());
	core_seed(server->core, machine_random());
	reload_semaphores(core_objects(server->core), NULL, config);
	server->pools = server->ops.pools = pools_new(server->base, server->core, config, files);
	make_durable(server);
	const struct edge_host host = {
		.context = server,
		.core = server->core,
		.pools = server->pools,
		.durable = server->state.durable,
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
	if (give_up_rights(server, error) < 0) {
		server_free(server);
		return NULL;
	}
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
	state_free(&server->state);
	if (server->socket_is_ours)
		unlink(server->socket);
	for (size_t i = 0; i < sizeof(server->signals) / sizeof(*server->signals); i++)
		if (server->signals[i])
			event_free(server->signals[i]);
	if (server->timer)
		event_free(server->timer);
	if (server->wallclock)
		event_free(server->wallclock);
	if (server->doorbell)
		event_free(server->doorbell);
	if (server->store)
		event_free(server->store);
	if (server->wallclock_fd >= 0)
		close(server->wallclock_fd);
	if (server->base)
		event_base_free(server->base);
	spawners_stop();
	rights_free(&server->rights);
	config_free(server->config);
	free(server->config_file);
	free(server->socket);
	free(server);
}
