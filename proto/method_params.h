/* How a table of a method's parameters is written; for methods.c and method_objects.c. */
#ifndef PROTO_METHOD_PARAMS_H
#define PROTO_METHOD_PARAMS_H

#include "proto/methods.h"

/* One line a parameter: its name on the wire, its type, where it goes. */
#define PARAM(struct_, member_, name_, type_, ...)                                                     \
	{                                                                                              \
		.name = name_, .type = type_, .offset = offsetof(struct struct_, member_), __VA_ARGS__ \
	}

#define END_OF_PARAMS        \
	{                    \
		.name = NULL \
	}

#endif
