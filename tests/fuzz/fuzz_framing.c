/* A client's bytes as they come: the messages in them are the same however they are cut, and those that were found are found
 * again where they are framed once more. The first byte says how large a message may be, the second how the rest is cut. */
#include "fuzz.h"
#include "proto/framing.h"
#include "proto/strbuf.h"

const char fuzz_name[] = "framing";
const unsigned fuzz_runs = 30000;

struct feed {
	struct framing framing;
	struct strbuf out;    /* what was found: each message's length and text, then a letter for how it ended */
	struct strbuf framed; /* the messages, each behind a header */
};

/* All that is in DATA, of which *USED bytes are gone then. False: it cannot go on. */
static bool feed_some(struct feed *feed, const char *data, size_t length, size_t *used)
{
	char header[FRAMING_HEADER_SIZE];
	*used = 0;
	for (;;) {
		const char *message;
		size_t message_length, step, left = length - *used;
		char *copy = fuzz_copy(data + *used, left);
		enum framing_result result = framing_next(&feed->framing, copy, left, &message, &message_length, &step);
		if (result == FRAMING_MESSAGE) {
			struct framing headers = { .mode = FRAMING_HEADERS };
			FUZZ_CHECK(message >= copy && message_length > 0 && message_length <= feed->framing.limit);
			FUZZ_CHECK((size_t)(message - copy) + message_length <= step);
			strbuf_printf(&feed->out, "%zu:", message_length);
			strbuf_add(&feed->out, message, message_length);
			strbuf_add(&feed->framed, header, framing_header(&headers, message_length, header));
			strbuf_add(&feed->framed, message, message_length);
		}
		free(copy);
		if (result == FRAMING_MESSAGE || result == FRAMING_INCOMPLETE) {
			FUZZ_CHECK(step <= left);
			*used += step;
		}
		if (result == FRAMING_INCOMPLETE) {
			size_t wants = framing_wants(&feed->framing);
			FUZZ_CHECK(wants == 0 || wants > length - *used);
			return true;
		}
		if (result != FRAMING_MESSAGE) {
			strbuf_puts(&feed->out,
				result == FRAMING_TOO_LONG             ? "L"
					: result == FRAMING_BAD_HEADER ? "H"
								       : "S");
			return false;
		}
	}
}

/* In pieces of up to PIECE bytes, as SEED says; 0: whole. */
static void feed_all(struct feed *feed, const char *data, size_t length, size_t limit, size_t piece, uint8_t seed)
{
	size_t start = 0, there = 0, used;
	*feed = (struct feed){ .out = STRBUF_INIT, .framed = STRBUF_INIT };
	framing_init(&feed->framing, FRAMING_UNKNOWN, limit);
	do {
		size_t step = piece ? 1 + (seed = (uint8_t)(seed * 29 + 17)) % piece : length;
		there = length - there < step ? length : there + step;
		if (!feed_some(feed, data + start, there - start, &used))
			return;
		start += used;
	} while (there < length);
	strbuf_puts(&feed->out, ".");
}

static void feed_free(struct feed *feed)
{
	strbuf_free(&feed->out);
	strbuf_free(&feed->framed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	struct feed whole, cut, again;
	size_t limit = (size_t)fuzz_byte(&input) * 16 + 1;
	uint8_t seed = fuzz_byte(&input);
	const char *text = (const char *)input.at;
	size_t piece = 1 + seed % 7 + input.left / 64;
	feed_all(&whole, text, input.left, limit, 0, 0);
	feed_all(&cut, text, input.left, limit, piece, seed);
	FUZZ_CHECK(whole.out.length == cut.out.length && !memcmp(whole.out.data, cut.out.data, cut.out.length));
	FUZZ_CHECK(whole.framing.mode == cut.framing.mode);
	if (whole.framed.length) {
		feed_all(&again, whole.framed.data, whole.framed.length, limit, piece, seed);
		/* All but the last letter: there, nothing is wrong at the end. */
		FUZZ_CHECK(again.out.length == whole.out.length && again.out.data[again.out.length - 1] == '.');
		FUZZ_CHECK(!memcmp(whole.out.data, again.out.data, again.out.length - 1));
		feed_free(&again);
	}
	feed_free(&whole);
	feed_free(&cut);
	return 0;
}
