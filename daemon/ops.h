/* The core's wishes, each passed on to who fulfils it. */
#ifndef OPS_H
#define OPS_H

#include <stdbool.h>

struct core_ops;
struct durable;
struct edge;
struct pools;

struct ops_context {
	struct pools *pools; /* each NULL while there is none */
	struct edge *edge;
	struct durable *durable;
};
/* CONTEXT is kept. DURABLE: there will be somebody who records. */
void ops_fill(struct core_ops *ops, struct ops_context *context, bool durable);

#endif
