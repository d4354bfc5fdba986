/* Prints what manual pages have to tell, from the tables that the programs themselves read; for check-docs. */
#include <stdio.h>

#include "config/config.h"
#include "proto/command.h"
#include "proto/errors.h"
#include "proto/methods.h"
#include "proto/params.h"

/* What the roles of taskd-protocol(7), RIGHTS, have of a method: stranger, member, observer, operator, admin. */
static void print_roles(const struct method_info *info)
{
	static const char *const cells[N_RIGHTS] = {
		[RIGHT_NONE] = "yes yes yes yes yes",
		[RIGHT_SUBMIT] = "- yes - - yes",
		[RIGHT_READ] = "- own all all all",
		[RIGHT_CANCEL] = "- own - all all",
		[RIGHT_ADMIN] = "- - - - yes",
	};

	printf("roles %s %s %s\n", info->name, right_name(info->right), cells[info->right]);
}

int main(void)
{
	for (int method = 0; method < N_METHODS; method++) {
		const struct method_info *info = method_info((enum method)method);

		printf("method %s\n", info->name);
		print_roles(info);
		for (const struct param_spec *param = info->params; param->name; param++)
			printf("parameter %s %s\n", info->name, param->name);
	}
	for (const struct param_spec *param = batch_task_params(); param->name; param++)
		printf("parameter task.submit_batch %s\n", param->name);
	for (const struct param_spec *param = command_param_specs; param->name; param++)
		printf("argument " COMMAND_TASK " %s\n", param->name);
	for (int error = 0; error < PROTO_N_ERRORS; error++) {
		const struct proto_error_info *info = proto_error_info((enum proto_error)error);

		printf("error %s %d\n", info->kind, info->code);
	}
	for (size_t i = 0; i < config_n_keys; i++)
		printf("key %s %s\n", config_keys[i].section, config_keys[i].name);
	return 0;
}
