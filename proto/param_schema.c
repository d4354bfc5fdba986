/* What a parameter may be, as JSON Schema, for rpc.discover. */
#include "proto/params.h"

#include <string.h>

#include "proto/strbuf.h"

#define ID_SCHEMA "{\"type\":[\"string\",\"integer\"],\"pattern\":\"^[0-9]+$\",\"minimum\":1}"
#define REF_SCHEMA \
	"{\"type\":[\"string\",\"integer\"],\"pattern\":\"^([0-9]+|[A-Za-z_][A-Za-z0-9_-]*)$\",\"minimum\":1}"

static void int_schema(struct strbuf *out, const struct param_spec *spec)
{
	strbuf_puts(out, "{\"type\":\"integer\"");
	if (spec->min || spec->max)
		strbuf_printf(out, ",\"minimum\":%lld,\"maximum\":%lld", (long long)spec->min, (long long)spec->max);
	strbuf_puts(out, "}");
}

static void number_schema(struct strbuf *out, const struct param_spec *spec)
{
	strbuf_puts(out, "{\"type\":\"number\"");
	if (spec->min || spec->max)
		strbuf_printf(out, ",\"minimum\":%lld,\"maximum\":%lld", (long long)spec->min, (long long)spec->max);
	strbuf_puts(out, "}");
}

static void enum_schema(struct strbuf *out, const struct param_spec *spec)
{
	strbuf_puts(out, "{\"enum\":[");
	for (size_t i = 0; spec->words[i]; i++) {
		if (i > 0)
			strbuf_puts(out, ",");
		strbuf_json_string(out, spec->words[i], strlen(spec->words[i]));
	}
	strbuf_puts(out, "]}");
}

static void strings_schema(struct strbuf *out, const struct param_spec *spec)
{
	struct strbuf one = STRBUF_INIT;
	if (spec->words)
		enum_schema(&one, spec);
	else
		strbuf_puts(&one, spec->names ? "{\"type\":\"string\",\"minLength\":1}" : "{\"type\":\"string\"}");
	if (!spec->array) {
		strbuf_puts(out, "{\"oneOf\":[");
		strbuf_add(out, one.data, one.length);
		strbuf_puts(out, ",");
	}
	strbuf_puts(out, "{\"type\":\"array\",\"items\":");
	strbuf_add(out, one.data, one.length);
	strbuf_puts(out, spec->array ? "}" : "}]}");
	strbuf_free(&one);
}

void param_schema(struct strbuf *out, const struct param_spec *spec)
{
	switch (spec->type) {
	case PARAM_TEXT:
	case PARAM_STRING:
		strbuf_puts(out, "{\"type\":\"string\"}");
		break;
	case PARAM_NAME:
		strbuf_puts(out, "{\"type\":\"string\",\"minLength\":1}");
		break;
	case PARAM_BOOL:
	case PARAM_MAYBE:
		strbuf_puts(out, "{\"type\":\"boolean\"}");
		break;
	case PARAM_INT:
		int_schema(out, spec);
		break;
	case PARAM_DURATION:
		strbuf_printf(out, "{\"type\":[\"number\",\"string\"],\"%s\":0,\"pattern\":\"^[0-9]\"}",
			spec->min ? "exclusiveMinimum" : "minimum");
		break;
	case PARAM_SIZE:
		strbuf_puts(out, "{\"type\":[\"integer\",\"string\"],\"minimum\":0,\"pattern\":\"^[0-9]\"}");
		break;
	case PARAM_ID:
		strbuf_puts(out, ID_SCHEMA);
		break;
	case PARAM_IDS:
		strbuf_puts(out, "{\"oneOf\":[" ID_SCHEMA ",{\"type\":\"array\",\"items\":" ID_SCHEMA "}]}");
		break;
	case PARAM_STRINGS:
		strings_schema(out, spec);
		break;
	case PARAM_ENUM:
		enum_schema(out, spec);
		break;
	case PARAM_ARGS:
		strbuf_puts(out, "{\"type\":[\"array\",\"object\"]}");
		break;
	case PARAM_ARRAY:
		strbuf_puts(out, "{\"type\":\"array\"}");
		break;
	case PARAM_OBJECT:
		strbuf_puts(out, "{\"type\":\"object\"}");
		break;
	case PARAM_ANY:
		strbuf_puts(out, "{}");
		break;
	case PARAM_NUMBER:
		number_schema(out, spec);
		break;
	case PARAM_TIME:
		strbuf_puts(out, "{\"type\":\"string\",\"format\":\"date-time\"}");
		break;
	case PARAM_MOMENT:
		strbuf_puts(out, "{\"type\":[\"string\",\"number\"],\"minimum\":0,\"pattern\":\"^[0-9]\"}");
		break;
	case PARAM_PERMITS:
		strbuf_puts(out, "{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
				 "{\"type\":\"object\",\"additionalProperties\":{\"oneOf\":[{\"type\":\"integer\",\"minimum\":1},"
				 "{\"type\":\"object\",\"properties\":{\"count\":{\"type\":\"integer\",\"minimum\":1},"
				 "\"slots\":{\"type\":\"integer\",\"minimum\":1}},\"additionalProperties\":false}]}}]}");
		break;
	case PARAM_REFS:
		strbuf_puts(out, "{\"oneOf\":[" REF_SCHEMA ",{\"type\":\"array\",\"items\":" REF_SCHEMA "}]}");
		break;
	case PARAM_COUNT:
		strbuf_puts(out, "{\"type\":\"integer\",\"minimum\":0");
		if (spec->max)
			strbuf_printf(out, ",\"maximum\":%lld", (long long)spec->max);
		strbuf_puts(out, "}");
		break;
	}
}
