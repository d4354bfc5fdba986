/* A real taskd for a test: in a folder and a process group of its own, ready when it says so, gone with the test. */
#ifndef HARNESS_H
#define HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct taskd;

struct daemon {
	pid_t pid;
	char folder[64];
	char socket[96];
	char config[96]; /* the file's path */
	char log[96];    /* where its standard error goes */
	int notify_fd;   /* what it tells its service manager arrives here */
	bool durable;    /* it has a state directory, FOLDER/state */
	int listen_fd;   /* it is given this listening socket as a service manager does; 0: it makes its own */
	unsigned files;  /* its limit of descriptors; 0: ours */
	const char *const *environment;
};

#define PATIENCE_NS (INT64_C(30) * 1000000000)

/* Starts a daemon with this configuration (added to a [taskd] section) and waits until it is READY. Fails the test
 * where that does not come. */
void daemon_start(struct daemon *daemon, const char *config);
/* The same with the plugins tests/plugins/NAME.so, their names separated by blanks. */
void daemon_start_with_plugins(struct daemon *daemon, const char *plugins, const char *config);
/* CONFIG is then what is read again. Both as daemon_start has it. */
void daemon_reload_with_plugins(const struct daemon *daemon, struct taskd *c, const char *plugins, const char *config);
/* The same with additional environment, as "NAME=value" strings ending with NULL. */
void daemon_start_with(struct daemon *daemon, const char *config, const char *const *environment);
/* The same with a state directory and plugins, as daemon_start_with_plugins has them. */
void daemon_start_durable(struct daemon *daemon, const char *plugins, const char *config);
/* … and with a listening socket from outside, which stays when the daemon goes. */
void daemon_start_activated(struct daemon *daemon, const char *plugins, const char *config);
/* As daemon_start, with a limit of descriptors; 0: ours. */
void daemon_start_limited(struct daemon *daemon, const char *config, unsigned files);
/* SIGKILL, and its end. */
void daemon_kill(struct daemon *daemon);
/* Starts it in the same folder, after daemon_kill or daemon_wait; `launch` does not wait until it is READY. */
void daemon_launch(struct daemon *daemon);
void daemon_again(struct daemon *daemon);
/* Replaces the configuration file's text. */
void daemon_write_config(const struct daemon *daemon, const char *config);
/* The next notification, terminated; false where none comes in time. */
bool daemon_notification(struct daemon *daemon, char *buffer, size_t size, int64_t timeout_ns);
/* Waits for a notification that contains TEXT. */
bool daemon_notified(struct daemon *daemon, const char *text);
/* SIGTERM, and SIGKILL for what does not go; returns its wait status. The folder is removed. */
int daemon_stop(struct daemon *daemon);
/* Its children whose program is called NAME; how many. */
size_t daemon_children(const struct daemon *daemon, const char *name, pid_t *pids, size_t room);
/* Waits for its end without asking; the wait status, or -1 when it does not come. */
int daemon_wait(struct daemon *daemon);
/* Whether its log contains TEXT (waits for it, bounded). */
bool daemon_logged(const struct daemon *daemon, const char *text);
/* How often TEXT is in its log now. */
size_t daemon_log_count(const struct daemon *daemon, const char *text);

/* A connection by the library; fails the test where there is none. */
struct taskd *daemon_connect(const struct daemon *daemon);
/* The result of any method; malloc'ed. Fails the test where it fails. */
char *request(struct taskd *c, const char *method, const char *params);
/* The number behind "KEY": in a JSON text, first place; -1 where there is none. */
double number_in(const char *json, const char *key);
/* METHOD's result, with PARAMS by printf; the same otherwise. */
char *ask(struct taskd *c, const char *method, const char *params, ...) __attribute__((format(printf, 3, 4)));
/* The kind of the error that METHOD with PARAMS (by printf) is answered with, valid until the next call; fails the test
 * where there is none. */
const char *refusal(struct taskd *c, const char *method, const char *params, ...) __attribute__((format(printf, 3, 4)));
/* The text behind "KEY": in a JSON text, first place, valid until the next call; "" where there is none. */
const char *text_in(const char *json, const char *key);
/* The time there, in ns since 1970; -1 where there is none. */
int64_t time_in(const char *json, const char *key);
/* The id of a task that is submitted with these parameters of task.submit. */
unsigned long long submit_task(struct taskd *c, const char *params, ...) __attribute__((format(printf, 2, 3)));
/* Its record, now, or once it has ended; malloc'ed. */
char *record_of(struct taskd *c, unsigned long long id);
char *record_at_end(struct taskd *c, unsigned long long id);
/* Waits until its state is STATE; fails the test where that does not come. */
void wait_for_state(struct taskd *c, unsigned long long id, const char *state);
/* The pids of the workers that run, by worker.list; how many. */
size_t worker_pids(struct taskd *c, pid_t *pids, size_t room);
/* Whether some worker runs a task; for wait_until, with the connection to ask. */
bool something_runs(void *connection);
/* Until CONDITION is true, looking again and again, for PATIENCE_NS at most. */
bool wait_until(bool (*condition)(void *user), void *user);
/* Between two looks: a millisecond. */
void pause_briefly(void);
int64_t test_now_ns(void);

/* --- the wire itself --- */
struct wire {
	int fd;
	char *data;
	size_t start, length, room; /* what has come and was not taken: from start to length */
};
void wire_open(struct wire *wire, const struct daemon *daemon);
void wire_close(struct wire *wire);
/* Writes all of it; false where the other side has closed. */
bool wire_send(struct wire *wire, const void *data, size_t length);
bool wire_puts(struct wire *wire, const char *text);
/* The next line without its end, terminated, valid until the next call; NULL where none comes, or the end. */
const char *wire_line(struct wire *wire);
/* The next LENGTH bytes, the same way. */
const char *wire_bytes(struct wire *wire, size_t length);
/* Whether the other side closes now, whatever it says before. */
bool wire_closed(struct wire *wire);

#endif
