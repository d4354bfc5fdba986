/* The control socket: worker/heritage.h's messages on a SOCK_SEQPACKET socket, from the worker's side. */
#ifndef WORKER_CONTROL_H
#define WORKER_CONTROL_H

#include <stddef.h>
#include <stdint.h>

struct json_t;
struct registry;

#define CONTROL_FDS_LIMIT 3
/* Bytes of a log's page that fit a message. */
#define CONTROL_PAGE_LIMIT (32 * 1024)

/* Waits for the next message, and the descriptors beside it. *message is the caller's. 1; 0: the master is gone;
 * -1: nonsense, which the log has. One thread. */
int control_receive(int fd, struct json_t **message, int fds[CONTROL_FDS_LIMIT], size_t *n_fds);

/* Each tells the master something. Where the master is gone nobody needs to know, so there is no error. Any thread. */
void control_send_registry(int fd, const struct registry *registry);
void control_send_init_failed(int fd, int slot, const char *handler, const char *error);
void control_send_ready(int fd, int slot);
/* What became of an order; REASON may be NULL. */
void control_send_answer(int fd, uint64_t ask, const char *word, const char *reason);
/* A log's page, at most CONTROL_PAGE_LIMIT bytes, of TOTAL. */
void control_send_page(int fd, uint64_t ask, const void *data, size_t length, uint64_t total);

#endif
