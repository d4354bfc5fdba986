/* A client's message: as a request with the parameters of the method that it names, as a batch of those, as the parameters of
 * every method there is, and as what a daemon would answer. Whatever is wrong with it, the answer that says so is sound;
 * and read in pieces it is the same. */
#include <stdalign.h>

#include "fuzz.h"
#include "pieces.h"
#include "proto/jsonrpc.h"
#include "proto/methods.h"
#include "proto/strbuf.h"

const char fuzz_name[] = "request";
const unsigned fuzz_runs = 20000;

/* What repeats some of a stranger's words. */
static void answer(const struct json_span *id, enum proto_error error, const char *message)
{
	struct strbuf out = STRBUF_INIT;
	struct rpc_response response;
	FUZZ_CHECK(message && *message);
	rpc_error(&out, id->kind == JSON_NONE ? NULL : id->text, id->length, error, message, NULL);
	FUZZ_CHECK(!strbuf_failed(&out) && rpc_read_response(out.data, out.length, &response) == 0);
	FUZZ_CHECK(response.error.kind == JSON_SPAN_OBJECT);
	strbuf_free(&out);
}

static void read_params(const struct param_spec *specs, const struct json_span *params, const struct json_span *id)
{
	static alignas(max_align_t) char room[4096];
	char error[200] = "";
	for (const struct param_spec *spec = specs; spec->name; spec++)
		FUZZ_CHECK(spec->offset < sizeof room - 256);
	memset(room, 0, sizeof room);
	if (params_read(specs, params, room, error, sizeof error) == 0)
		params_free(specs, room);
	else
		answer(id, PROTO_INVALID_PARAMS, error);
}

static void read_request(const struct rpc_request *request)
{
	char buf[128];
	size_t length;
	const char *name = rpc_method(request, buf, &length);
	int method = name ? method_find(name, length) : -1;
	if (method < 0)
		return;
	FUZZ_CHECK(method_info((enum method)method)->name_length == length);
	read_params(method_info((enum method)method)->params, &request->params, &request->id);
	if (method != METHOD_TASK_SUBMIT_BATCH || request->params.kind != JSON_SPAN_OBJECT)
		return;
	struct json_span word, value, task;
	size_t cursor = 0;
	while (json_next(&request->params, &cursor, &word, &value)) {
		size_t inner = 0;
		while (value.kind == JSON_SPAN_ARRAY && json_next(&value, &inner, NULL, &task))
			if (task.kind == JSON_SPAN_OBJECT)
				read_params(batch_task_params(), &task, &request->id);
	}
}

static void read_batch(const struct json_span *batch)
{
	struct json_span element;
	size_t cursor = 0, count = 0;
	while (json_next(batch, &cursor, NULL, &element)) {
		struct rpc_request request;
		enum proto_error error;
		const char *reason;
		if (rpc_read_value(&element, &request, &error, &reason) == RPC_REQUEST)
			read_request(&request);
		else
			answer(&request.id, error, reason);
		count++;
	}
	FUZZ_CHECK(count > 0);
}

static void read_as_everything(const char *text, size_t size)
{
	const struct json_span none = { .kind = JSON_NONE };
	struct json_span value;
	if (json_scan(text, size, &value, NULL, NULL) < 0 ||
		(value.kind != JSON_SPAN_ARRAY && value.kind != JSON_SPAN_OBJECT))
		return;
	for (int method = 0; method < N_METHODS; method++)
		read_params(method_info((enum method)method)->params, &value, &none);
	read_params(batch_task_params(), &value, &none);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rpc_request request;
	struct rpc_response response;
	struct json_span batch;
	enum proto_error error;
	const char *reason, *text = (const char *)data;
	switch (rpc_read(text, size, &request, &batch, &error, &reason)) {
	case RPC_REQUEST:
		read_request(&request);
		break;
	case RPC_BATCH:
		read_batch(&batch);
		read_as_everything(text, size);
		break;
	case RPC_BAD:
		answer(&request.id, error, reason);
		read_as_everything(text, size);
		break;
	case RPC_MORE:
		FUZZ_CHECK(!"a message that is never read");
		break;
	}
	pieces_rpc(text, size, 0, size + (size ? data[size / 2] : 0));
	if (rpc_read_response(text, size, &response) == 0)
		FUZZ_CHECK((response.result.kind != JSON_NONE) + (response.error.kind != JSON_NONE) +
				(response.method.kind != JSON_NONE) ==
			1);
	return 0;
}
