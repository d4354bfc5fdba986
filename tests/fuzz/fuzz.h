/* What fuzzing targets share with each other and with whoever runs them: libFuzzer (make fuzz), or driver.c, which is a unit
 * test. A target is a file with LLVMFuzzerTestOneInput and the two constants; what it finds wrong ends the process. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const char fuzz_name[];   /* of its corpus and its dictionary */
extern const unsigned fuzz_runs; /* mutations in a unit test: as many as take about a second */

/* It is so, or the target has found something. */
#define FUZZ_CHECK(condition)                                                                         \
	do {                                                                                          \
		if (!(condition)) {                                                                   \
			fprintf(stderr, "%s:%d: it is not so: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                      \
		}                                                                                     \
	} while (0)

/* A copy without a byte to spare, so that a sanitizer sees every step too far; the caller's. */
static inline char *fuzz_copy(const void *data, size_t size)
{
	char *copy = malloc(size ? size : 1);
	FUZZ_CHECK(copy);
	if (size)
		memcpy(copy, data, size);
	return copy;
}

/* The same with a NUL behind it; what the text itself has of them ends it early. */
static inline char *fuzz_text(const void *data, size_t size)
{
	char *copy = malloc(size + 1);
	FUZZ_CHECK(copy);
	if (size)
		memcpy(copy, data, size);
	copy[size] = '\0';
	return copy;
}

/* Inputs that are programs are read a number at a time; behind the end there are zeros. */
struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

static inline uint64_t fuzz_number(struct fuzz_input *input, size_t bytes)
{
	uint64_t number = 0;
	size_t n = bytes < input->left ? bytes : input->left;
	for (size_t i = 0; i < n; i++)
		number |= (uint64_t)input->at[i] << 8 * i;
	input->at += n;
	input->left -= n;
	return number;
}

static inline uint8_t fuzz_byte(struct fuzz_input *input)
{
	return (uint8_t)fuzz_number(input, 1);
}

/* Reads all of what a peer has made readable, as a sanitizer wants to see it. */
static inline void fuzz_touch(const void *data, size_t size)
{
	const volatile uint8_t *bytes = data;
	for (size_t i = 0; i < size; i++)
		(void)bytes[i];
}

#endif
