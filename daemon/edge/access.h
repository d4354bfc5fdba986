/* Who may do what. A peer's rights follow from what the kernel said of it when it connected (struct peer) and from the
 * [access] sections of the configuration, and from nothing else: they are found once for each connection and
 * configuration. A look-up that fails grants nothing.
 *
 * What is another's and may not be read is told as what was forgotten is told, so that ids tell nothing. */
#ifndef EDGE_ACCESS_H
#define EDGE_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/core.h"
#include "proto/methods.h"

struct call;
struct config;
struct connection;
struct edge;
struct object_name;

enum access_scope { ACCESS_NONE, ACCESS_OWN, ACCESS_ALL }; /* the larger includes the smaller */
struct access {
	unsigned generation; /* of the configuration that it was found for */
	uint64_t sections;   /* the bits of the [access] sections that are about it, in their order in the configuration */
	bool submit;         /* one of them lets it submit something */
	bool submit_all;     /* …everything, into every queue */
	bool exec;           /* exec_users are about it: it may run any command, where it may submit "exec" */
	bool admin;
	enum access_scope read, cancel;
};

/* What CONNECTION's peer may do. */
const struct access *access_of(struct connection *connection);
/* Whether the caller has that right at all. */
bool access_has(const struct call *call, enum right right);
/* The same; false: "denied" has been answered, with data.right. */
bool access_allows(const struct call *call, enum right right) __attribute__((warn_unused_result));
/* "denied" with data.right, and a message as of printf(3). */
void access_deny(const struct call *call, enum right right, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same of what is OWNER's: data.owner says so. */
void access_deny_others(const struct call *call, enum right right, uint32_t owner, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Whether the caller may submit tasks of TYPE into QUEUE; false: that has been answered. */
bool access_may_submit(const struct call *call, const struct task_type *type, const struct core_queue *queue)
	__attribute__((warn_unused_result));
/* Whether some [access] section lets the peer submit tasks of that name: for listings. */
bool access_offers(struct connection *connection, const char *task);
/* Why SCHEDULE's owner may not submit what it submits, by the rights that hold now (static); NULL: he may. */
const char *access_denies_run(const struct edge *edge, const struct core_schedule *schedule);
/* Whether the caller may use the named object; false: that has been answered. */
bool access_may_use(const struct call *call, const struct object_name *name) __attribute__((warn_unused_result));
bool access_shows_object(struct connection *connection, const struct object_name *name);

/* Whether the peer may read TASK, or what is UID's. */
bool access_sees(struct connection *connection, const struct task *task);
bool access_sees_user(struct connection *connection, uint32_t uid);
/* Whether it may cancel TASK, signal it, write to it, …. */
bool access_may_cancel(struct connection *connection, const struct task *task);
/* As core_find; a task that the caller may neither read nor cancel is CORE_FORGOTTEN. */
enum core_found access_find(const struct call *call, uint64_t id, struct task **out);
/* As access_find, for what needs RIGHT to the task found (RIGHT_READ or RIGHT_CANCEL). False: the error has been
 * answered. */
bool access_finds(const struct call *call, uint64_t id, enum right right, struct task **out)
	__attribute__((warn_unused_result));
/* Narrows FILTER to what the caller may read or cancel (RIGHT says which). False: it asks for another user's by name, and
 * may not: that has been answered. */
bool access_narrow(const struct call *call, enum right right, struct task_filter *filter) __attribute__((warn_unused_result));

#endif
