/* What the store says. The master believes nothing of it that makes no sense: a store that says such a thing is ended, and
 * another one is started. */
#include "store/client_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xmalloc.h"

#define HEAR_LEAST ((size_t)64 * 1024) /* room that there is to hear into */
#define HEAR_MOST ((size_t)512 * 1024) /* bytes in one turn */
#define REOPEN_NS NS_PER_S

static char *text_for_people(const struct store_text *text)
{
	return text->data ? xstrndup(text->data, text->length) : NULL;
}

/* Where it was open before, a full disk is no reason to give up. */
static void opening_refused(struct store_client *client, const struct store_opened *opened)
{
	char *text = text_for_people(&opened->text);
	const char *why = text ? text : "the store cannot be opened";
	if (opened->status == STORE_OPEN_FULL && client->ever_opened && !client->stopping) {
		client_kill(client);
		client->start_ns = clock_mono_ns() + REOPEN_NS;
		/* What the last one had is not given up: it may be on disk. */
		if (client->state != STORE_FULL)
			client_enter(client, STORE_FULL, why);
	} else {
		if (!client->told_opened) {
			client->told_opened = true;
			client->state = STORE_BROKEN;
			client->events.opened(client->events.context, opened);
		}
		client_fail(client, why);
	}
	free(text);
}

static bool hear_opened(struct store_client *client, const struct store_opened *opened)
{
	if (client->opened)
		return false;
	if (opened->version != STORE_WIRE_VERSION) {
		client_fail(client, "taskd-store is of another version of taskd");
		return true;
	}
	if (opened->status != STORE_OPEN_FINE && opened->status != STORE_OPEN_ASIDE) {
		opening_refused(client, opened);
		return true;
	}
	/* What the last one committed without saying so is as good as said. */
	if (opened->applied &&
		(opened->applied > client->last ||
			(opened->applied > client->committed && !client_committed(client, opened->applied))))
		return false;
	oplog_rewind(&client->log);
	client->opened = true;
	client->opened_ns = clock_mono_ns();
	client_load_again(client);
	client_ask_again(client);
	char *text = text_for_people(&opened->text);
	if (!client->told_opened) {
		client->told_opened = client->ever_opened = true;
		client->first_own = opened->next_id ? opened->next_id : 1;
		if (!client->stopping)
			client->state = STORE_WORKING;
		client->events.opened(client->events.context, opened);
	}
	/* Where it came back with the disk full, the next commit says that this is over. */
	if (!client->stopping && (client->state != STORE_FULL || client->log.bytes == 0))
		client->state = STORE_WORKING;
	client->events.changed(client->events.context, client->state, text);
	free(text);
	return true;
}

static bool hear_failed(struct store_client *client, const struct store_text *text)
{
	char *why = text_for_people(text);
	client_fail(client, why ? why : "the store has failed");
	free(why);
	return true;
}

/* False: it makes no sense. */
static bool hear_body(struct store_client *client, const struct store_header *header, const char *data)
{
	union {
		struct store_opened opened;
		struct store_text text;
		struct store_row row;
		struct store_answer answer;
	} body;
	enum store_message message = (enum store_message)header->message;
	bool fine = false;
	/* Before it has opened it has nothing else to say. */
	if (!client->opened && message != STORE_OPENED && message != STORE_FAILED)
		return false;
	if (!store_read_body(header, data, &body))
		return false;
	/* What comes the other way is none of its business. */
	if (message == STORE_OPENED)
		fine = hear_opened(client, &body.opened);
	else if (message == STORE_COMMITTED)
		fine = client_committed(client, header->number);
	else if (message == STORE_REFUSED)
		fine = client_refused(client, header->number, &body.text);
	else if (message == STORE_FAILED)
		fine = hear_failed(client, &body.text);
	else if (message == STORE_ROW)
		fine = client_row(client, &body.row);
	else if (message == STORE_LOADED)
		fine = client_loaded(client);
	else if (message == STORE_FOUND)
		fine = client_found(client, header->number, &body.row);
	else if (message == STORE_ANSWERED)
		fine = client_answered(client, header->number, &body.answer);
	store_body_free(message, &body);
	return fine;
}

static void condemn(struct store_client *client, const char *lie)
{
	client->lie = lie;
	client_kill(client);
}

/* What its words are called in a log. */
static const char *message_name(uint16_t message)
{
	static const char *const names[] = {
		[STORE_OPENED - STORE_OPENED] = "opened",
		[STORE_COMMITTED - STORE_OPENED] = "committed",
		[STORE_REFUSED - STORE_OPENED] = "refused",
		[STORE_FAILED - STORE_OPENED] = "failed",
		[STORE_ROW - STORE_OPENED] = "row",
		[STORE_LOADED - STORE_OPENED] = "loaded",
		[STORE_FOUND - STORE_OPENED] = "found",
		[STORE_ANSWERED - STORE_OPENED] = "answered",
	};
	return message >= STORE_OPENED && message <= STORE_ANSWERED ? names[message - STORE_OPENED] : "a request";
}

/* Deals with the first message of what was heard. False: it is not there as a whole; *NEEDS bytes are needed for that. */
static bool hear_message(struct store_client *client, size_t *needs)
{
	struct store_header header;
	const char *at = client->heard.data + client->heard_from;
	size_t there = client->heard.length - client->heard_from;
	*needs = STORE_HEADER_SIZE;
	if (there < STORE_HEADER_SIZE)
		return false;
	if (!store_read_header(at, &header)) {
		condemn(client, "a header");
		return false;
	}
	*needs += header.length;
	if (there < *needs)
		return false;
	client->heard_from += *needs;
	if (!hear_body(client, &header, at + STORE_HEADER_SIZE) && !client->condemned)
		condemn(client, message_name(header.message));
	return true;
}

/* Room behind what was heard, for a message of NEEDS bytes; but no more than twice what has come of it, whatever it says. */
static bool heard_make_room(struct store_client *client, size_t needs)
{
	struct store_buffer *heard = &client->heard;
	size_t there = heard->length - client->heard_from;
	if (client->heard_from) {
		memmove(heard->data, heard->data + client->heard_from, there);
		heard->length = there;
		client->heard_from = 0;
	}
	size_t room = needs < 2 * there ? needs : 2 * there;
	if (room < HEAR_LEAST)
		room = HEAR_LEAST;
	/* What one large message took is given back. */
	if (heard->room >= room && (heard->room <= 16 * HEAR_LEAST || there))
		return true;
	char *data = realloc(heard->data, room);
	if (!data)
		return false;
	heard->data = data;
	heard->room = room;
	return true;
}

/* What has come, at most as much as there is room for: how much. */
static size_t hear_some(struct store_client *client)
{
	struct store_buffer *heard = &client->heard;
	int64_t n = channel_read(client->channel, heard->data + heard->length, heard->room - heard->length);
	if (n < 0) {
		condemn(client, "the channel");
		return 0;
	}
	heard->length += (size_t)n;
	return (size_t)n;
}

/* How long the message is of which a part came before. */
static size_t heard_needs(const struct store_client *client)
{
	struct store_header header;
	size_t there = client->heard.length - client->heard_from;
	if (there < STORE_HEADER_SIZE || !store_read_header(client->heard.data + client->heard_from, &header))
		return STORE_HEADER_SIZE;
	return STORE_HEADER_SIZE + (size_t)header.length;
}

bool client_hear(struct store_client *client)
{
	size_t needs = heard_needs(client);
	for (size_t heard = 0; heard < HEAR_MOST;) {
		if (!client->pid || client->condemned)
			return false;
		if (!heard_make_room(client, needs)) {
			condemn(client, "more than there is memory for");
			return false;
		}
		size_t n = hear_some(client);
		if (n == 0)
			return false;
		heard += n;
		while (!client->condemned && hear_message(client, &needs))
			;
	}
	return true;
}
