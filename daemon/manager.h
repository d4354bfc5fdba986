/* What the service manager is told while the server runs: that it is well (the watchdog), and figures. */
#ifndef MANAGER_H
#define MANAGER_H

#include <stdbool.h>
#include <stdint.h>

struct server;

struct manager {
	int64_t watchdog_ns; /* 0: no watchdog */
	int64_t watchdog_next_ns;
	int64_t status_next_ns;
	uint64_t status_figures; /* what was told last, as one number */
};

void manager_init(struct manager *manager);
/* Says what is due. SERVING: neither starting nor stopping. */
void manager_turn(struct manager *manager, int64_t now_ns, bool serving, const struct server *server);
/* When manager_turn wants to be called (monotonic ns; CLOCK_NEVER). */
int64_t manager_next_ns(const struct manager *manager);

#endif
