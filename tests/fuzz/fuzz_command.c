/* The arguments of a command, and what people are shown of it; and the texts in them: base64, names of signals. */
#include "fuzz.h"
#include "proto/base64.h"
#include "proto/command.h"
#include "proto/strbuf.h"
#include "proto/utf8.h"

const char fuzz_name[] = "command";
const unsigned fuzz_runs = 60000;

/* One line of UTF-8 that does nothing to a terminal. */
static void check_line(const char *text, size_t length)
{
	for (size_t i = 0; i < length;) {
		unsigned char c = (unsigned char)text[i];
		size_t step = c < 0x80 ? 1 : utf8_sequence(text + i, length - i);
		FUZZ_CHECK(step > 0 && c >= ' ' && c != 0x7f);
		i += step;
	}
}

static void show(const struct json_span *args, bool is_sound)
{
	struct strbuf out = STRBUF_INIT;
	bool shown = command_text(args, &out);
	FUZZ_CHECK((shown || !is_sound) && out.length <= COMMAND_TEXT_LIMIT);
	if (out.length)
		check_line(out.data, out.length);
	strbuf_free(&out);
}

static void use(const struct command_params *params)
{
	size_t length = 0;
	char *text = command_stdin(params, &length);
	FUZZ_CHECK((params->argv.count > 0) != (params->shell != NULL));
	if (text)
		fuzz_touch(text, length);
	free(text);
	for (int stream = 0; stream < COMMAND_FDS; stream++) {
		int place = command_fd_place(params, stream);
		FUZZ_CHECK(place >= -1 && place < (int)params->fds.count);
	}
	bool any = false;
	for (int status = 0; status < 256; status++)
		any |= command_succeeds(params, status);
	FUZZ_CHECK(any || params->success_span.kind != JSON_NONE);
	FUZZ_CHECK(!params->cwd || params->cwd[0] == '/');
	for (size_t i = 0; i < params->n_env; i++)
		FUZZ_CHECK(*params->env[i].name && !strchr(params->env[i].name, '='));
}

/* With its secrets first it is the same command, and stays as it is. */
static void try_hide(const struct json_span *args, const struct command_params *params)
{
	struct strbuf out = STRBUF_INIT, more = STRBUF_INIT;
	struct command_params again;
	struct json_span hidden;
	char error[300];
	if (!command_hide(args, params, &out))
		return;
	FUZZ_CHECK(json_scan(out.data, out.length, &hidden, NULL, NULL) == 0);
	FUZZ_CHECK(command_read(&hidden, &again, error, sizeof error) == 0);
	FUZZ_CHECK(again.argv.count == params->argv.count && !command_hide(&hidden, &again, &more));
	command_free(&again);
	strbuf_free(&out);
}

static void try_base64(const char *text, size_t size)
{
	struct strbuf out = STRBUF_INIT;
	char *room = malloc(base64_room(size)), *same;
	ssize_t length = base64_decode(room, text, size);
	FUZZ_CHECK(length == base64_decode(NULL, text, size));
	if (length >= 0) {
		strbuf_puts(&out, "");
		base64_encode(&out, room, (size_t)length);
		same = malloc(base64_room(out.length));
		FUZZ_CHECK(same && base64_decode(same, out.data, out.length) == length);
		FUZZ_CHECK(!memcmp(same, room, (size_t)length));
		free(same);
	}
	strbuf_free(&out);
	free(room);
}

static void try_signal(const char *name)
{
	int number = command_signal(name);
	const char *proper = number > 0 ? command_signal_name(number) : NULL;
	FUZZ_CHECK(!proper || command_signal(proper) == number);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct command_params params;
	struct json_span args;
	char error[300] = "", *text = fuzz_text(data, size);
	try_base64(text, size);
	try_signal(text);
	if (json_scan(text, size, &args, NULL, NULL) == 0) {
		bool is_sound = command_read(&args, &params, error, sizeof error) == 0;
		if (is_sound) {
			use(&params);
			try_hide(&args, &params);
			command_free(&params);
		}
		FUZZ_CHECK(is_sound == !*error);
		show(&args, is_sound);
	}
	free(text);
	return 0;
}
