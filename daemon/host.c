/* What concerns the server as a whole: reading its configuration again, telling what it is, and its end. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "core/core.h"
#include "edge/edge.h"
#include "internal.h"
#include "notify.h"
#include "pool/pool.h"
#include "proto/strbuf.h"
#include "reload.h"

void host_limits(const struct config *config, struct core_limits *limits)
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

/* NULL with *error (malloc'ed). At its start the daemon does without a pool whose user there is not; to stop one that works is
 * another matter. */
static struct config *load(const struct server *server, char **error)
{
	struct config *config = config_load(server->config_file, false, error);
	char *unknown = config ? pools_unknown_user(config) : NULL;
	if (!unknown)
		return config;
	config_free(config);
	*error = unknown;
	return NULL;
}

int host_reload(void *context, char **report, char **error)
{
	struct server *server = context;
	/* While it starts or stops it is not READY, and must not say so. */
	bool tell = server->phase == PHASE_SERVING;
	if (tell)
		notify_send("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(clock_mono_ns() / NS_PER_US));
	struct config *config = load(server, error);
	if (!config) {
		if (tell)
			notify_send("READY=1");
		return -1;
	}
	*report = reload_report(server->config, config);
	struct core_limits limits;
	host_limits(config, &limits);
	core_set_limits(server->core, &limits);
	reload_semaphores(core_objects(server->core), server->config, config);
	if (server->state.durable) /* what it records of the queues that are configured next is told by the new one */
		durable_configure(server->state.durable, config);
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

void host_shutdown(void *context, bool now)
{
	phase_stop(context, now);
}

static void add_member(struct strbuf *out, const char *name, const char *text)
{
	strbuf_printf(out, "\"%s\":", name);
	strbuf_json_string(out, text, strlen(text));
	strbuf_puts(out, ",");
}

void host_describe(void *context, struct strbuf *out)
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
