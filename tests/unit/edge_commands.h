/* Commands for the edge's tests: the functions of pool/command.h over a table in this process, so that a test says what a
 * command does. "exec" is one; "greet" is a named one with a parameter: it becomes ["echo", NAME] of exec. A task of either is
 * held until command_end, or until it is told to stop. */
#ifndef TESTS_EDGE_COMMANDS_H
#define TESTS_EDGE_COMMANDS_H

#include "edge_world.h"
#include "pool/command.h"

#define COMMAND_KEPT 100 /* bytes of each output that are captured */

/* The types, for a world that is being made. */
void commands_init(struct world *world);
void commands_fini(void);
/* "greet" takes so long at most from now on. */
void commands_set_timeout(int64_t timeout_ns);
/* Task ID's command has begun: it has a process, and an output. */
void command_begin(struct world *world, uint64_t id);
/* …and says something; what is followed is told. HURRIED: there was no room to tell it. */
void command_say(struct world *world, uint64_t id, enum capture_stream stream, const char *data, size_t length, bool hurried);
void command_set_suspended(uint64_t id, bool suspended);
/* It ends; the JSON is its result, or what its error has with it. */
void command_end(struct world *world, uint64_t id, enum task_state state, const char *kind, const char *json);
bool command_is_followed(uint64_t id);

/* What the edge has ordered and nobody has answered, the oldest first; NULL: nothing. */
struct ordered {
	uint64_t id;
	struct command_order order; /* its data is this struct's own */
	bool log;                   /* a page of a log instead: */
	uint32_t attempt;
	enum capture_stream stream;
	uint64_t offset;
	size_t size;
};
const struct ordered *commands_ordered(void);
/* Answers the oldest. */
void commands_answer(enum command_answer_kind kind, const char *reason);
/* …with a log of that text, or with none. */
void commands_answer_log(const char *text);
/* Nobody can be asked from now on; for an order, because there is too much on its way. */
void commands_refuse(bool refuse);
/* Descriptors that tasks have, and not their number. */
size_t commands_attached(uint64_t id, int fds[3]);

#endif
