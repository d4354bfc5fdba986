/* The signals of a run --each. */
#ifndef TASKCTL_EACH_SIGNALS_H
#define TASKCTL_EACH_SIGNALS_H

struct each;

/* As run_signals_begin, of those that count here. */
int each_signals_begin(void);
/* Does what those say that have come. Does not return where the second of them ends it all. */
void each_take_signals(struct each *each);
/* Starts no more, and cancels those on their way, which are to be awaited: they may take a while to end. */
void each_stop(struct each *each);

#endif
