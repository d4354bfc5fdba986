/* See manager.h. Nothing is sent, and no timer is set, while there is nothing new to say. */
#include "manager.h"

#include <stddef.h>
#include <stdio.h>

#include "base/clock.h"
#include "core/core.h"
#include "edge/edge.h"
#include "internal.h"
#include "notify.h"
#include "pool/pool.h"

#define STATUS_EVERY_NS (5 * NS_PER_S)
#define UNWELL_RETRY_NS (1 * NS_PER_S)

void manager_init(struct manager *manager)
{
	*manager = (struct manager){ .watchdog_ns = notify_watchdog_ns(), .status_next_ns = CLOCK_NEVER };
}

int64_t manager_next_ns(const struct manager *manager)
{
	if (!manager->watchdog_ns || manager->status_next_ns < manager->watchdog_next_ns)
		return manager->status_next_ns;
	return manager->watchdog_next_ns;
}

static void watchdog_turn(struct manager *manager, int64_t now_ns, bool well)
{
	if (!manager->watchdog_ns || now_ns < manager->watchdog_next_ns)
		return;
	if (well)
		notify_send("WATCHDOG=1");
	manager->watchdog_next_ns = now_ns + (well ? manager->watchdog_ns / 2 : UNWELL_RETRY_NS);
}

/* Figures for `systemctl status`: at most every few seconds, and only when they have changed. */
static bool status_is_due(struct manager *manager, int64_t now_ns, uint64_t figures)
{
	if (figures == manager->status_figures) {
		manager->status_next_ns = CLOCK_NEVER;
		return false;
	}
	if (manager->status_next_ns == CLOCK_NEVER)
		manager->status_next_ns = now_ns + STATUS_EVERY_NS;
	if (now_ns < manager->status_next_ns)
		return false;
	manager->status_figures = figures;
	manager->status_next_ns = CLOCK_NEVER;
	return true;
}

/* What is wrong with the store, or going on there; "" where there is nothing to be said. */
static void describe_store(const struct durable *durable, char *out, size_t size)
{
	struct durable_figures figures;
	out[0] = '\0';
	if (!durable)
		return;
	durable_figures(durable, &figures);
	if (figures.state != STORE_WORKING)
		snprintf(out, size, "; store %s%s%s", store_state_name(figures.state), figures.text ? ": " : "",
			figures.text ? figures.text : "");
	else if (figures.loading)
		snprintf(out, size, "; store: %llu of %llu tasks loaded", (unsigned long long)figures.loaded,
			(unsigned long long)figures.to_load);
}

static uint64_t store_figure(const struct durable *durable)
{
	struct durable_figures figures;
	if (!durable)
		return 0;
	durable_figures(durable, &figures);
	return (uint64_t)figures.state * 1000003 + figures.loading * 1009;
}

void manager_turn(struct manager *manager, int64_t now_ns, bool serving, const struct server *server)
{
	const struct pools *pools = server->pools;
	const struct core_totals *totals = core_totals(server->core);
	size_t later = totals->scheduled + totals->blocked;
	uint64_t figures = totals->submitted * 31 + totals->waiting * 7 + totals->in_lanes + later * 13 +
		store_figure(server->state.durable);
	watchdog_turn(manager, now_ns, !serving || pools_well(pools));
	if (!serving) {
		manager->status_next_ns = CLOCK_NEVER;
		return;
	}
	if (!status_is_due(manager, now_ns, figures))
		return;
	int ready, wanted;
	size_t connections;
	uint64_t requests;
	pools_count(pools, &ready, &wanted);
	char store[200];
	edge_count(server->edge, &connections, &requests);
	describe_store(server->state.durable, store, sizeof(store));
	notify_send("STATUS=%d of %d workers ready; %zu queued, %zu for later, %zu started, %llu submitted; %zu clients%s", ready,
		wanted, totals->waiting, later, totals->in_lanes, (unsigned long long)totals->submitted, connections, store);
}
