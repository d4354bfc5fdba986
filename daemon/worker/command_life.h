/* What one command is between its request and its reply: the files command*.c and nobody else. One thread, the slot's. */
#ifndef WORKER_COMMAND_LIFE_H
#define WORKER_COMMAND_LIFE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/users.h"
#include "lane/lane.h"
#include "proto/strbuf.h"
#include "worker/command.h"

struct command_slot {
	const struct command_setting *setting;
	struct lane_end *end;
	struct capture_end *capture;
	struct inbox *inbox;
	struct cgroup_slot *cgroup; /* NULL: none */
	struct confine_kit kit;     /* its commands' */
	int child_fd;               /* a signalfd: children have ended */
	int64_t oom_looked_ns;      /* when the kernel's count of out-of-memory kills was looked at, and what it was */
	long oom_kills;
	bool haunted; /* something of a tree could not be ended */
};

enum command_phase {
	COMMAND_RUNNING,  /* its main process lives */
	COMMAND_LEAVING,  /* …has ended, others of its tree have not; `deadline_ns` says when the next step is due */
	COMMAND_DRAINING, /* nobody is left: what is attached takes the rest */
	COMMAND_OVER,
};
enum leaving_step { LEAVING_LINGER, LEAVING_TERM, LEAVING_KILL };

struct command {
	struct command_slot *slot;
	const struct lane_request *request; /* its args are exec's */
	struct command_params params;
	struct user_identity user; /* who it is to be; `name` NULL: who the worker is */
	struct run_as as;
	struct command_rights rights;
	char *folder;              /* its private one; NULL: none */
	struct streams *streams;
	enum command_phase phase;
	enum leaving_step step;
	int64_t deadline_ns; /* LEAVING: of the step */
	int64_t give_up_ns;  /* LEAVING_KILL: whoever lives then cannot be killed */
	int pid;             /* 0: it has been collected, which comes later than its end where somebody traces it */
	int pidfd;           /* -1 until it has lived for a while */
	bool cancelled; /* told to stop while it ran */
	bool hurried;   /* told to be killed: there is no lingering */
	bool abandoned; /* told to stop: nobody waits for readers */
	bool suspended;
	struct inbox_message *sends, *last_send; /* for which its input has no room yet */
	struct command_end end;
};

/* Why there is no command: what the reply says of it. */
struct command_failure {
	uint32_t flags; /* LANE_FLAG_…; 0: there is none */
	int error;      /* of NOT_STARTED: errno */
	const char *step;
	char program[256];
	char path[256];    /* what could not be entered or opened, or "uid N"; "" where it is none of these */
	char message[512]; /* of BAD_ARGS */
};

/* --- command_start.c --- */
/* Brings REQUEST, whose descriptors are taken over, to where its process runs. 0; -1 with FAILURE filled in, and nothing
 * left. */
int command_begin(struct command *command, struct command_slot *slot, const struct lane_request *request,
	struct command_failure *failure);
/* The message, and the members of its data, without braces: nothing where it has none. */
void command_failure_tell(const struct command_failure *failure, char *message, size_t size, struct strbuf *members);

/* --- command_rights.c --- */
/* Of the settings, once. -1: they cannot be had, and nothing may run; the reason is logged. */
int command_rights_prepare(struct command_slot *slot);
/* Whom COMMAND runs as, and where: fills in `rights` and `folder`. 0, or -1 with *step and errno. */
int command_rights_take(struct command *command, const char **step);
/* Its folder is removed. */
void command_rights_drop(struct command *command);
/* "uid 1000", as its request or the setting says. */
void command_rights_name(const struct command *command, char *room, size_t size);

/* --- command_oom.c --- */
/* Before a command: looks at the kernel's count, where the last look was a while ago. */
void oom_look(struct command_slot *slot);
/* Whether the count has risen since. */
bool oom_has_risen(struct command_slot *slot);

/* --- command_life.c --- */
/* From there to its end: no process is left, and nothing has to be moved. */
void command_live(struct command *command);
/* Frees what command_begin made. */
void command_fini(struct command *command);

/* --- command_orders.c --- */
/* Follows what is in the inbox. */
void orders_follow(struct command *command);
/* There may be room in its input again. */
void orders_send(struct command *command);
/* Whatever waits is told that it is over. */
void orders_end(struct command *command);
/* KILL to everything. */
void command_kill_tree(const struct command *command);

#endif
