/* The core's wishes, each passed on to who fulfils it. */
#ifndef OPS_H
#define OPS_H

struct core_ops;
struct edge;
struct pools;

struct ops_context {
	struct pools *pools; /* each NULL while there is none */
	struct edge *edge;
};
/* CONTEXT is kept. */
void ops_fill(struct core_ops *ops, struct ops_context *context);

#endif
