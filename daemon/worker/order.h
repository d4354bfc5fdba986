/* What the master says to a worker of commands beside its tasks. */
#ifndef WORKER_ORDER_H
#define WORKER_ORDER_H

struct command_setting;
struct inbox;
struct json_t;

/* An order goes to INBOX; a question about a log is answered at once. 0, or -1: MESSAGE is none of these. The main thread. */
int order_hear(const struct json_t *message, const struct command_setting *setting, struct inbox *inbox, int control_fd);

#endif
