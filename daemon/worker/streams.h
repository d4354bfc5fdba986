/* What streams.c is made of: two outlets, through which comes what the command says, an inlet, through which goes
 * what it is told, and the opening of descriptors. One thread, the slot's. */
#ifndef WORKER_STREAMS_H
#define WORKER_STREAMS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lane/capture.h"

struct confine_kit;

struct lane_end;

/* What a descriptor that came along is. Pipes and sockets never block us; files and terminals are used as they are. */
enum peer_kind { PEER_NONE, PEER_PIPE, PEER_SOCKET, PEER_FILE };
struct peer {
	int fd; /* -1: none */
	enum peer_kind kind;
};

/* --- streams_open.c: each gives a descriptor (CLOEXEC), or -1 with errno --- */
int streams_open_null(int flags);
/* What is read from it are these bytes. */
int streams_open_bytes(const char *data, size_t length);
/* Never waits: a FIFO that nobody writes to is at its end. A directory is refused, and what KIT (or NULL) gives up. */
int streams_open_file(const char *path, const struct confine_kit *kit);
/* A pipe whose end on this side (READS: the one that is read) does not block. */
int streams_open_pipe(bool reads, int *mine, int *childs);
int streams_open_terminal(int rows, int columns, int *master, int *slave);
/* Makes of FD, which came along and is taken over also where it fails, one that is written to (READS: read from)
 * without changing what others see of it, where that is possible. */
int streams_open_peer(int fd, bool reads, struct peer *peer);
/* As write(2) and read(2), and EAGAIN where those would wait for somebody: not for a file, nor for some terminals. */
ssize_t peer_write(const struct peer *peer, const char *data, size_t length);
ssize_t peer_read(const struct peer *peer, char *room, size_t size);
void streams_close(int *fd);

/* --- streams_outlet.c --- */
enum outlet_state { OUTLET_OVER, OUTLET_READING, OUTLET_STALLED };
struct outlet {
	enum outlet_state state;
	enum capture_stream stream;
	struct lane_end *end;
	struct capture_end *capture;
	int source;          /* -1: nothing more comes */
	bool terminal;       /* the source is a terminal's, which is the streams' to close */
	struct peer reader;  /* who is attached */
	bool reader_gone;    /* it has closed its end, or could not be written to */
	int log;             /* -1: none, or none any more */
	int log_error;       /* errno; 0: none */
	int null;            /* where what nobody wants goes; -1 until then */
	int64_t left;        /* how much is still taken from the source; -1: what comes */
	uint64_t total;      /* taken from the source so far */
	const char *pending; /* taken and not yet the reader's: in the capture's memory, or in `buffer` */
	size_t n_pending;
	bool full;   /* the reader has no room for what is in the source */
	bool copies; /* splice(2) does not work between these */
	bool widened;
	char *buffer;                 /* NULL until it is needed */
	int poll_source, poll_reader; /* their places in what streams_poll has filled in; -1: not there */
};
/* Closed; to be given its descriptors, and opened. */
void outlet_init(struct outlet *outlet, enum capture_stream stream, struct lane_end *end, struct capture_end *capture);
void outlet_open(struct outlet *outlet);
void outlet_close(struct outlet *outlet);
size_t outlet_poll(struct outlet *outlet, struct pollfd *poll, size_t n);
void outlet_move(struct outlet *outlet, const struct pollfd *poll, size_t n);
void outlet_drain(struct outlet *outlet);
void outlet_abandon(struct outlet *outlet);

/* --- streams_inlet.c --- */
#define INLET_LIMIT ((size_t)64 * 1024)
enum inlet_state { INLET_CLOSED, INLET_OPEN, INLET_ENDING, INLET_ENDED };
struct inlet {
	enum inlet_state state;
	int target; /* a pipe's end, or the terminal, which is the streams' to close */
	bool terminal;
	struct peer source; /* what is typed into the terminal */
	char *buffer; /* of INLET_LIMIT bytes; NULL until it is needed. Bytes `at` to `end` wait for the command */
	size_t at, end;
	bool line_begun; /* what was typed last did not end a line */
	int poll_target, poll_source;
};
void inlet_init(struct inlet *inlet);
void inlet_open(struct inlet *inlet, int target, bool terminal);
void inlet_close(struct inlet *inlet);
size_t inlet_poll(struct inlet *inlet, struct pollfd *poll, size_t n);
void inlet_move(struct inlet *inlet, const struct pollfd *poll, size_t n);
/* False: there is no room; nothing was kept. */
bool inlet_put(struct inlet *inlet, const char *data, size_t length, bool eof);

#endif
