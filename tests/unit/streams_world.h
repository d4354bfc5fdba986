/* A command's streams with a real command at the other end, and nobody else: no lane, no slot. For test_streams*.c. */
#ifndef TESTS_UNIT_STREAMS_WORLD_H
#define TESTS_UNIT_STREAMS_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "worker/command.h"

#define PATIENCE_MS 20000 /* of what must come: only a test that fails waits for so long */
#define TASK_ID 7
#define ATTEMPT 2

struct world {
	struct capture *capture;
	struct capture_end *end;
	struct lane_end *lane_end; /* NULL: nobody follows */
	struct command_params params;
	const char *log_dir;
	struct streams *streams;
	const char *step; /* what could not be done */
	pid_t pid;        /* 0: none, or collected */
	char *args;
};
/* KEEP: bytes of each stream that are captured. */
void world_set_up(struct world *world, size_t keep);
void world_tear_down(struct world *world);
/* ARGS of "exec", as JSON. False: the streams could not be opened, see step and errno. */
bool world_open(struct world *world, const char *args, const int *fds);
/* Opens, and starts the command. */
void world_start(struct world *world, const char *args, const int *fds);
/* Waits, and moves what can be moved then; false: nothing moves any more. */
bool world_step(struct world *world);
/* Until nothing moves any more. */
void world_flow(struct world *world);
/* Until so much of STREAM was said. */
void world_flow_until(struct world *world, enum capture_stream stream, uint64_t total);
/* Until it waits for somebody who does not read. */
void world_flow_until_stalled(struct world *world);
bool world_is_stalled(struct world *world);
/* The command's wait status, once it has ended by itself. */
int world_wait(struct world *world);
/* Flows, and gives the wait status. */
int world_run(struct world *world, const char *args, const int *fds);
uint64_t world_total(const struct world *world, enum capture_stream stream);
void world_assert_said(const struct world *world, enum capture_stream stream, const void *data, size_t length);
#define world_assert_text(world, stream, text) world_assert_said(world, stream, text, strlen(text))

/* This process's size in KiB. */
long world_rss(void);
/* A folder of its own, and its end with everything in it. */
char *world_folder(void);
void world_remove_folder(char *folder);

#endif
