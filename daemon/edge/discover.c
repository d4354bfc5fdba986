/* rpc.discover: an OpenRPC document, made from the table of methods and from the tasks that can be submitted now. */
#include <string.h>

#include "edge/rpc.h"
#include "pool/pool.h"

static void put_string(struct strbuf *out, const char *name, const char *text)
{
	strbuf_printf(out, "\"%s\":", name);
	strbuf_json_string(out, text, strlen(text));
}

static void put_param(struct strbuf *out, const struct param_spec *spec)
{
	strbuf_puts(out, "{");
	put_string(out, "name", spec->name);
	strbuf_puts(out, ",");
	put_string(out, "summary", spec->summary);
	strbuf_printf(out, ",\"required\":%s,\"schema\":", spec->required ? "true" : "false");
	param_schema(out, spec);
	strbuf_puts(out, "}");
}

static void put_params(struct strbuf *out, const struct param_spec *specs)
{
	strbuf_puts(out, "\"params\":[");
	for (const struct param_spec *spec = specs; spec && spec->name; spec++) {
		strbuf_puts(out, spec == specs ? "" : ",");
		put_param(out, spec);
	}
	strbuf_puts(out, "]");
}

static void put_method(struct strbuf *out, const struct method_info *info)
{
	strbuf_puts(out, "{");
	put_string(out, "name", info->name);
	strbuf_puts(out, ",");
	put_string(out, "summary", info->summary);
	strbuf_puts(out, ",\"paramStructure\":\"either\",");
	put_params(out, info->params);
	strbuf_puts(out, ",\"result\":{");
	put_string(out, "name", "result");
	strbuf_puts(out, ",");
	put_string(out, "summary", info->result);
	strbuf_printf(out, ",\"schema\":%s},\"x-right\":\"%s\"}", info->result_schema, right_name(info->right));
}

/* What a task takes is known to its handler, or to the configuration of a command, which tell it in words. */
static void put_task(struct strbuf *out, const struct task_type *type)
{
	const struct handler_info *info = type->user;
	strbuf_puts(out, ",{");
	put_string(out, "name", type->name);
	if (info && info->summary) {
		strbuf_puts(out, ",");
		put_string(out, "summary", info->summary);
	}
	if (info && info->parameters) {
		strbuf_puts(out, ",");
		put_string(out, "description", info->parameters);
	}
	strbuf_puts(out, ",\"tags\":[{\"name\":\"task\"}],");
	put_params(out, type->command && strcmp(type->name, COMMAND_TASK) == 0 ? command_param_specs : NULL);
	strbuf_puts(out, ",\"result\":{\"name\":\"result\",\"schema\":{}}}");
}

void rpc_discover(const struct call *call)
{
	struct no_params params = { 0 };
	struct strbuf out = STRBUF_INIT;
	struct task_type *type = NULL;
	if (!call_params(call, &params))
		return;
	strbuf_puts(&out, "{\"openrpc\":\"1.2.6\",\"info\":{\"title\":\"taskd\",\"version\":\"" PACKAGE_VERSION "\"},\"methods\":[");
	for (int i = 0; i < N_METHODS; i++) {
		strbuf_puts(&out, i ? "," : "");
		put_method(&out, method_info((enum method)i));
	}
	while ((type = core_type_next(call->edge->core, type)))
		if (type->known && access_offers(call->to.connection, type->name))
			put_task(&out, type);
	strbuf_puts(&out, "]}");
	reply_buffer(&call->to, &out);
}
