/* Going on over the daemon's restart. The library makes the connection again and sees to what was submitted; what was
 * asked besides is asked again here, by the commands that may do that. */
#ifndef TASKCTL_AGAIN_H
#define TASKCTL_AGAIN_H

#include <stdbool.h>
#include <stdint.h>

struct taskctl;
struct taskd;
struct taskd_failure;
struct taskd_future;

/* Connects, also to a daemon that comes later, where --reconnect has asked for that. NULL: taskd_last_error. */
struct taskd *again_connect(struct taskctl *ctl);

/* One question, as often as it has to be asked. */
struct again {
	int64_t refused_ns; /* since when a daemon that is stopping has refused it; 0: none has */
};
#define AGAIN_INIT ((struct again){ 0 })
/* F has failed: whether to ask once more. Waits until there is somebody to ask. False: its error is to be reported. */
bool again_asks(struct taskctl *ctl, struct again *again, const struct taskd_future *f);
/* Whether FAILURE is the loss of a connection that is there again, for which this waits. */
bool again_after(struct taskctl *ctl, const struct taskd_failure *failure);

/* The command is about ids: after a restart they mean the same only where the new daemon has the old one's store. To be
 * called when it has connected. */
void again_knows_ids(struct taskctl *ctl);
/* Whether they still do; EXIT_FINE, or it has been reported. */
int again_has_ids(struct taskctl *ctl);

#define AGAIN_KEY_ROOM 33
/* A key that nothing else has: with --key-mode once, what is submitted with it may be submitted again. */
void again_make_key(char key[AGAIN_KEY_ROOM]);

#endif
