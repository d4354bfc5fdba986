/* What master and store tell each other, one message behind the other as they come out of a channel. What is read of it is
 * written again as the same bytes; what is not read leaves nothing behind. */
#include "fuzz.h"
#include "store/record.h"

const char fuzz_name[] = "store";
const unsigned fuzz_runs = 60000;

union body {
	struct store_open open;
	struct store_opened opened;
	struct store_limits limits;
	struct store_query query;
	struct store_answer answer;
	struct store_task task;
	struct store_task_start start;
	struct store_task_state state;
	struct store_task_met met;
	struct store_task_end end;
	struct store_queue queue;
	struct store_schedule schedule;
	struct store_schedule_ran ran;
	struct store_ids ids;
	struct store_name name;
	struct store_text text;
	struct store_row row;
};

static void check_again(const struct store_header *header, const void *body, const char *head, const char *data)
{
	struct store_buffer again = { 0 };
	struct store_header same;
	FUZZ_CHECK(store_write(&again, header, body));
	FUZZ_CHECK(again.length == STORE_HEADER_SIZE + header->length);
	FUZZ_CHECK(memcmp(again.data, head, STORE_HEADER_SIZE) == 0);
	FUZZ_CHECK(memcmp(again.data + STORE_HEADER_SIZE, data, header->length) == 0);
	if (header->flags & STORE_CHAINED) {
		store_unchain(again.data);
		FUZZ_CHECK(store_read_header(again.data, &same) && same.flags == 0 && same.message == header->message &&
			same.number == header->number && same.id == header->id && same.length == header->length);
	}
	store_buffer_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	while (input.left >= STORE_HEADER_SIZE) {
		struct store_header header;
		static union body body;
		char *head = fuzz_copy(input.at, STORE_HEADER_SIZE);
		bool sound = store_read_header(head, &header);
		/* What is said to be there and is not never comes; here it is what there is. */
		size_t left = input.left - STORE_HEADER_SIZE;
		if (sound && header.length > left) {
			header.length = (uint32_t)left;
			memcpy(head, &header.length, sizeof header.length);
			sound = store_read_header(head, &header);
		}
		if (!sound) {
			free(head);
			return 0;
		}
		FUZZ_CHECK(header.flags == 0 || store_is_operation((enum store_message)header.message));
		char *text = fuzz_copy(input.at + STORE_HEADER_SIZE, header.length);
		memset(&body, 0xa5, sizeof body);
		if (store_read_body(&header, text, &body)) {
			check_again(&header, &body, head, text);
			store_body_free((enum store_message)header.message, &body);
		}
		input.at += STORE_HEADER_SIZE + header.length;
		input.left -= STORE_HEADER_SIZE + header.length;
		free(text);
		free(head);
	}
	return 0;
}
