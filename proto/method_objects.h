/* The tables and schemas of the methods for named objects; method_objects.c has them, methods.c lists the methods. */
#ifndef PROTO_METHOD_OBJECTS_H
#define PROTO_METHOD_OBJECTS_H

#include "proto/method_schemas.h"
#include "proto/params.h"

extern const struct param_spec lock_acquire_specs[], lock_release_specs[];
extern const struct param_spec semaphore_acquire_specs[], semaphore_release_specs[];
extern const struct param_spec event_specs[], event_wait_specs[];
extern const struct param_spec condition_wait_specs[], condition_notify_specs[];
extern const struct param_spec barrier_specs[], barrier_wait_specs[];
extern const struct param_spec mq_specs[], mq_create_specs[], mq_put_specs[], mq_get_specs[], mq_receipt_specs[],
	mq_peek_specs[], mq_join_specs[], mq_task_done_specs[];
extern const struct param_spec object_list_specs[];

#define SCHEMA_GRANT "\"fence\":" SCHEMA_COUNT ",\"holder_died\":" SCHEMA_BOOL
#define SCHEMA_LOCKED SCHEMA_OF("\"fence\",\"holder_died\",\"depth\"", SCHEMA_GRANT ",\"depth\":" SCHEMA_COUNT)
#define SCHEMA_DEPTH SCHEMA_OF("\"depth\"", "\"depth\":" SCHEMA_COUNT)
#define SCHEMA_PERMITTED SCHEMA_OF("\"fence\",\"holder_died\"", SCHEMA_GRANT)
#define SCHEMA_FREE SCHEMA_OF("\"value\"", "\"value\":" SCHEMA_COUNT)
#define SCHEMA_SET SCHEMA_OF("\"set\"", "\"set\":" SCHEMA_BOOL)
#define SCHEMA_CONDITION \
	SCHEMA_OF("\"notified\",\"fence\",\"holder_died\"", "\"notified\":" SCHEMA_BOOL "," SCHEMA_GRANT)
#define SCHEMA_NOTIFIED SCHEMA_OF("\"notified\"", "\"notified\":" SCHEMA_COUNT)
#define SCHEMA_INDEX SCHEMA_OF("\"index\"", "\"index\":" SCHEMA_COUNT)
#define SCHEMA_CREATED SCHEMA_OF("\"created\"", "\"created\":" SCHEMA_BOOL)
#define SCHEMA_GOT                                                                        \
	SCHEMA_OF("\"value\"",                                                            \
		"\"value\":{},\"priority\":{\"type\":\"integer\"},\"receipt\":" SCHEMA_ID \
		",\"deliveries\":" SCHEMA_COUNT)
#define SCHEMA_PEEKED SCHEMA_OF("\"values\"", "\"values\":{\"type\":\"array\"}")
#define SCHEMA_LENGTH                                                                              \
	SCHEMA_OF("\"length\",\"bytes\",\"unacked\",\"unfinished\",\"getters\",\"putters\"",       \
		"\"length\":" SCHEMA_COUNT ",\"bytes\":" SCHEMA_COUNT ",\"unacked\":" SCHEMA_COUNT \
		",\"unfinished\":" SCHEMA_COUNT ",\"getters\":" SCHEMA_COUNT ",\"putters\":" SCHEMA_COUNT \
		",\"owner\":" SCHEMA_COUNT ",\"shared\":" SCHEMA_BOOL)
#define SCHEMA_CLEARED SCHEMA_OF("\"cleared\"", "\"cleared\":" SCHEMA_COUNT)
#define SCHEMA_UNFINISHED SCHEMA_OF("\"unfinished\"", "\"unfinished\":" SCHEMA_COUNT)

/* One who holds or waits. */
#define SCHEMA_PARTY                                                                               \
	SCHEMA_OF("\"user\",\"since\"",                                                             \
		"\"pid\":" SCHEMA_COUNT ",\"user\":" SCHEMA_STRING ",\"connection\":" SCHEMA_COUNT \
		",\"task\":" SCHEMA_ID ",\"holder\":" SCHEMA_STRING ",\"shared\":" SCHEMA_BOOL     \
		",\"count\":" SCHEMA_COUNT ",\"fence\":" SCHEMA_COUNT ",\"since\":" SCHEMA_TIME    \
		",\"for\":{\"enum\":[\"put\",\"get\",\"join\"]}")
#define SCHEMA_PARTIES SCHEMA_ARRAY(SCHEMA_PARTY)
#define SCHEMA_LISTED_AS(properties_) SCHEMA_LISTED_WITH(",\"maker\"", properties_)
#define SCHEMA_LISTED_WITH(maker_, properties_)                                                                      \
	SCHEMA_ARRAY(SCHEMA_OF("\"name\",\"since\"" maker_ ",\"holders\",\"waiting\"",                          \
		"\"name\":" SCHEMA_STRING ",\"since\":" SCHEMA_TIME ",\"maker\":" SCHEMA_STRING properties_     \
		",\"holders\":" SCHEMA_PARTIES ",\"waiting\":" SCHEMA_PARTIES ",\"holders_more\":" SCHEMA_COUNT \
		",\"waiting_more\":" SCHEMA_COUNT))
#define SCHEMA_HOLDER_DIED ",\"holder_died\":" SCHEMA_BOOL
#define SCHEMA_LOCKS SCHEMA_LISTED_AS(SCHEMA_HOLDER_DIED ",\"claims\":" SCHEMA_COUNT)
#define SCHEMA_SEMAPHORES                                                                          \
	SCHEMA_LISTED_AS(SCHEMA_HOLDER_DIED ",\"claims\":" SCHEMA_COUNT ",\"slots\":" SCHEMA_COUNT \
					    ",\"value\":" SCHEMA_COUNT ",\"bounded\":" SCHEMA_BOOL)
#define SCHEMA_EVENTS SCHEMA_LISTED_AS(",\"set\":" SCHEMA_BOOL)
#define SCHEMA_CONDITIONS SCHEMA_LISTED_AS(",\"lock\":" SCHEMA_STRING)
#define SCHEMA_BARRIERS SCHEMA_LISTED_AS(",\"parties\":" SCHEMA_COUNT ",\"broken\":" SCHEMA_BOOL)
#define SCHEMA_MQS                                                                                                 \
	SCHEMA_LISTED_WITH("", ",\"length\":" SCHEMA_COUNT ",\"bytes\":" SCHEMA_COUNT ",\"unacked\":" SCHEMA_COUNT      \
			 ",\"unfinished\":" SCHEMA_COUNT ",\"getters\":" SCHEMA_COUNT ",\"putters\":" SCHEMA_COUNT \
			 ",\"created\":" SCHEMA_BOOL ",\"order\":{\"enum\":[\"fifo\",\"lifo\",\"priority\"]}"      \
			 ",\"limit_count\":" SCHEMA_COUNT ",\"limit_bytes\":" SCHEMA_COUNT                   \
			 ",\"owner\":" SCHEMA_COUNT ",\"shared\":" SCHEMA_BOOL)

#endif
