/* What the files of the named objects share with each other and with nobody else. */
#ifndef OBJECT_INTERNAL_H
#define OBJECT_INTERNAL_H

#include "object/object.h"

#endif
