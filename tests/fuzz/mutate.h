/* Inputs made of other inputs, as long as the numbers are the same always the same ones. For driver.c. */
#ifndef TESTS_FUZZ_MUTATE_H
#define TESTS_FUZZ_MUTATE_H

#include <stddef.h>
#include <stdint.h>

struct input {
	uint8_t *data; /* malloc'ed */
	size_t size;
};
struct inputs {
	struct input *list; /* malloc'ed */
	size_t count;
};

void inputs_add(struct inputs *inputs, const void *data, size_t size);
void inputs_free(struct inputs *inputs);
/* Adds the words of a dictionary in libFuzzer's format. 0, or the number of a line that is not in it. */
int dictionary_parse(struct inputs *words, char *text);

#define INPUT_MOST ((size_t)16 * 1024)
/* Makes of one of CORPUS (not empty), by a few changes, an input in ROOM, of INPUT_MOST bytes: how long it is. */
size_t mutate(const struct inputs *corpus, const struct inputs *words, uint64_t *seed, uint8_t *room);

#endif
