# What configure.ac is made of.

# TASKD_MISSING(WHAT, DEBIAN-PACKAGE): notes that something is missing.
AC_DEFUN([TASKD_MISSING], [
	taskd_missing="$taskd_missing
  $1	(Debian: $2)"
	taskd_packages="$taskd_packages $2"
])

# Says what is missing, all of it, and how to get it.
AC_DEFUN([TASKD_NEED_REPORT], [
	AS_IF([test -n "$taskd_missing"], [AC_MSG_ERROR([not found:$taskd_missing
On Debian: apt-get install$taskd_packages])])
])

AC_DEFUN([TASKD_NEED_PKG_CONFIG], [
	taskd_missing=
	taskd_packages=
	m4_pattern_forbid([^PKG_], [pkg.m4 is missing (Debian: pkg-config)])
	PKG_PROG_PKG_CONFIG
	AS_IF([test -z "$PKG_CONFIG"], [TASKD_MISSING([pkg-config], [pkg-config])])
])

# TASKD_NEED(VARIABLE, PKG-CONFIG-MODULE, DEBIAN-PACKAGE): sets VARIABLE_CFLAGS and VARIABLE_LIBS.
AC_DEFUN([TASKD_NEED], [
	PKG_CHECK_MODULES([$1], [$2], [], [TASKD_MISSING([$2], [$3])])
])

AC_DEFUN([TASKD_NEED_HEADER], [AC_CHECK_HEADER([$1], [], [TASKD_MISSING([$1], [$2])])])

# TASKD_ARG_DIR(NAME, WHAT, DEFAULT): --with-NAME=DIR. The default lies below the prefix, so that an installation
# without root's rights, and distcheck, stay inside it.
AC_DEFUN([TASKD_ARG_DIR], [
	AC_ARG_WITH([$1], [AS_HELP_STRING([--with-$1=DIR], [where $2 go])], [], [with_$1=$3])
	AS_CASE([$with_$1], [yes|no], [AC_MSG_ERROR([--with-$1 needs a folder])])
	AC_SUBST([$1], [$with_$1])
])

AC_DEFUN([TASKD_ARG_SANITIZE], [
	AC_ARG_ENABLE([sanitize],
		[AS_HELP_STRING([--enable-sanitize=LIST], [build with sanitizers: address,undefined or thread])],
		[], [enable_sanitize=no])
	AS_CASE([$enable_sanitize], [yes], [enable_sanitize=address,undefined])
	AS_IF([test "$enable_sanitize" != no], [
		test -n "${CFLAGS+set}" || CFLAGS="-g -O1 -fno-omit-frame-pointer"
	])
	AM_CONDITIONAL([SANITIZE], [test "$enable_sanitize" != no])
	AC_SUBST([enable_sanitize])
])

AC_DEFUN([TASKD_ARG_COVERAGE], [
	AC_ARG_ENABLE([coverage],
		[AS_HELP_STRING([--enable-coverage], [count what the tests run, for make coverage])],
		[], [enable_coverage=no])
	AS_IF([test "$enable_coverage" != no], [test -n "${CFLAGS+set}" || CFLAGS="-g -O0"])
	AM_CONDITIONAL([COVERAGE], [test "$enable_coverage" != no])
])

# TASKD_TRY_FLAG(KIND, VARIABLE, FLAG): adds FLAG to VARIABLE where the compiler takes it in CFLAGS or LDFLAGS (KIND).
AC_DEFUN([TASKD_TRY_FLAG], [
	AC_MSG_CHECKING([for $3])
	taskd_saved=$$1
	$1="$$1 -Werror $3"
	AC_LINK_IFELSE([AC_LANG_PROGRAM()],
		[AC_MSG_RESULT([yes]); $2="$$2 $3"],
		[AC_MSG_RESULT([no])])
	$1=$taskd_saved
])

# TASKD_CPPFLAGS, TASKD_CFLAGS and TASKD_LDFLAGS, apart from the user's own, which come behind them.
AC_DEFUN([TASKD_COMPILER_FLAGS], [
	AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [make warnings errors])], [], [enable_werror=no])
	TASKD_CPPFLAGS=
	TASKD_CFLAGS="-std=gnu17"
	TASKD_LDFLAGS=
	m4_foreach_w([flag], [-Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wformat=2
		-Wpointer-arith -Wwrite-strings -Wvla -Wimplicit-fallthrough -Wswitch-enum -Wundef],
		[TASKD_TRY_FLAG([CFLAGS], [TASKD_CFLAGS], flag)])
	AS_IF([test "$enable_werror" != no], [TASKD_CFLAGS="$TASKD_CFLAGS -Werror"])

	TASKD_TRY_FLAG([LDFLAGS], [TASKD_LDFLAGS], [-Wl,-z,relro])
	TASKD_TRY_FLAG([LDFLAGS], [TASKD_LDFLAGS], [-Wl,-z,now])
	TASKD_TRY_FLAG([LDFLAGS], [TASKD_LDFLAGS], [-Wl,--as-needed])
	AS_IF([test "$enable_sanitize" = no], [
		TASKD_TRY_FLAG([CFLAGS], [TASKD_CFLAGS], [-fstack-protector-strong])
		dnl Fortifying needs an optimizer, and hides from the sanitizers what they look for.
		AS_CASE([" $CFLAGS "], [*" -O0 "*], [], [*" -O"*], [
			AS_CASE([" $CPPFLAGS $CFLAGS "], [*_FORTIFY_SOURCE*], [],
				[TASKD_CPPFLAGS="$TASKD_CPPFLAGS -D_FORTIFY_SOURCE=2"])
		])
	], [
		taskd_sanitize="-fsanitize=$enable_sanitize"
		AS_CASE([$enable_sanitize], [*undefined*], [taskd_sanitize="$taskd_sanitize -fno-sanitize-recover=undefined"])
		TASKD_CFLAGS="$TASKD_CFLAGS $taskd_sanitize"
		TASKD_LDFLAGS="$TASKD_LDFLAGS $taskd_sanitize"
		taskd_saved=$CFLAGS
		CFLAGS="$CFLAGS $taskd_sanitize"
		AC_MSG_CHECKING([whether $CC links with $taskd_sanitize])
		AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AC_MSG_RESULT([yes])],
			[AC_MSG_RESULT([no]); AC_MSG_ERROR([the compiler has no such sanitizer (Debian: libgcc-12-dev)])])
		CFLAGS=$taskd_saved
	])
	AS_IF([test "$enable_coverage" != no], [
		TASKD_CFLAGS="$TASKD_CFLAGS --coverage"
		TASKD_LDFLAGS="$TASKD_LDFLAGS --coverage"
	])
	AC_SUBST([TASKD_CPPFLAGS])
	AC_SUBST([TASKD_CFLAGS])
	AC_SUBST([TASKD_LDFLAGS])
])
