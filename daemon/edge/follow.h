/* Those who follow what commands say, and what they are told of. */
#ifndef EDGE_FOLLOW_H
#define EDGE_FOLLOW_H

#include "edge/internal.h"
#include "pool/command.h"

/* TASK has come into another state. */
void follows_changed(struct edge *edge, struct task *task);
/* What TASK has just said; CONTEXT is the edge. */
command_said follows_said;
/* Looks whether commands have started that somebody wants to follow; once a turn. */
void follows_turn(struct edge *edge);
/* The connection's output has all been written: there is room for what was held back. */
void following_drained(struct connection *connection);
/* What a connection follows that ends. */
void following_free(struct connection *connection);

#endif
