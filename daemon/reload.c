/* The difference between two configurations, in the words of the configuration file, and for what no room but the
 * named objects' keeps. */
#include "reload.h"

#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "config/config.h"
#include "object/object.h"
#include "proto/strbuf.h"

struct report {
	struct strbuf changed;
	struct strbuf needs_restart;
};

static void on_change(void *user, const struct config_key *key, const char *section_name)
{
	struct report *report = user;
	struct strbuf *list = key->reloadable ? &report->changed : &report->needs_restart;
	char *text = section_name ? xasprintf("[%s %s] %s", key->section, section_name, key->name)
				  : xasprintf("[%s] %s", key->section, key->name);
	if (list->length)
		strbuf_puts(list, ",");
	strbuf_json_string(list, text, strlen(text));
	free(text);
}

char *reload_report(const struct config *from, const struct config *to)
{
	struct report report = { STRBUF_INIT, STRBUF_INIT };
	config_compare(from, to, on_change, &report);
	char *text = xasprintf("{\"changed\":[%s],\"needs_restart\":[%s]}", report.changed.length ? report.changed.data : "",
		report.needs_restart.length ? report.needs_restart.data : "");
	strbuf_free(&report.changed);
	strbuf_free(&report.needs_restart);
	return text;
}

void reload_semaphores(struct objects *objects, const struct config *from, const struct config *to)
{
	const struct config_semaphore *semaphore;
	if (from)
		STAILQ_FOREACH(semaphore, &from->semaphores, link)
			if (!config_semaphore_find(to, semaphore->name))
				semaphore_configure(objects, semaphore->name, 0);
	STAILQ_FOREACH(semaphore, &to->semaphores, link)
		semaphore_configure(objects, semaphore->name, semaphore->slots);
}
