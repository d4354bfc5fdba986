/* Being somebody else for the moment of a connect: that is when the kernel looks. */
#include "others.h"

#include <check.h>
#include <grp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

bool others_possible(void)
{
	if (geteuid() == 0)
		return true;
	puts("skipped: only root can be other users");
	return false;
}

void others_let_in(const struct daemon *daemon)
{
	ck_assert_int_eq(chmod(daemon->folder, 0711), 0);
}

static void become(uid_t uid, gid_t gid, gid_t group)
{
	const gid_t groups[] = { gid, group };
	ck_assert_int_eq(setgroups(group == (gid_t)-1 ? 1 : 2, groups), 0);
	ck_assert_int_eq(setegid(gid), 0);
	ck_assert_int_eq(seteuid(uid), 0);
}

static void become_root(void)
{
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(setegid(0), 0);
	ck_assert_int_eq(setgroups(0, NULL), 0);
}

void wire_open_as(struct wire *wire, const struct daemon *daemon, uid_t uid, gid_t gid, gid_t group)
{
	become(uid, gid, group);
	wire_open(wire, daemon);
	become_root();
}

struct taskd *daemon_connect_as(const struct daemon *daemon, uid_t uid, gid_t gid, gid_t group)
{
	become(uid, gid, group);
	struct taskd *c = daemon_connect(daemon);
	become_root();
	return c;
}
