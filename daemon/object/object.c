/* The objects as a whole: their kinds' names. */
#include "object/internal.h"

const char *object_kind_name(enum object_kind kind)
{
	static const char *const names[OBJECT_N_KINDS] = {
		[OBJECT_LOCK] = "lock",
		[OBJECT_SEMAPHORE] = "semaphore",
		[OBJECT_EVENT] = "event",
		[OBJECT_CONDITION] = "condition",
		[OBJECT_BARRIER] = "barrier",
		[OBJECT_MQ] = "mq",
	};
	return names[kind];
}
