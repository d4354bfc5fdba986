/* What the files of the master's side share.
 *
 *   client.c          its life and states, its turn
 *   client_process.c  the store as a process
 *   client_send.c     what is to be said goes into the channel, operations and requests
 *   client_hear.c     what the store says, which is believed only where it makes sense
 *   client_ops.c      operations: from their number to the disk, or refused
 *   client_ask.c      questions
 *   client_load.c     what the store has of before
 *   oplog.c           operations that are not known to be on disk */
#ifndef STORE_CLIENT_PARTS_H
#define STORE_CLIENT_PARTS_H

#include <stddef.h>
#include <sys/queue.h>

#include "base/idmap.h"
#include "base/table.h"
#include "lane/channel.h"
#include "store/client.h"
#include "store/oplog.h"

#define CLIENT_RING (1024u * 1024) /* bytes of each direction */
#define CLIENT_DEATHS_MOST 5

/* A question that has no answer yet. */
struct asked {
	TAILQ_ENTRY(asked) link;
	uint64_t number;
	struct store_query query;
	char *texts;         /* the query's, all of them */
	uint64_t found_last; /* the last row's id; 0: none */
	uint64_t
		known_to; /* what comes up to that row, once more after the store's death, is not told again; 0: nothing */
	store_found *found;
	store_answered *answered;
	void *user;
};

struct store_client {
	struct store_client_options options;
	char *program, *directory;
	struct store_open open;
	struct store_events events;
	enum store_state state;

	/* The process. */
	struct channel *channel;
	int pid;   /* 0: none */
	int pidfd; /* -1: none */
	int control_fd;
	bool opened;       /* it has said that it is open */
	bool condemned;    /* it has been killed, and nothing of what it says counts any more */
	const char *lie;   /* static; what it said that makes no sense; NULL: nothing */
	int64_t looked_ms; /* when its end was last looked for */
	int64_t opened_ns; /* since when it is open */
	int64_t start_ns;  /* when the next one is to be started; CLOCK_NEVER: not */
	int deaths;        /* in a row, without a commit */
	uint64_t respawns;

	/* What is to be sent: requests go before operations, but never into the middle of one. */
	struct store_buffer requests;
	size_t requests_sent;
	bool blocked; /* the channel had no room */

	/* Operations. */
	struct oplog log;
	uint64_t last, committed;
	struct store_ids ids; /* the last ones: harmless to be told again */
	bool knows_ids;
	int64_t again_ns; /* the disk was full: when all is sent again; CLOCK_NEVER: nothing is held back */

	/* What has come and is not a whole message yet. */
	struct store_buffer heard;
	size_t heard_from; /* what is before it has been dealt with */

	/* Loading. */
	bool ever_opened, told_opened, load_wanted;
	uint64_t first_own; /* the first id that this master gives out: nothing of it is loaded */
	struct idmap loaded_tasks;
	struct names loaded_names;

	TAILQ_HEAD(, asked) asked;
	uint64_t last_question;

	bool stopping, stop_sent;
};

/* --- client.c --- */
/* TEXT, or NULL, is for people. */
void client_enter(struct store_client *client, enum store_state state, const char *text);
/* Nothing is committed any more: what is not is refused, and the process ends. */
void client_fail(struct store_client *client, const char *text);

/* Asks the store to commit what it has and to leave. */
void client_say_stop(struct store_client *client);

/* --- client_process.c --- */
/* 0, or -1 with errno. */
int client_start(struct store_client *client);
void client_kill(struct store_client *client);
/* Looks whether the process has ended; what it had said is heard before that has consequences. */
void client_look(struct store_client *client);
/* Starts it again when its time has come. */
void client_restart(struct store_client *client);

/* --- client_send.c --- */
void client_request(struct store_client *client, enum store_message message, uint64_t number, const void *body);
/* The message that is half sent is not an operation any more, but is sent to its end. */
void client_detach_torn(struct store_client *client);
bool client_has_to_send(const struct store_client *client);
void client_send(struct store_client *client);

/* --- client_hear.c --- */
/* Hears at most so much. True: there is more. */
bool client_hear(struct store_client *client);

/* --- client_ops.c --- */
/* Each of these is given what the store says. False: it makes no sense. */
bool client_committed(struct store_client *client, uint64_t seq);
bool client_refused(struct store_client *client, uint64_t seq, const struct store_text *text);
/* Sends what was refused once more, when its time has come. */
void client_again(struct store_client *client);
/* Gives up all new tasks that are not on disk. */
void client_drop_tasks(struct store_client *client, enum store_state why);

/* --- client_ask.c --- */
bool client_found(struct store_client *client, uint64_t number, const struct store_row *row);
bool client_answered(struct store_client *client, uint64_t number, const struct store_answer *answer);
/* All that have no answer, after the store has opened. */
void client_ask_again(struct store_client *client);
void client_ask_fail(struct store_client *client);

/* --- client_load.c --- */
void client_load_init(struct store_client *client);
void client_load_fini(struct store_client *client);
/* The store has opened, and what was asked of it before is asked again. */
void client_load_again(struct store_client *client);
bool client_row(struct store_client *client, const struct store_row *row);
bool client_loaded(struct store_client *client);

#endif
