/* What tests of endurance share: a daemon, a victim that goes on working beside what is done to it, and what may not grow.
 * The hostile clients are another user's where the test is root's, and the daemon's own user's else. */
#ifndef ENDURANCE_H
#define ENDURANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "harness.h"

/* Memory is not measured where a sanitizer keeps what was freed, and all is done less often where it is slow. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEASURES_MEMORY false
#define OFTEN(n) ((n) / 10)
#else
#define MEASURES_MEMORY true
#define OFTEN(n) (n)
#endif

struct siege {
	struct daemon daemon;
	size_t descriptors; /* of the daemon, before */
	long kib;           /* resident */
	pid_t victim;
	int orders;  /* closed: the victim is to stop */
	int figures; /* what it tells then */
};

/* A daemon with this configuration, and a victim: another program that pings and calls without end, one request at a time,
 * all of which have to succeed. FILES: the daemon's limit of descriptors; 0: ours. */
void siege_begin(struct siege *siege, const char *config, unsigned files);
/* Ends both. The victim has got on, and all it asked for; the daemon has as many descriptors as before, and no more memory
 * than KIB beyond what it had. Prints the victim's figures behind WHAT. */
void siege_end(struct siege *siege, const char *what, long kib);
/* KiB that the daemon's memory has grown by. */
long siege_growth(const struct siege *siege);
/* Waits until it has so many descriptors more than before; false where it never has. */
bool siege_descriptors(const struct siege *siege, size_t more);
/* Waits until the victim has got on by N requests more. */
void siege_go_on(struct siege *siege, unsigned n);

/* A hostile client. */
void hostile_open(const struct siege *siege, struct wire *wire);
/* Whether these are not the daemon's own user. */
bool hostile_is_other(void);
/* Sends TEXT with COPIES of a descriptor. */
bool hostile_send_descriptors(struct wire *wire, const char *text, int fd, size_t copies);
/* Sends as much of TEXT, over and over, up to MOST bytes, as is taken while the daemon does something; how much it was. */
size_t hostile_pour(struct wire *wire, const char *text, size_t length, size_t most);

#endif
