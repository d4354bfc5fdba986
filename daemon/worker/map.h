/* A map's chunk: one request, many runs. */
#ifndef WORKER_MAP_H
#define WORKER_MAP_H

#include <stdbool.h>

struct taskd_call;
struct taskd_handler;

/* Runs HANDLER for each element of the call's arguments, after call_begin. The call's outcome is that of the whole:
 * a RESULT that is an array, with LANE_FLAG_MIXED among the flags where an item failed, or a FAILURE where the chunk
 * was cancelled, is too large, or found no memory. */
void map_run(struct taskd_call *call, const struct taskd_handler *handler);

#endif
