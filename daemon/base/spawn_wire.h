/* What a process and its spawners (base/spawn.h) say to each other: a request and its answer, each a message on a
 * SOCK_SEQPACKET socket, one at a time. Nothing of it leaves the machine, or outlives the processes: they are plain
 * structs. The one who asks may be in somebody else's hands by then, so a request names programs and users by their places
 * in the lists that the spawner was started with. */
#ifndef BASE_SPAWN_WIRE_H
#define BASE_SPAWN_WIRE_H

#include <stdint.h>

/* argv: "taskd-spawn", the parent's pid, the spawner's own path, then in any order, the places counting from 0,
 *	program=PATH
 *	user=UID:GID:CAPABILITIES:GROUP,GROUP…:NAME:HOME:SHELL	capabilities in hexadecimal; names may be empty
 *	as-started	children may be as the spawner is, too */
#define SPAWNER_FD 3
#define SPAWNER_PROGRAM "program="
#define SPAWNER_USER "user="
#define SPAWNER_AS_STARTED "as-started"

enum spawn_what {
	SPAWN_START = 1,
	SPAWN_SUCCESSOR, /* one descriptor: the successor's end of its socket */
	SPAWN_SIGNAL,
};
#define SPAWN_AS_STARTED UINT32_MAX
#define SPAWN_TEXT_LIMIT 8192
#define SPAWN_ARGS_LIMIT 8
struct spawn_request {
	uint32_t what;
	uint32_t number;   /* the answer has it, too */
	uint32_t program;
	uint32_t user;     /* or SPAWN_AS_STARTED */
	uint32_t places;   /* bit I: descriptor 3 + I is there, the next of those that came along */
	uint32_t n_args;
	uint32_t variable; /* 1: behind the arguments there is "TASKD_SOCKET=value" */
	int32_t pid;       /* of SPAWN_SIGNAL; negative: that group */
	int32_t signal;
}; /* behind it the texts, each with its terminator */
struct spawn_answer {
	uint32_t number;
	int32_t result; /* a pid, 0, or a negative errno */
	int32_t dead;   /* a child that came no further, and is to be reaped; 0: none */
};

#endif
