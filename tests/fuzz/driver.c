/* Runs a fuzzing target without libFuzzer, so that it is a unit test with any compiler: every input of its corpus, then so
 * many mutations of them, the same ones each time. An input that ends the process, or takes for ever, is kept in a file.
 *
 * usage: test_fuzz_NAME [FILE…]     FUZZ_RUNS and FUZZ_SEED, in the environment, for others and more */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <unistd.h>

#include "fuzz.h"
#include "mutate.h"

#define SEED UINT64_C(88172645463325252)
#define BOUND_S 60 /* of one input, however slow the machine is */

/* Of the sanitizers' runtime, where there is one: it reports, and then calls this. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static const uint8_t *now;
static size_t now_size;
static char crash_file[4096];

__attribute__((format(printf, 1, 2), noreturn)) static void fail(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	exit(1);
}

/* --- what ends the process --- */

static void keep_input(void)
{
	static const char kept[] = "the input is kept in ";
	int fd = open(crash_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0 || write(fd, now, now_size) != (ssize_t)now_size ||
		write(STDERR_FILENO, kept, sizeof kept - 1) < 0 ||
		write(STDERR_FILENO, crash_file, strlen(crash_file)) < 0 || write(STDERR_FILENO, "\n", 1) < 0)
		return;
	close(fd);
}

static void on_death(int signal_number)
{
	signal(SIGABRT, SIG_DFL);
	keep_input();
	if (signal_number == SIGALRM)
		abort();
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static void watch(void)
{
	static const int deaths[] = { SIGABRT, SIGALRM, SIGSEGV, SIGBUS, SIGFPE, SIGILL };
	const char *top = getenv("top_builddir");
	snprintf(crash_file, sizeof crash_file, "%s/tests/unit/test_fuzz_%s.input", top ? top : ".", fuzz_name);
	/* A sanitizer's own reports are worth more than what a signal tells. */
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(keep_input);
	for (size_t i = 0; i < (__sanitizer_set_death_callback ? 2 : sizeof deaths / sizeof *deaths); i++)
		signal(deaths[i], on_death);
}

static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = (uint8_t *)fuzz_copy(data, size);
	now = data;
	now_size = size;
	alarm(BOUND_S);
	LLVMFuzzerTestOneInput(copy, size);
	alarm(0);
	free(copy);
}

/* --- files --- */

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

/* Terminated; the caller's. */
static char *file_read(const char *path, size_t *size)
{
	FILE *stream = fopen(path, "re");
	char *text = malloc(1);
	*size = 0;
	if (!stream)
		fail("%s cannot be read", path);
	for (size_t n = 1; n && text; *size += n) {
		char *more = realloc(text, *size + 4096 + 1);
		FUZZ_CHECK(more);
		text = more;
		n = fread(text + *size, 1, 4096, stream);
	}
	fclose(stream);
	text[*size] = '\0';
	return text;
}

static void input_read(struct inputs *inputs, const char *path)
{
	size_t size;
	char *text = file_read(path, &size);
	inputs_add(inputs, text, size);
	free(text);
}

static int is_shown(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* In the order of their names, so that the same seed is the same test everywhere. */
static void corpus_read(struct inputs *corpus, const char *top)
{
	char folder[2048], path[4096];
	struct dirent **entries;
	snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/%s", top, fuzz_name);
	int n = scandir(folder, &entries, is_shown, alphasort);
	if (n <= 0)
		fail("there is nothing in %s", folder);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
		input_read(corpus, path);
		free(entries[i]);
	}
	free(entries);
}

static void words_read(struct inputs *words, const char *top)
{
	char path[4096];
	size_t size;
	snprintf(path, sizeof path, "%s/tests/fuzz/%s.dict", top, fuzz_name);
	char *text = file_read(path, &size);
	int line = dictionary_parse(words, text);
	if (line)
		fail("%s:%d: neither a word in quotes nor a comment", path, line);
	free(text);
}

int main(int argc, char **argv)
{
	struct inputs corpus = { 0 }, words = { 0 };
	const char *top = getenv("top_srcdir");
	uint64_t runs = number_of("FUZZ_RUNS", fuzz_runs), seed = number_of("FUZZ_SEED", SEED);
	static uint8_t room[INPUT_MOST];
	setvbuf(stdout, NULL, _IOLBF, 0);
	watch();
	for (int i = 1; i < argc; i++)
		input_read(&corpus, argv[i]);
	if (argc == 1) {
		corpus_read(&corpus, top ? top : ".");
		words_read(&words, top ? top : ".");
	}
	printf("1..%d\n", argc == 1 ? 2 : 1);
	for (size_t i = 0; i < corpus.count; i++)
		run(corpus.list[i].data, corpus.list[i].size);
	printf("ok 1 - %zu inputs of %s\n", corpus.count, fuzz_name);
	if (argc == 1) {
		for (uint64_t i = 0; i < runs; i++) {
			size_t size = mutate(&corpus, &words, &seed, room);
			run(room, size);
		}
		printf("ok 2 - %" PRIu64 " mutations of them\n", runs);
	}
	inputs_free(&corpus);
	inputs_free(&words);
	return 0;
}
