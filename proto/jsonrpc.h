/* JSON-RPC 2.0: requests and responses taken apart without a tree, and put together. */
#ifndef PROTO_JSONRPC_H
#define PROTO_JSONRPC_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/errors.h"
#include "proto/json_scan.h"

struct strbuf;

/* An object with more members than this is no request: nobody is to look through a million of them. */
#define RPC_MEMBERS_LIMIT 64

struct rpc_request {
	struct json_span id;     /* to the letter; kind JSON_NONE: a notification */
	struct json_span method; /* a string span; rpc_method gives the name */
	struct json_span params; /* array, object, or JSON_NONE */
};

enum rpc_read {
	RPC_REQUEST, /* *request is one */
	RPC_BATCH,   /* *batch is a non-empty array: json_next over it, and rpc_read_value for each */
	RPC_BAD,     /* an error is to be sent: *error, *reason, with request->id (or null: kind JSON_NONE) */
	RPC_MORE,    /* rpc_read_on only: it is not over */
};
/* Takes apart one message, and checks all of it, a batch's elements too. *reason is for people; it is valid until the
 * calling thread's next call. A request in a batch may nest one level less deep. */
enum rpc_read rpc_read(const char *text, size_t length, struct rpc_request *request, struct json_span *batch,
	enum proto_error *error, const char **reason);
/* The same in pieces, for a long message: `length` bytes in all, of which each call looks at BUDGET or somewhat more,
 * wherever the text lies by then. What comes of it is what rpc_read would say. */
struct rpc_reading {
	struct json_scan scan;
	bool begun; /* the white space before it is over */
};
void rpc_read_begin(struct rpc_reading *reading, size_t length);
enum rpc_read rpc_read_on(struct rpc_reading *reading, const char *text, size_t budget, struct rpc_request *request,
	struct json_span *batch, enum proto_error *error, const char **reason);
/* Once it is over, or before; what was handed out is not touched. */
void rpc_read_end(struct rpc_reading *reading);
/* The same for a batch's element, scanned already. */
enum rpc_read rpc_read_value(
	const struct json_span *value, struct rpc_request *request, enum proto_error *error, const char **reason);
/* The method's name, not terminated: points into the text, or where it needs unescaping into BUF. NULL where it is
 * longer than 127 bytes: no method is. */
const char *rpc_method(const struct rpc_request *request, char buf[128], size_t *length);

/* {"jsonrpc":"2.0","id":ID,"result": up to the value; then the value's text, then "}". */
void rpc_begin_result(struct strbuf *out, const char *id, size_t id_length);
/* A whole error response. DATA is an object's text or NULL; with NULL it is {"kind": …} and the table's hint. MESSAGE
 * NULL: the table's text. ID NULL: null. */
void rpc_error(struct strbuf *out, const char *id, size_t id_length, enum proto_error error, const char *message,
	const char *data);
/* The error object alone: {"code":…,"message":…,"data":…}. */
void rpc_error_object(struct strbuf *out, int code, const char *message, const char *data);
/* {"jsonrpc":"2.0","method":METHOD,"params": up to the value; then the value, then "}". */
void rpc_begin_notification(struct strbuf *out, const char *method);

/* The client's side: one response or notification, taken apart. */
struct rpc_response {
	struct json_span id;     /* JSON_NONE: a notification, or an error without one */
	struct json_span result; /* one of these two, or method */
	struct json_span error;
	struct json_span method;
	struct json_span params;
};
/* 0, or -1: not one. What the daemon sends may be nested as deep as JSON_DEPTH_MAX. */
int rpc_read_response(const char *text, size_t length, struct rpc_response *response);

#endif
