/* JSON Schemas of what the methods answer; for methods.c, which hands them to rpc.discover. */
#ifndef PROTO_METHOD_SCHEMAS_H
#define PROTO_METHOD_SCHEMAS_H

#define SCHEMA_ID "{\"type\":\"string\",\"pattern\":\"^[1-9][0-9]*$\"}"
#define SCHEMA_STRING "{\"type\":\"string\"}"
#define SCHEMA_COUNT "{\"type\":\"integer\",\"minimum\":0}"
#define SCHEMA_SECONDS "{\"type\":\"number\",\"minimum\":0}"
#define SCHEMA_TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
#define SCHEMA_TRUE "{\"const\":true}"
#define SCHEMA_BOOL "{\"type\":\"boolean\"}"
#define SCHEMA_OBJECT "{\"type\":\"object\"}"
#define SCHEMA_STRINGS SCHEMA_ARRAY(SCHEMA_STRING)
#define SCHEMA_ARRAY(items_) "{\"type\":\"array\",\"items\":" items_ "}"
#define SCHEMA_OF(required_, properties_) \
	"{\"type\":\"object\",\"required\":[" required_ "],\"properties\":{" properties_ "}}"

#define SCHEMA_TERMINAL_NAMES \
	"\"succeeded\",\"failed\",\"timed_out\",\"crashed\",\"cancelled\",\"expired\""
#define SCHEMA_STATE \
	"{\"enum\":[\"scheduled\",\"blocked\",\"queued\",\"running\",\"cancelling\",\"recording\"," SCHEMA_TERMINAL_NAMES "]}"

#define SCHEMA_ERROR                      \
	SCHEMA_OF("\"code\",\"message\"", \
		"\"code\":{\"type\":\"integer\"},\"message\":" SCHEMA_STRING ",\"data\":" SCHEMA_OBJECT)

/* What a task must have before it starts. */
#define SCHEMA_CLAIMS \
	"\"locks\":" SCHEMA_STRINGS ",\"shared_locks\":" SCHEMA_STRINGS ",\"semaphores\":" SCHEMA_OBJECT

#define SCHEMA_ON_INTERRUPT "{\"enum\":[\"requeue\",\"crash\"]}"
#define SCHEMA_DURABILITY "\"durability\":{\"enum\":[\"disk\",\"memory\"]}"

#define SCHEMA_IDS SCHEMA_ARRAY(SCHEMA_ID)
#define SCHEMA_ATTEMPT                                                                                            \
	SCHEMA_OF("\"attempt\",\"state\",\"ended_at\",\"error\"",                                                 \
		"\"attempt\":" SCHEMA_COUNT ",\"state\":" SCHEMA_STATE ",\"started_at\":" SCHEMA_TIME             \
		",\"ended_at\":" SCHEMA_TIME ",\"error\":" SCHEMA_ERROR ",\"worker_pid\":" SCHEMA_COUNT)
#define SCHEMA_RECORD                                                                                                 \
	SCHEMA_OF("\"id\",\"task\",\"queue\",\"state\",\"priority\",\"owner\",\"attempt\",\"submitted_at\"",          \
		"\"id\":" SCHEMA_ID ",\"task\":" SCHEMA_STRING ",\"queue\":" SCHEMA_STRING ",\"state\":" SCHEMA_STATE \
		",\"priority\":{\"type\":\"integer\"},\"owner\":" SCHEMA_COUNT ",\"attempt\":" SCHEMA_COUNT           \
		",\"submitted_at\":" SCHEMA_TIME ",\"started_at\":" SCHEMA_TIME ",\"ended_at\":" SCHEMA_TIME          \
		",\"tag\":" SCHEMA_STRING ",\"timeout\":" SCHEMA_SECONDS ",\"items\":" SCHEMA_COUNT                   \
		",\"progress\":" SCHEMA_OF("",                                                                        \
			"\"fraction\":{\"type\":\"number\",\"minimum\":0,\"maximum\":1},"                             \
			"\"text\":" SCHEMA_STRING) ",\"worker\":" SCHEMA_OF("\"pid\",\"pool\",\"slot\"",              \
			"\"pid\":" SCHEMA_COUNT ",\"pool\":" SCHEMA_STRING                                            \
			",\"slot\":" SCHEMA_COUNT) ",\"error\":" SCHEMA_ERROR                                         \
		",\"result_dropped\":" SCHEMA_COUNT ",\"due_at\":" SCHEMA_TIME ",\"expires_at\":" SCHEMA_TIME         \
		",\"retries\":" SCHEMA_COUNT ",\"crashes\":" SCHEMA_COUNT                                             \
		",\"attempts\":" SCHEMA_ARRAY(SCHEMA_ATTEMPT) ",\"after\":" SCHEMA_IDS ",\"after_any\":" SCHEMA_IDS   \
		",\"waiting_for\":" SCHEMA_COUNT ",\"key\":" SCHEMA_STRING ",\"retry_of\":" SCHEMA_ID                 \
		",\"retried_as\":" SCHEMA_ID ",\"schedule\":" SCHEMA_STRING "," SCHEMA_CLAIMS                        \
		",\"waits_for\":" SCHEMA_OBJECT ",\"fence\":" SCHEMA_COUNT ",\"holder_died\":" SCHEMA_TRUE             \
		",\"command\":" SCHEMA_STRING ",\"pid\":" SCHEMA_COUNT ",\"suspended\":" SCHEMA_TRUE             \
		",\"durable\":" SCHEMA_TRUE ",\"on_interrupt\":" SCHEMA_ON_INTERRUPT ",\"recovered\":" SCHEMA_TRUE)
#define SCHEMA_RECORDS SCHEMA_ARRAY(SCHEMA_RECORD)

/* A map or a wait has several tasks, and no record. */
#define SCHEMA_STATUS                                                               \
	"{\"oneOf\":[" SCHEMA_RECORD "," SCHEMA_OF("\"state\",\"tasks\",\"ended\"", \
		"\"state\":" SCHEMA_STRING ",\"tasks\":" SCHEMA_COUNT ",\"ended\":" SCHEMA_COUNT) "]}"
#define SCHEMA_SUBMITTED_PROPERTIES \
	"\"id\":" SCHEMA_ID ",\"state\":" SCHEMA_STATE ",\"duplicate\":{\"const\":true}," SCHEMA_DURABILITY
#define SCHEMA_SUBMITTED SCHEMA_OF("\"id\",\"state\",\"durability\"", SCHEMA_SUBMITTED_PROPERTIES)
#define SCHEMA_SUBMITTED_BATCH                                                                             \
	SCHEMA_OF("\"tasks\"",                                                                             \
		"\"tasks\":" SCHEMA_ARRAY(SCHEMA_OF("\"id\",\"state\",\"durability\"",                   \
			SCHEMA_SUBMITTED_PROPERTIES ",\"label\":" SCHEMA_STRING)))
#define SCHEMA_WAITED SCHEMA_OF("\"done\",\"not_done\"", "\"done\":" SCHEMA_RECORDS ",\"not_done\":" SCHEMA_RECORDS)
#define SCHEMA_LISTED SCHEMA_OF("\"tasks\"", "\"tasks\":" SCHEMA_RECORDS ",\"next\":" SCHEMA_ID)
#define SCHEMA_HISTORY SCHEMA_OF("\"tasks\",\"more\"", "\"tasks\":" SCHEMA_RECORDS ",\"more\":" SCHEMA_BOOL)
/* A state, or what became of an id that names no task. */
#define SCHEMA_FATES SCHEMA_ARRAY(SCHEMA_OF("\"id\",\"state\"", "\"id\":" SCHEMA_STRING ",\"state\":" SCHEMA_STRING))
#define SCHEMA_EITHER(a_, b_) "{\"oneOf\":[" a_ "," b_ "]}"
#define SCHEMA_CANCELLED                                                                          \
	SCHEMA_EITHER(SCHEMA_FATES, SCHEMA_OF("\"matched\",\"cancelled\",\"cancelling\"",         \
		"\"matched\":" SCHEMA_COUNT ",\"cancelled\":" SCHEMA_COUNT ",\"cancelling\":" SCHEMA_COUNT))
#define SCHEMA_RETRIED                                                                                               \
	SCHEMA_EITHER(SCHEMA_ARRAY(SCHEMA_OF("\"id\"",                                                               \
			      "\"id\":" SCHEMA_ID ",\"retried_as\":" SCHEMA_ID "," SCHEMA_DURABILITY                     \
			      ",\"error\":" SCHEMA_ERROR)),                                                     \
		SCHEMA_OF("\"matched\",\"retried\",\"skipped\"",                                                     \
			"\"matched\":" SCHEMA_COUNT ",\"retried\":" SCHEMA_COUNT ",\"skipped\":" SCHEMA_COUNT))
#define SCHEMA_FORGOTTEN                                                     \
	SCHEMA_EITHER(SCHEMA_FATES, SCHEMA_OF("\"matched\",\"forgotten\"",   \
		"\"matched\":" SCHEMA_COUNT ",\"forgotten\":" SCHEMA_COUNT))
#define SCHEMA_WATCH SCHEMA_OF("\"watch\"", "\"watch\":" SCHEMA_ID)

/* Of commands: what they have written, as text or in base64. */
#define SCHEMA_DATA "\"data\":" SCHEMA_STRING ",\"data_base64\":" SCHEMA_STRING
#define SCHEMA_LOG                                                                                                     \
	SCHEMA_OF("\"id\",\"attempt\",\"stream\",\"offset\",\"next\",\"total\",\"over\",\"kept\"",                     \
		"\"id\":" SCHEMA_ID ",\"attempt\":" SCHEMA_COUNT                                                     \
		",\"stream\":{\"enum\":[\"stdout\",\"stderr\"]},\"offset\":" SCHEMA_COUNT "," SCHEMA_DATA            \
		",\"next\":" SCHEMA_COUNT ",\"total\":" SCHEMA_COUNT ",\"over\":" SCHEMA_BOOL ",\"kept\":" SCHEMA_BOOL)
#define SCHEMA_FOLLOW                                                                                   \
	SCHEMA_OF("\"follow\",\"id\",\"state\",\"stdout\",\"stderr\"",                                  \
		"\"follow\":" SCHEMA_ID ",\"id\":" SCHEMA_ID ",\"state\":" SCHEMA_STATE ",\"stdout\":" SCHEMA_COUNT \
		",\"stderr\":" SCHEMA_COUNT)
#define SCHEMA_SUSPENDED                                                             \
	SCHEMA_ARRAY(SCHEMA_OF("\"id\",\"state\"",                                 \
		"\"id\":" SCHEMA_STRING ",\"state\":" SCHEMA_STRING ",\"suspended\":" SCHEMA_BOOL                   \
		",\"error\":" SCHEMA_ERROR))
#define SCHEMA_SIGNALLED                                                             \
	SCHEMA_ARRAY(SCHEMA_OF("\"id\",\"state\"",                                 \
		"\"id\":" SCHEMA_STRING ",\"state\":" SCHEMA_STRING ",\"error\":" SCHEMA_ERROR))

#define SCHEMA_TYPES                                                                                     \
	SCHEMA_ARRAY(SCHEMA_OF("\"task\"",                                                               \
		"\"task\":" SCHEMA_STRING ",\"summary\":" SCHEMA_STRING ",\"parameters\":" SCHEMA_STRING \
		",\"source\":" SCHEMA_STRING ",\"queue\":" SCHEMA_STRING ",\"mean_run\":" SCHEMA_SECONDS \
		",\"succeeded\":" SCHEMA_COUNT ",\"failed\":" SCHEMA_COUNT))

#define SCHEMA_WORKERS                                                                                                \
	SCHEMA_ARRAY(SCHEMA_OF("\"pool\",\"index\",\"state\"",                                                        \
		"\"pid\":" SCHEMA_COUNT ",\"pool\":" SCHEMA_STRING ",\"index\":" SCHEMA_COUNT                         \
		",\"state\":{\"enum\":[\"waiting\",\"starting\",\"ready\",\"retiring\"]},\"started_at\":" SCHEMA_TIME \
		",\"threads\":" SCHEMA_COUNT ",\"tasks_done\":" SCHEMA_COUNT ",\"starts\":" SCHEMA_COUNT              \
		",\"deaths\":" SCHEMA_COUNT ",\"rss\":" SCHEMA_COUNT ",\"last_end\":" SCHEMA_STRING                   \
		",\"running\":" SCHEMA_ARRAY(SCHEMA_ID) ",\"failures\":" SCHEMA_ARRAY(                                \
			SCHEMA_OF("\"handler\",\"error\"",                                                            \
				"\"handler\":" SCHEMA_STRING                                                          \
				",\"error\":" SCHEMA_STRING)) ",\"next_start_in\":" SCHEMA_SECONDS))

#define SCHEMA_POOL                                                                                   \
	SCHEMA_OF("\"name\"",                                                                         \
		"\"name\":" SCHEMA_STRING ",\"processes\":" SCHEMA_COUNT ",\"threads\":" SCHEMA_COUNT \
		",\"tasks\":" SCHEMA_STRING ",\"ready\":" SCHEMA_COUNT ",\"slots\":" SCHEMA_COUNT     \
		",\"busy\":" SCHEMA_COUNT ",\"queues\":" SCHEMA_STRINGS)

#define SCHEMA_QUEUE                                                                                            \
	SCHEMA_OF("\"name\",\"pool\"",                                                                          \
		"\"name\":" SCHEMA_STRING ",\"pool\":" SCHEMA_STRING ",\"waiting\":" SCHEMA_COUNT               \
		",\"waiting_bytes\":" SCHEMA_COUNT ",\"running\":" SCHEMA_COUNT ",\"submitted\":" SCHEMA_COUNT  \
		",\"ended\":" SCHEMA_COUNT ",\"limit_queued\":" SCHEMA_COUNT ",\"limit_bytes\":" SCHEMA_COUNT   \
		",\"scheduled\":" SCHEMA_COUNT ",\"blocked\":" SCHEMA_COUNT                                     \
		",\"order\":{\"enum\":[\"priority\",\"fifo\",\"lifo\"]},\"limit_running\":" SCHEMA_COUNT        \
		",\"rate\":" SCHEMA_SECONDS ",\"burst\":" SCHEMA_COUNT ",\"ageing\":" SCHEMA_SECONDS            \
		",\"weight\":" SCHEMA_COUNT ",\"paused\":" SCHEMA_BOOL ",\"draining\":" SCHEMA_BOOL             \
		",\"configured\":" SCHEMA_BOOL ",\"recording\":" SCHEMA_COUNT                                 \
		",\"durable\":{\"enum\":[\"auto\",\"yes\",\"no\"]},\"fair\":" SCHEMA_BOOL)
#define SCHEMA_QUEUES SCHEMA_ARRAY(SCHEMA_QUEUE)

#define SCHEMA_SCHEDULE                                                                                          \
	SCHEMA_OF("\"name\",\"task\",\"args\",\"queue\",\"priority\",\"owner\",\"next_at\",\"runs\",\"skipped\"", \
		"\"name\":" SCHEMA_STRING ",\"task\":" SCHEMA_STRING ",\"args\":{\"type\":[\"array\",\"object\"]}" \
		",\"queue\":" SCHEMA_STRING ",\"priority\":{\"type\":\"integer\"},\"owner\":" SCHEMA_COUNT       \
		",\"cron\":" SCHEMA_STRING ",\"every\":" SCHEMA_SECONDS ",\"catch_up\":" SCHEMA_BOOL             \
		",\"overlap\":" SCHEMA_BOOL ",\"next_at\":{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}" \
		",\"runs\":" SCHEMA_COUNT ",\"skipped\":" SCHEMA_COUNT ",\"last_id\":" SCHEMA_ID                 \
		",\"refused\":" SCHEMA_OF("\"at\",\"kind\",\"message\"",                                   \
			"\"at\":" SCHEMA_TIME ",\"kind\":" SCHEMA_STRING ",\"message\":" SCHEMA_STRING)      \
		",\"tag\":" SCHEMA_STRING ",\"timeout\":" SCHEMA_SECONDS ",\"expires\":" SCHEMA_SECONDS          \
		",\"retries\":" SCHEMA_COUNT "," SCHEMA_CLAIMS ",\"durable\":" SCHEMA_BOOL                     \
		",\"on_interrupt\":" SCHEMA_ON_INTERRUPT)

#define SCHEMA_STORE_STATS                                                                                       \
	SCHEMA_OF("\"path\",\"bytes\",\"tasks\",\"live\",\"ended\",\"schema\"",                                  \
		"\"path\":" SCHEMA_STRING ",\"bytes\":" SCHEMA_COUNT ",\"wal_bytes\":" SCHEMA_COUNT            \
		",\"free_bytes\":" SCHEMA_COUNT ",\"tasks\":" SCHEMA_COUNT ",\"live\":" SCHEMA_COUNT           \
		",\"ended\":" SCHEMA_COUNT ",\"oldest_at\":" SCHEMA_TIME ",\"schema\":" SCHEMA_COUNT             \
		",\"oldest_ended_at\":" SCHEMA_TIME ",\"disk_free_bytes\":" SCHEMA_COUNT                       \
		",\"page_size\":" SCHEMA_COUNT ",\"queues\":" SCHEMA_COUNT ",\"schedules\":" SCHEMA_COUNT)
#define SCHEMA_STORE_CHECK                                                                                       \
	SCHEMA_OF("\"ok\",\"problems\",\"seconds\"",                                                             \
		"\"ok\":" SCHEMA_BOOL ",\"problems\":" SCHEMA_STRINGS ",\"seconds\":" SCHEMA_SECONDS)
#define SCHEMA_STORE_BACKUP                                                                                      \
	SCHEMA_OF("\"path\",\"bytes\",\"seconds\"",                                                              \
		"\"path\":" SCHEMA_STRING ",\"bytes\":" SCHEMA_COUNT ",\"seconds\":" SCHEMA_SECONDS)

#define SCHEMA_STORE_STATE "{\"enum\":[\"ok\",\"opening\",\"loading\",\"full\",\"failed\",\"stopping\",\"none\"]}"
/* What server.info, and with more figures server.stats, have of the store. */
#define SCHEMA_STORE                                                                                          \
	SCHEMA_OF("\"state\"",                                                                               \
		"\"state\":" SCHEMA_STORE_STATE ",\"reason\":" SCHEMA_STRING ",\"directory\":" SCHEMA_STRING  \
		",\"loading\":" SCHEMA_BOOL ",\"loaded\":" SCHEMA_COUNT ",\"to_load\":" SCHEMA_COUNT         \
		",\"recovered\":" SCHEMA_COUNT ",\"interrupted\":" SCHEMA_COUNT ",\"backlog\":" SCHEMA_COUNT \
		",\"committed\":" SCHEMA_COUNT ",\"respawns\":" SCHEMA_COUNT ",\"pid\":" SCHEMA_COUNT)

#define SCHEMA_SCOPE "{\"enum\":[\"none\",\"own\",\"all\"]}"
#define SCHEMA_YOU                                                                                        \
	SCHEMA_OF("\"uid\",\"user\",\"rights\"",                                                          \
		"\"uid\":" SCHEMA_COUNT ",\"user\":" SCHEMA_STRING                                         \
		",\"rights\":" SCHEMA_OF("\"submit\",\"read\",\"cancel\",\"admin\"",                      \
			"\"submit\":" SCHEMA_BOOL ",\"read\":" SCHEMA_SCOPE ",\"cancel\":" SCHEMA_SCOPE    \
			",\"admin\":" SCHEMA_BOOL))
#define SCHEMA_INFO                                                                                       \
	SCHEMA_OF("\"name\",\"version\",\"protocol\",\"pid\"",                                            \
		"\"name\":{\"const\":\"taskd\"},\"version\":" SCHEMA_STRING ",\"protocol\":" SCHEMA_COUNT \
		",\"pid\":" SCHEMA_COUNT ",\"uid\":" SCHEMA_COUNT ",\"started_at\":" SCHEMA_TIME          \
		",\"uptime\":" SCHEMA_SECONDS ",\"socket\":" SCHEMA_STRING                                \
		",\"config\":{\"type\":[\"string\",\"null\"]}"                                            \
		",\"limits\":" SCHEMA_OF(                                                                 \
			"", "\"frame\":" SCHEMA_COUNT ",\"payload\":" SCHEMA_COUNT ",\"requests\":" SCHEMA_COUNT) \
		",\"store\":" SCHEMA_STORE ",\"you\":" SCHEMA_YOU)

#define SCHEMA_WORKER_COUNTS SCHEMA_OF("\"ready\",\"wanted\"", "\"ready\":" SCHEMA_COUNT ",\"wanted\":" SCHEMA_COUNT)
#define SCHEMA_STATS                                                                                                 \
	SCHEMA_OF("\"tasks\"",                                                                                       \
		"\"tasks\":{\"type\":\"object\",\"additionalProperties\":" SCHEMA_COUNT                              \
		"},\"connections\":" SCHEMA_COUNT ",\"requests\":" SCHEMA_COUNT ",\"workers\":" SCHEMA_WORKER_COUNTS \
		",\"objects\":{\"type\":\"object\",\"additionalProperties\":" SCHEMA_COUNT "}"                     \
		",\"memory\":" SCHEMA_OF("", "\"resident\":" SCHEMA_COUNT) ",\"store\":" SCHEMA_STORE)
#define SCHEMA_USERS                                                                                                   \
	SCHEMA_ARRAY(SCHEMA_OF("\"uid\",\"user\",\"connections\",\"queued\",\"running\"",                                   \
		"\"uid\":" SCHEMA_COUNT ",\"user\":" SCHEMA_STRING ",\"connections\":" SCHEMA_COUNT                      \
		",\"outstanding\":" SCHEMA_COUNT ",\"requests\":" SCHEMA_COUNT ",\"rate\":" SCHEMA_COUNT                 \
		",\"refused\":" SCHEMA_COUNT                                                                           \
		",\"queued\":" SCHEMA_COUNT ",\"queued_bytes\":" SCHEMA_COUNT ",\"running\":" SCHEMA_COUNT               \
		",\"held\":" SCHEMA_COUNT ",\"kept\":" SCHEMA_COUNT ",\"kept_bytes\":" SCHEMA_COUNT                      \
		",\"descriptors\":" SCHEMA_COUNT                                                                       \
		",\"objects\":" SCHEMA_COUNT ",\"waiters\":" SCHEMA_COUNT ",\"mq_bytes\":" SCHEMA_COUNT                  \
		",\"shares\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"number\",\"minimum\":0}}"))
#define SCHEMA_PING                                      \
	SCHEMA_OF("\"ok\",\"workers\",\"store\"",        \
		"\"ok\":{\"const\":true},\"workers\":" SCHEMA_WORKER_COUNTS ",\"store\":" SCHEMA_STORE_STATE)
#define SCHEMA_RELOADED \
	SCHEMA_OF("\"changed\",\"needs_restart\"", "\"changed\":" SCHEMA_STRINGS ",\"needs_restart\":" SCHEMA_STRINGS)
#define SCHEMA_STOPPING SCHEMA_OF("\"stopping\"", "\"stopping\":{\"const\":true}")

#endif
