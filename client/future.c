/* A future's life: made with its request, ended by a reply, a notification or the connection's end, freed when neither
 * the user, nor the daemon, nor a callback has it any more. Those that are freed are kept for the next submissions. */
#include <stdlib.h>
#include <string.h>

#include "client/reconnect.h"

/* Under the address sanitizer each is freed for good, so that a program's use of a freed one is found. */
#ifdef __SANITIZE_ADDRESS__
#define SPARE_LIMIT 0
#else
#define SPARE_LIMIT 4096
#endif

struct taskd_future *future_new(struct taskd *c, enum future_kind kind)
{
	struct taskd_future *f = c->spare;

	if (f) {
		c->spare = f->next;
		c->n_spare--;
	} else {
		f = malloc(sizeof(*f));
		if (!f)
			return NULL;
	}
	/* All but `own`, which is the larger part. */
	memset(f, 0, offsetof(struct taskd_future, own));
	f->connection = c;
	f->kind = kind;
	f->owned = true;
	c->references++;
	return f;
}

void future_release(struct taskd_future *f)
{
	struct taskd *c = f->connection;

	if (f->owned || f->outstanding || f->calling)
		return;
	if (f->text != f->own)
		free(f->text);
	failure_free(f->failure_own);
	if (c->n_spare + 1 <= SPARE_LIMIT && !c->closed) {
		f->next = c->spare;
		c->spare = f;
		c->n_spare++;
	} else {
		free(f);
	}
	c->references--;
}

/* --- its end --- */

static void future_end(struct taskd_future *f, enum taskd_error error)
{
	struct taskd *c = f->connection;

	f->done = true;
	f->outstanding = false;
	f->error = error;
	f->ended = ++c->ends;
	while (f->watches)
		watch_end(f->watches);
	if (f->callbacks && f->owned) {
		f->calling = true;
		f->next = NULL;
		*c->callable_last = f;
		c->callable_last = &f->next;
	}
	future_release(f);
}

void future_succeed(struct taskd_future *f, const char *text, size_t length, char *copy)
{
	if (!f->owned) {
		free(copy);
		future_end(f, TASKD_OK);
		return;
	}
	f->text = copy;
	if (!copy) {
		memcpy(f->own, text, length);
		f->own[length] = '\0';
		f->text = f->own;
	}
	f->length = length;
	future_end(f, TASKD_OK);
}

void future_fail(struct taskd_future *f, struct failure *own)
{
	f->failure_own = own;
	/* What was not found, or is forgotten, is another one that this one was to wait for. */
	bool of_task = own && own->told.error != TASKD_E_NOT_FOUND && own->told.error != TASKD_E_FORGOTTEN;
	if (of_task && own->id[0] && !f->id[0])
		memcpy(f->id, own->id, sizeof(f->id));
	future_fail_with(f, own ? &own->told : &failure_memory);
}

void future_fail_with(struct taskd_future *f, const struct taskd_failure *failure)
{
	f->failure = failure;
	resend_forget(f);
	future_end(f, failure->error);
}

/* Whether the daemon is to be told that nobody wants its answer any more. */
static bool is_taken_back(const struct taskd_future *f)
{
	return f->outstanding && (f->kind == FUTURE_CALL || f->kind == FUTURE_WAIT);
}

void future_drop(struct taskd_future *f)
{
	f->owned = false;
	callbacks_drop(f);
	while (f->watches)
		watch_end(f->watches);
	if (is_taken_back(f))
		request_cancel(f->connection, f->request);
	future_release(f);
}

void taskd_future_free(struct taskd_future *f)
{
	/* In a forked child it is a copy of the parent's, perhaps taken in the middle of a change. */
	if (!f || !connection_usable(f->connection))
		return;
	struct taskd *c = f->connection;
	connection_lock(c);
	bool cancels = is_taken_back(f);
	future_drop(f);
	if (cancels) /* at once: nobody may ever wait here again */
		output_write(c);
	connection_unlock(c);
}

/* --- what it says --- */

bool taskd_done(const struct taskd_future *f)
{
	if (!f || !connection_usable(f->connection))
		return false;
	connection_lock(f->connection);
	bool done = f->done;
	connection_unlock(f->connection);
	return done;
}

const char *taskd_future_result(const struct taskd_future *f, size_t *length)
{
	const char *text = NULL;

	if (length)
		*length = 0;
	if (!f || !connection_usable(f->connection))
		return NULL;
	connection_lock(f->connection);
	if (f->done && f->error == TASKD_OK) {
		text = f->text;
		if (length)
			*length = f->length;
	}
	connection_unlock(f->connection);
	return text;
}

const char *taskd_future_id(const struct taskd_future *f)
{
	if (!f || !connection_usable(f->connection))
		return NULL;
	connection_lock(f->connection);
	const char *id = f->id[0] ? f->id : NULL;
	connection_unlock(f->connection);
	return id;
}

bool taskd_future_durable(const struct taskd_future *f)
{
	if (!f || !connection_usable(f->connection))
		return false;
	connection_lock(f->connection);
	bool durable = f->durable;
	connection_unlock(f->connection);
	return durable;
}

const struct taskd_failure *taskd_exception(const struct taskd_future *f)
{
	if (!f || !connection_usable(f->connection))
		return NULL;
	connection_lock(f->connection);
	const struct taskd_failure *failure = f->done ? f->failure : NULL;
	connection_unlock(f->connection);
	return failure;
}

const struct taskd_failure *taskd_future_error(const struct taskd_future *f)
{
	static const struct taskd_failure fine = { .error = TASKD_OK, .kind = "", .message = "the task has succeeded" };
	static const struct taskd_failure early = {
		.error = TASKD_E_TIMEOUT,
		.kind = "",
		.message = "the task has not ended yet",
	};

	if (!f || !connection_usable(f->connection))
		return error_failure();
	const struct taskd_failure *failure = taskd_exception(f);
	if (failure)
		return failure;
	return taskd_done(f) ? &fine : &early;
}

bool reader_future_done(void *future)
{
	const struct taskd_future *f = future;

	return f->done;
}

enum taskd_error taskd_result(struct taskd_future *f, int64_t timeout_ns)
{
	if (!f)
		return error_of_null("future");
	struct taskd *c = f->connection;
	if (!connection_usable(c))
		return error_failure()->error;
	connection_lock(c);
	enum taskd_error error = TASKD_OK;
	if (!f->done) {
		if (!connection_may_wait(c)) {
			connection_unlock(c);
			return error_failure()->error;
		}
		error = reader_wait(c, reader_future_done, f, deadline_after(timeout_ns));
	}
	if (f->done)
		error = f->error;
	if (error != TASKD_OK)
		error_set(error, f->failure ? "%s" : NULL, f->failure ? f->failure->message : "");
	connection_unlock(c);
	return error;
}
