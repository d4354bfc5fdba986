/* A slot that runs commands, with both ends of its lane in one process: the slot has a thread, the test is the master. */
#ifndef TESTS_UNIT_COMMAND_WORLD_H
#define TESTS_UNIT_COMMAND_WORLD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lane/lane.h"
#include "worker/command.h"

#define WORLD_TASK 17
#define WORLD_CAPTURE 65536

/* What came of a command. */
struct world_end {
	struct lane_reply reply;
	json_t *data; /* NULL: none */
};

/* SETTING may be NULL. */
void world_open(const struct command_setting *setting);
/* The same in two steps: before the second one the slot does nothing. */
void world_prepare(const struct command_setting *setting);
void world_go(void);
/* Asserts that no process and no descriptor is left over. */
void world_close(void);

/* What is sent from now on runs as that uid; at first as LANE_RUN_AS_POOL. */
void world_run_as(uint32_t uid);
void world_send(const char *args, uint32_t items);
struct world_end world_receive(void);
struct world_end world_run(const char *args);
/* "exec" of a line for the shell. */
void world_send_shell(const char *line, const char *more);
void world_end_free(struct world_end *end);
/* Asserts these, and frees. */
void world_ck_result(struct world_end end, uint32_t flags, const char *message, const char *member, const char *text);

/* Runs until the command has said TEXT. */
void world_hear(const char *text);
/* The command's pid; waits for it. */
int world_pid(void);
bool world_is_suspended(void);
/* The first number of a line that the command has said. */
int world_number(void);

struct inbox *world_inbox(void);
struct inbox_message *world_message(enum inbox_kind kind, uint64_t ask);
void world_order(enum inbox_kind kind);
/* The word of the next answer. */
const char *world_answer_next(uint64_t *ask);
/* …which must be to ASK. */
const char *world_answer(uint64_t ask);
/* No answer has come. */
bool world_is_silent(void);

/* Waits, with a bound, until CONDITION is true. */
#define WORLD_UNTIL(condition)                                                                                         \
	for (int64_t world_end_ns = world_bound_ns(); !(condition); world_pause(world_end_ns, #condition))                 \
		;
int64_t world_bound_ns(void);
void world_pause(int64_t end_ns, const char *condition);
/* 'R', 'S', 'T', 'Z', …; 0: there is none of that pid. */
char world_state(int pid);
size_t world_descriptors(void);

#endif
