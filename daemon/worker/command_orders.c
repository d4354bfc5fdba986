/* What others want of a command while it runs. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "worker/command_life.h"

/* --- signals --- */

void command_kill_tree(const struct command *command)
{
	/* The cgroup's is at once; what has left it, or is not in it where there is none, is found by its parents. */
	if (command->slot->cgroup)
		(void)cgroup_slot_kill(command->slot->cgroup);
	(void)tree_signal(SIGKILL);
}

static void set_suspended(struct command *command, bool suspended)
{
	if (command->suspended == suspended)
		return;
	command->suspended = suspended;
	capture_set_suspended(command->slot->capture, suspended);
}

static void stop(struct command *command, bool kill)
{
	command->abandoned = true;
	command->hurried |= kill;
	switch (command->phase) {
	case COMMAND_RUNNING:
		command->cancelled = true;
		if (kill)
			command_kill_tree(command);
		else
			(void)tree_signal(SIGTERM);
		set_suspended(command, false);
		break;
	case COMMAND_LEAVING:
		if (kill || command->step == LEAVING_LINGER)
			command->deadline_ns = 0; /* the next step is due */
		break;
	case COMMAND_DRAINING:
		streams_abandon(command->streams);
		break;
	case COMMAND_OVER:
		break;
	}
}

/* --- orders --- */

static void answer(const struct command *command, const struct inbox_message *message, const char *word)
{
	inbox_answer(command->slot->inbox, message->ask, word, NULL);
}

static void answer_errno(const struct command *command, const struct inbox_message *message, bool done)
{
	if (done)
		answer(command, message, "done");
	else
		inbox_answer(command->slot->inbox, message->ask, "refused", strerror(errno));
}

/* True: it was answered. */
static bool try_send(struct command *command, const struct inbox_message *message)
{
	switch (streams_send(command->streams, message->data, message->length, message->eof)) {
	case STREAMS_TAKEN:
		answer(command, message, "done");
		return true;
	case STREAMS_CLOSED:
		answer(command, message, "no_input");
		return true;
	case STREAMS_FULL:
		return false;
	}
	return false;
}

/* In their order: none goes in before one that waits. */
void orders_send(struct command *command)
{
	for (struct inbox_message *first; (first = command->sends) && try_send(command, first);) {
		command->sends = first->next;
		inbox_message_free(first);
	}
}

/* Takes MESSAGE over. */
static void send_later(struct command *command, struct inbox_message *message)
{
	message->next = NULL;
	if (command->sends)
		command->last_send->next = message;
	else
		command->sends = message;
	command->last_send = message;
	orders_send(command);
}

static void set_window(struct command *command, const struct inbox_message *message)
{
	int status = streams_window(command->streams, message->rows, message->columns);
	if (status < 0 && errno == ENOTTY)
		answer(command, message, "no_input");
	else
		answer_errno(command, message, status == 0);
}

/* It may have gone over to the group of one of its children. */
static int signal_group(const struct command *command, int signal_number)
{
	if (kill(-command->pid, signal_number) == 0)
		return 0;
	return errno == ESRCH ? kill(command->pid, signal_number) : -1;
}

/* Those that need its main process. Takes MESSAGE over. */
static void follow_running(struct command *command, struct inbox_message *message)
{
	switch (message->kind) {
	case INBOX_SIGNAL:
		answer_errno(command, message, signal_group(command, message->signal) == 0);
		if (message->signal == SIGCONT)
			set_suspended(command, false);
		break;
	case INBOX_SUSPEND:
		(void)tree_signal(SIGSTOP);
		set_suspended(command, true);
		answer(command, message, "done");
		break;
	case INBOX_RESUME:
		(void)tree_signal(SIGCONT);
		set_suspended(command, false);
		answer(command, message, "done");
		break;
	case INBOX_WINDOW:
		set_window(command, message);
		break;
	case INBOX_SEND:
		send_later(command, message);
		return;
	case INBOX_TERM:
	case INBOX_KILL:
		break;
	}
	inbox_message_free(message);
}

/* Takes MESSAGE over. */
static void follow(struct command *command, struct inbox_message *message)
{
	if (message->kind == INBOX_TERM || message->kind == INBOX_KILL) {
		stop(command, message->kind == INBOX_KILL);
		answer(command, message, "done");
	} else if (command->phase == COMMAND_RUNNING) {
		follow_running(command, message);
		return;
	} else {
		answer(command, message, "not_running");
	}
	inbox_message_free(message);
}

void orders_follow(struct command *command)
{
	struct inbox *inbox = command->slot->inbox;
	const struct lane_request *request = command->request;
	for (struct inbox_message *message; (message = inbox_take(inbox, request->task_id, request->attempt));)
		follow(command, message);
	if (inbox_is_orphaned(inbox))
		stop(command, true);
}

void orders_end(struct command *command)
{
	for (struct inbox_message *message; (message = command->sends);) {
		command->sends = message->next;
		answer(command, message, "not_running");
		inbox_message_free(message);
	}
}
