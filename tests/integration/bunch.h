/* Several programs at once, each with a connection of its own, and what they share without taskd: how many have come how
 * far. */
#ifndef BUNCH_H
#define BUNCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

struct daemon;
struct taskd;

#define BUNCH_MOST 16

enum counter { CAME, HAD, REFUSED, GO, STATE, ROUNDS, COUNTERS = ROUNDS + 16 };
extern _Atomic int *counters;

struct bunch {
	pid_t pids[BUNCH_MOST];
	int n;
};
/* What the I-th of them does; it ends when this returns. MUST fails it. */
typedef void bunch_body(struct taskd *c, int i);
#define MUST(condition) bunch_must((condition), #condition, __FILE__, __LINE__)
void bunch_must(bool condition, const char *text, const char *file, int line);

/* A daemon and a connection to it for a test; the counters are 0. */
struct taskd *bunch_begin(struct daemon *daemon);
void bunch_finish(struct daemon *daemon, struct taskd *c);
/* Starts N programs. PARENT is the caller's connection, which they do not keep. */
void bunch_start(struct bunch *bunch, const struct daemon *daemon, struct taskd *parent, int n, bunch_body *body);
/* Waits for their ends. Fails the test where one did not end well. */
void bunch_end(struct bunch *bunch);

/* Waits until a counter is VALUE; false where it is not in time. */
bool reached(enum counter counter, int value);
/* Waits until so many wait for the object NAME, by METHOD ("lock.list"). */
bool waited_for_by(struct taskd *c, const char *method, const char *name, int n);

#endif
