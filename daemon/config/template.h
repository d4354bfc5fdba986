/* A [command NAME] of the configuration: a command line with places for arguments, and what each of those may be. Made
 * when the configuration is read, so that what is wrong with it is told with its line. */
#ifndef CONFIG_TEMPLATE_H
#define CONFIG_TEMPLATE_H

#include <stddef.h>

struct config_command;
struct json_span;
struct strbuf;
struct template;

/* From COMMAND's texts:
 *   argv = /usr/bin/convert {input} -resize {size}x{size} {output}
 *   parameters = input:path output:path size:integer=128 format:png|jpeg=png
 * argv: words, separated by spaces, with quotes and backslashes as in a shell, and nothing else of a shell's; {NAME} in a
 * word is replaced by that argument's text, which never becomes several words; "{{" and "}}" are braces. A word that is
 * just {NAME...} takes the list parameter NAME, each element a word of its own. cwd, stdin_file and the values of env may
 * have {NAME}, too. secret: names of parameters; the arguments that they are in are secret ones of exec.
 * parameters: NAME:TYPE or NAME:TYPE=DEFAULT; NAME alone is a string. Types: string, integer, number, path (not empty, and
 * "./" comes before a leading dash), words with | between them; string... and path... are lists and come last. NULL:
 * *error is malloc'ed. */
struct template *template_new(const struct config_command *command, char **error);
void template_free(struct template *template);
/* The arguments of "exec" that ARGS (an array by position, or an object by name) make of it, as one JSON object appended
 * to OUT. -1: ERROR says which parameter is missing, unknown, or of the wrong type. */
int template_expand(const struct template *template, const struct json_span *args, struct strbuf *out, char *error,
	size_t error_size);
/* "input: path, size: integer = 128", for task.types. */
const char *template_parameters(const struct template *template);

#endif
