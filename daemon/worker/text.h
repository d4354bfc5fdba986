/* Small questions about text that handlers hand over. */
#ifndef WORKER_TEXT_H
#define WORKER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* How many bytes at the start are valid UTF-8 without NUL: LENGTH where all of them are. */
size_t text_valid(const char *text, size_t length);
/* The length without a character that was cut in two at the end. */
size_t text_whole(const char *text, size_t length);
/* Copies text into a line of SIZE bytes with its NUL: control characters become spaces, what is not UTF-8 '?'. What
 * is too long is cut between two characters. The line's length. */
size_t text_line(char *line, size_t size, const char *text, size_t length);
/* Makes JSON text that was checked fit a line of its own: CR and LF occur between its tokens only. */
void text_flatten(char *json, size_t length);
/* Numbers as JSON has them, whatever locale a plugin has set. The first ends where the number ends; the second writes the
 * shortest text that reads back as the same (finite) value, and tells its length. */
#define TEXT_NUMBER_SIZE 40
double text_number(const char *text);
size_t text_format_number(double value, char buf[TEXT_NUMBER_SIZE]);
/* [A-Za-z_][A-Za-z0-9_-]*, at most 64 bytes. */
bool text_is_task_name(const char *name);

#endif
