/* A command that is left to itself: submitted, and its id printed. */
#include "client/taskctl/run.h"
#include "client/taskctl/run_options.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"

int run_detached(struct taskctl *ctl, const struct run_values *values, struct run_command *command)
{
	struct taskd_options options;
	struct taskd_future *f;
	json_t *answer;
	int status = submission_options(ctl, &values->submission, true, &options);

	ctl->reconnects = true;
	if (status == EXIT_FINE)
		status = taskctl_connect(ctl);
	if (status != EXIT_FINE)
		return status;
	f = taskd_exec(ctl->connection, &command->command, &options);
	if (!f)
		return report_last(ctl);
	if (taskd_acknowledged(f, TASKD_FOREVER) != TASKD_OK) {
		status = report_failure(ctl, NULL, taskd_future_error(f));
	} else {
		answer = must(json_pack(
			"{s:s,s:s}", "id", taskd_future_id(f), "durability", taskd_future_durable(f) ? "disk" : "memory"));
		ctl->writer->ops->sentence(ctl->writer, answer, taskd_future_id(f));
		json_decref(answer);
	}
	taskd_future_free(f);
	return status;
}
