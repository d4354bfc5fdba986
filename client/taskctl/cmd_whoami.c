/* whoami: as whom the daemon sees who asks, and what that one may. */
#include <stdio.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"

static int run_whoami(struct taskctl *ctl, const struct invocation *invocation)
{
	static const struct field fields[] = {
		{ .title = "user", .path = "user", .cell = CELL_TEXT },
		{ .title = "uid", .path = "uid", .cell = CELL_TEXT },
		{ .title = "submit", .path = "rights.submit", .cell = CELL_TEXT },
		{ .title = "read", .path = "rights.read", .cell = CELL_TEXT },
		{ .title = "cancel", .path = "rights.cancel", .cell = CELL_TEXT },
		{ .title = "admin", .path = "rights.admin", .cell = CELL_TEXT },
		{ .title = NULL },
	};
	json_t *info;
	const json_t *you;
	int status = taskctl_request(ctl, METHOD_SERVER_INFO, NULL, &info);

	(void)invocation;
	if (status != EXIT_FINE)
		return status;
	you = json_object_get(info, "you");
	if (you)
		ctl->writer->ops->record(ctl->writer, fields, you);
	else
		status = report_library(ctl, TASKD_E_PROTOCOL, "the daemon does not say who you are");
	json_decref(info);
	return status;
}

const struct command command_whoami = {
	.name = "whoami",
	.operands = "",
	.summary = "Show as whom the daemon sees you, and what you may",
	.help = "The kernel tells the daemon who has connected; what he may, [access] in taskd.conf\n"
		"says. \"read\" and \"cancel\" are own, all or none: whose tasks can be seen, and ended.\n"
		"\"submit\" may be limited to some tasks, queues and named objects: \"taskctl tasks\"\n"
		"lists those that you can submit.",
	.reconnects = true,
	.run = run_whoami,
};
