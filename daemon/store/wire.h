/* Numbers, texts and arrays of messages: each of these functions writes what it is given, or reads it, as its wire says. Where it
 * reads, what is not there in full is not taken, and no more is allocated than what is there can fill. Only for record.c. */
#ifndef STORE_WIRE_H
#define STORE_WIRE_H

#include <assert.h>
#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "store/record.h"

/* Where a body goes or comes from. After a failure nothing more happens on it. */
struct wire {
	bool writes;
	bool failed;
	struct store_buffer *out; /* writes */
	size_t limit;             /* … so long may it become */
	const char *at, *end;     /* reads */
};

/* Room for MORE bytes. False: no memory. */
bool store_buffer_grow(struct store_buffer *buffer, size_t more);

static inline void wire_bytes(struct wire *wire, const void *data, size_t length)
{
	struct store_buffer *out = wire->out;
	if (wire->failed)
		return;
	if (length > out->room - out->length &&
		(length > wire->limit - out->length || !store_buffer_grow(out, length))) {
		wire->failed = true;
		return;
	}
	memcpy(out->data + out->length, data, length);
	out->length += length;
}

/* LENGTH bytes to be read, or NULL. */
static inline const char *wire_take(struct wire *wire, size_t length)
{
	if (wire->failed || length > (size_t)(wire->end - wire->at)) {
		wire->failed = true;
		return NULL;
	}
	const char *data = wire->at;
	wire->at += length;
	return data;
}

/* --- numbers. A member is only read where the wire writes: it may lie in what the caller has as const --- */
static inline void wire_u8(struct wire *wire, uint8_t *number)
{
	if (wire->writes) {
		wire_bytes(wire, number, 1);
		return;
	}
	const char *data = wire_take(wire, 1);
	if (data)
		*number = (uint8_t)*data;
}

static inline void wire_u16(struct wire *wire, uint16_t *number)
{
	uint16_t little;
	if (wire->writes) {
		little = htole16(*number);
		wire_bytes(wire, &little, sizeof little);
		return;
	}
	const char *data = wire_take(wire, sizeof little);
	if (!data)
		return;
	memcpy(&little, data, sizeof little);
	*number = le16toh(little);
}

static inline void wire_u32(struct wire *wire, uint32_t *number)
{
	uint32_t little;
	if (wire->writes) {
		little = htole32(*number);
		wire_bytes(wire, &little, sizeof little);
		return;
	}
	const char *data = wire_take(wire, sizeof little);
	if (!data)
		return;
	memcpy(&little, data, sizeof little);
	*number = le32toh(little);
}

static inline void wire_u64(struct wire *wire, uint64_t *number)
{
	uint64_t little;
	if (wire->writes) {
		little = htole64(*number);
		wire_bytes(wire, &little, sizeof little);
		return;
	}
	const char *data = wire_take(wire, sizeof little);
	if (!data)
		return;
	memcpy(&little, data, sizeof little);
	*number = le64toh(little);
}

static inline void wire_i32(struct wire *wire, int32_t *number)
{
	uint32_t bits = wire->writes ? (uint32_t)*number : 0;
	wire_u32(wire, &bits);
	if (!wire->writes)
		*number = (int32_t)bits;
}

static inline void wire_i64(struct wire *wire, int64_t *number)
{
	uint64_t bits = wire->writes ? (uint64_t)*number : 0;
	wire_u64(wire, &bits);
	if (!wire->writes)
		*number = (int64_t)bits;
}

static inline void wire_double(struct wire *wire, double *number)
{
	uint64_t bits = 0;
	static_assert(sizeof bits == sizeof *number, "as many bits");
	if (wire->writes)
		memcpy(&bits, number, sizeof bits);
	wire_u64(wire, &bits);
	double said;
	memcpy(&said, &bits, sizeof said);
	if (!isfinite(said))
		wire->failed = true;
	else if (!wire->writes)
		*number = said;
}

/* A number that has a name, up to MOST. */
static inline void wire_enum(struct wire *wire, uint8_t *number, uint8_t most)
{
	uint8_t said = wire->writes ? *number : 0;
	wire_u8(wire, &said);
	if (said > most)
		wire->failed = true;
	else if (!wire->writes)
		*number = said;
}

static inline void wire_bool(struct wire *wire, bool *yes)
{
	uint8_t said = wire->writes ? *yes : 0;
	wire_enum(wire, &said, 1);
	if (!wire->writes)
		*yes = said;
}

/* -1, 0, 1: "nothing is said", no, yes. */
static inline void wire_said(struct wire *wire, int8_t *said)
{
	uint8_t number = wire->writes ? (uint8_t)(*said + 1) : 0;
	wire_enum(wire, &number, 2);
	if (!wire->writes)
		*said = (int8_t)(number - 1);
}

/* --- texts and arrays --- */
/* A text is its length and 1, then itself; none is 0. */
static inline void wire_text(struct wire *wire, struct store_text *text)
{
	if (wire->writes) {
		uint32_t counted = text->data ? text->length + 1 : 0;
		if (text->data && counted == 0)
			wire->failed = true;
		wire_u32(wire, &counted);
		if (text->data && text->length)
			wire_bytes(wire, text->data, text->length);
		return;
	}
	uint32_t counted = 0;
	wire_u32(wire, &counted);
	const char *data = counted ? wire_take(wire, counted - 1) : NULL;
	*text = data ? (struct store_text){ data, counted - 1 } : STORE_TEXT_NONE;
}

static inline void wire_word(struct wire *wire, struct store_text *word)
{
	wire_text(wire, word);
	if (word->length > STORE_WORD_LIMIT)
		wire->failed = true;
}

/* How many there are in an array whose elements take at least LEAST bytes each. Where it reads: room for them, of SIZE bytes
 * each, zeroed; NULL: none. */
static inline void *wire_array(struct wire *wire, uint32_t *count, size_t size, size_t least)
{
	uint32_t said = wire->writes ? *count : 0;
	wire_u32(wire, &said);
	if (wire->writes || wire->failed || said == 0)
		return NULL;
	void *room = said <= (size_t)(wire->end - wire->at) / least ? calloc(said, size) : NULL;
	if (room)
		*count = said;
	else
		wire->failed = true;
	return room;
}

#endif
