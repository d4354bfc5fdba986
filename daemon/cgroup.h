/* The cgroup (v2) that the daemon was given for itself, as by systemd's Delegate=. */
#ifndef CGROUP_H
#define CGROUP_H

/* Where to look; what the kernel says of this process. */
struct cgroup_source {
	const char *self;   /* as /proc/self/cgroup */
	const char *mounts; /* as /proc/self/mountinfo */
};

/* Takes this process's cgroup into use where it was delegated to it: the process, and with it all that it starts from
 * now on, moves to a child of it, and limits can be set for its other children. The folder in which workers may make
 * theirs, malloc'ed. NULL: there is none, and nothing has been changed. Logs one line of it. SOURCE is NULL but in
 * tests. To be called before anything is started. */
char *cgroup_claim(const struct cgroup_source *source);

#endif
