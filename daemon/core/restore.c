/* After a restart: what had been given out is not given out again, and what was recorded of tasks becomes tasks again. */
#include <stdlib.h>

#include "core/internal.h"

/* --- numbers --- */

void core_numbers(const struct core *core, struct core_numbers *out)
{
	uint64_t now = core->now_ns > 0 ? (uint64_t)core->now_ns + core->place_lead : 0;

	*out = (struct core_numbers){
		.id = core->next_id,
		.place = core->next_place < now ? now : core->next_place,
		.fence = objects_next_fence(core->objects),
	};
}

void core_set_numbers(struct core *core, const struct core_numbers *numbers)
{
	uint64_t now = core->now_ns > 0 ? (uint64_t)core->now_ns : 0;

	if (core->next_id < numbers->id)
		core->next_id = numbers->id;
	if (core->next_place < numbers->place)
		core->next_place = numbers->place;
	if (core->next_place > now)
		core->place_lead = core->next_place - now;
	objects_raise_fence(core->objects, numbers->fence);
	core->restoring = true;
}

bool core_is_restoring(const struct core *core)
{
	return core->restoring;
}

void core_restore_done(struct core *core)
{
	core->restoring = false;
}
