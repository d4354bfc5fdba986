/* A [command]'s keys, and behind the first line of "---" the arguments of a submission: what becomes of both is a command that
 * taskd takes, and what the arguments say never becomes another word. */
#include "config/template.h"
#include "config_text.h"
#include "proto/command.h"
#include "proto/strbuf.h"

const char fuzz_name[] = "template";
const unsigned fuzz_runs = 8000;

static void expand(const struct config_command *command, const struct json_span *args)
{
	struct strbuf out = STRBUF_INIT;
	struct command_params params;
	struct json_span exec;
	char error[500] = "";
	strbuf_puts(&out, "before");
	size_t start = out.length;
	if (template_expand(command->template, args, &out, error, sizeof error) < 0) {
		FUZZ_CHECK(*error);
	} else {
		FUZZ_CHECK(json_scan(out.data + start, out.length - start, &exec, NULL, NULL) == 0);
		FUZZ_CHECK(command_read(&exec, &params, error, sizeof error) == 0);
		FUZZ_CHECK(params.argv.count > 0 && !params.shell);
		/* Without a list there are as many words as without any argument. */
		if (!strstr(command->argv, "...}"))
			FUZZ_CHECK(params.argv.count <= strlen(command->argv));
		command_free(&params);
	}
	strbuf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char head[] = "[command c]\n", border[] = "\n---\n";
	const struct config_command *command;
	struct strbuf text = STRBUF_INIT;
	struct json_span args = { .kind = JSON_NONE };
	const uint8_t *cut = size ? memmem(data, size, border, sizeof border - 1) : NULL;
	size_t length = cut ? (size_t)(cut - data) : size;
	char *error, *rest = cut ? fuzz_copy(cut + 5, size - length - 5) : NULL;
	strbuf_puts(&text, head);
	strbuf_add(&text, data, length);
	struct config *config = config_text_load(text.data, text.length, &error);
	bool has_args = rest && json_scan(rest, size - length - 5, &args, NULL, NULL) == 0;
	if (config)
		STAILQ_FOREACH (command, &config->commands, link) {
			static const struct json_span none = { "[]", 2, JSON_SPAN_ARRAY };
			expand(command, &none);
			if (has_args && (args.kind == JSON_SPAN_ARRAY || args.kind == JSON_SPAN_OBJECT))
				expand(command, &args);
		}
	config_free(config);
	free(error);
	free(rest);
	strbuf_free(&text);
	return 0;
}
