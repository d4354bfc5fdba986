/* Speaks with the master where it is not about tasks. JSON, since none of it is on a hot path. */
#include "worker/control.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "proto/base64.h"
#include "proto/strbuf.h"
#include "worker/heritage.h"
#include "worker/registry.h"
#include "worker/text.h"

/* What a message may take beyond its list. */
#define ENVELOPE 256

static size_t take_descriptors(struct msghdr *header, int *fds)
{
	size_t n = 0;
	for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part)) {
		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		n = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(part), n * sizeof(int));
	}
	return n;
}

int control_receive(int fd, json_t **message, int fds[CONTROL_FDS_LIMIT], size_t *n_fds)
{
	static char buffer[HERITAGE_MESSAGE_LIMIT];
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(CONTROL_FDS_LIMIT * sizeof(int))];
	} ancillary;
	struct iovec part = { .iov_base = buffer, .iov_len = sizeof(buffer) };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &ancillary,
		.msg_controllen = sizeof(ancillary) };
	ssize_t length;
	do
		length = recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
	while (length < 0 && errno == EINTR);
	if (length == 0 || (length < 0 && errno == ECONNRESET))
		return 0;
	if (length < 0) {
		log_error("cannot read from the control socket: %s", strerror(errno));
		return -1;
	}
	*n_fds = take_descriptors(&header, fds);
	if (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		log_error("a message from the master did not fit, or brought more descriptors than may be open");
		return -1;
	}
	json_error_t error;
	*message = json_loadb(buffer, (size_t)length, JSON_REJECT_DUPLICATES, &error);
	if (!*message) {
		log_error("a message from the master is not JSON: %s", error.text);
		return -1;
	}
	return 1;
}

/* Takes over MESSAGE. */
static void send_message(int fd, json_t *message)
{
	char *text = json_dumps(message, JSON_COMPACT);
	json_decref(message);
	if (!text) {
		log_error("no memory to tell the master something");
		return;
	}
	ssize_t n;
	do
		n = send(fd, text, strlen(text), MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	free(text);
}

/* Jansson refuses what is not UTF-8; a handler's own words may be anything. */
static json_t *string_of(const char *text)
{
	char line[REGISTRY_TEXT_LIMIT + 1];
	size_t length = text_line(line, sizeof(line), text, strlen(text));
	return json_stringn(line, length);
}

/* A list that is sent in as many messages as it needs. */
struct list {
	int fd;
	const char *key;
	json_t *items;
	size_t size;
};

static void list_send(struct list *list)
{
	send_message(list->fd, json_pack("{s:o}", list->key, list->items));
	list->items = json_array();
	list->size = 0;
}

/* Takes over ITEM. */
static void list_add(struct list *list, json_t *item)
{
	size_t size = json_dumpb(item, NULL, 0, JSON_COMPACT) + 1;
	if (list->size + size > HERITAGE_MESSAGE_LIMIT - ENVELOPE)
		list_send(list);
	json_array_append_new(list->items, item);
	list->size += size;
}

static json_t *describe(const struct registry_entry *entry)
{
	json_t *item = json_object();
	json_object_set_new(item, "name", json_string(entry->handler->name));
	json_object_set_new(item, "source", string_of(entry->source));
	if (entry->handler->summary)
		json_object_set_new(item, "summary", string_of(entry->handler->summary));
	if (entry->handler->parameters)
		json_object_set_new(item, "parameters", string_of(entry->handler->parameters));
	return item;
}

void control_send_registry(int fd, const struct registry *registry)
{
	struct list handlers = { .fd = fd, .key = "handlers", .items = json_array() };
	for (size_t i = 0; i < registry->count; i++)
		list_add(&handlers, describe(registry->entries[i]));
	list_send(&handlers);
	json_decref(handlers.items);

	struct list errors = { .fd = fd, .key = "plugin_errors", .items = json_array() };
	const struct registry_problem *problem;
	STAILQ_FOREACH(problem, &registry->problems, link)
		list_add(&errors, json_pack("{s:o, s:o}", "plugin", string_of(problem->source), "error",
			string_of(problem->reason)));
	list_send(&errors);
	json_decref(errors.items);
}

void control_send_init_failed(int fd, int slot, const char *handler, const char *error)
{
	send_message(fd, json_pack("{s:{s:i, s:s, s:o}}", "init_failed", "slot", slot, "handler", handler, "error",
		string_of(error)));
}

void control_send_ready(int fd, int slot)
{
	send_message(fd, json_pack("{s:i}", "ready", slot));
}

void control_send_answer(int fd, uint64_t ask, const char *word, const char *reason)
{
	json_t *body = json_pack("{s:I, s:s}", "ask", (json_int_t)ask, "word", word);
	if (reason)
		json_object_set_new(body, "reason", string_of(reason));
	send_message(fd, json_pack("{s:o}", "answer", body));
}

void control_send_page(int fd, uint64_t ask, const void *data, size_t length, uint64_t total)
{
	struct strbuf text = STRBUF_INIT;
	base64_encode(&text, data, length);
	if (strbuf_failed(&text)) {
		control_send_answer(fd, ask, "refused", "the worker is out of memory");
	} else {
		json_t *page = json_stringn_nocheck(text.data ? text.data : "", text.length);
		send_message(fd, json_pack("{s:{s:I, s:s, s:o, s:I}}", "answer", "ask", (json_int_t)ask, "word", "done", "data",
			page, "total", (json_int_t)total));
	}
	strbuf_free(&text);
}
