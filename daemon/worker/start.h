/* How a worker comes to life. */
#ifndef WORKER_START_H
#define WORKER_START_H

#include <stddef.h>
#include <stdint.h>

struct command_setting;
struct registry;

/* What the master wants of this process. */
struct start {
	char *name; /* "POOL/INDEX" */
	int threads;
	int doorbell_fd;
	size_t payload_limit;
	struct json_t *plugins; /* [{"name", "path"}] */
	struct json_t *confine; /* NULL: nothing is given up */
	struct command_setting *commands; /* NULL: it runs handlers */
};

/* Makes the kernel kill this process when its parent ends; exits where the parent is not MASTER_PID any more. */
void start_tie(const char *master_pid);
/* Descriptors, signals, process group: as a worker has them, whatever it was started with. */
void start_clean(void);
/* Waits for the start message and applies what it says about the process. Exits where there is none. */
void start_receive(struct start *start);
/* Gives up what its pool does without, where this process runs handlers, before anything of theirs is loaded; where it runs
 * commands, they are to. Exits where that cannot be. */
void start_confine(struct start *start);
/* Tells the master what this process can do; one that runs commands has no handlers. */
void start_load(const struct start *start, struct registry *registry);
/* Reads the control socket for the rest of the process's life: makes the slots, and exits when the master is gone; where
 * a command runs, not before that has been ended. */
void start_serve(const struct start *start, const struct registry *registry) __attribute__((noreturn));

#endif
