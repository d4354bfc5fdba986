/* What was wrong, for people: a line, and who was in the way. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "object/internal.h"

void problem_clear(struct object_problem *problem)
{
	if (!problem)
		return;
	problem->text[0] = '\0';
	problem->n_links = 0;
}

/* Names are UTF-8: a text that was too long does not end within a character. */
static void cut(char *text, size_t length)
{
	while (length > 0 && (text[length - 1] & 0xc0) == 0x80)
		length--;
	if (length > 0 && (text[length - 1] & 0x80))
		length--;
	text[length] = '\0';
}

void problem_say(struct object_problem *problem, const char *format, ...)
{
	va_list arguments;

	if (!problem)
		return;
	va_start(arguments, format);
	if (vsnprintf(problem->text, sizeof(problem->text), format, arguments) >= (int)sizeof(problem->text))
		cut(problem->text, sizeof(problem->text) - 1);
	va_end(arguments);
}

void problem_add(struct object_problem *problem, const struct object_who *who, const struct object *object)
{
	struct object_link *link;

	if (!problem || problem->n_links++ >= OBJECT_LINKS)
		return;
	link = &problem->links[problem->n_links - 1];
	link->owner_kind = who->owner->kind;
	link->owner_id = who->owner->id;
	link->uid = who->owner->uid;
	link->pid = who->owner->pid;
	memcpy(link->token, who->token, who->token_length + 1);
	link->kind = object->class->kind;
	memcpy(link->name, object->name, object->name_length + 1);
}
