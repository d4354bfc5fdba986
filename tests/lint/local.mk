# Lints: scripts that say what breaks the house's rules. A new one is a line here.
lints = \
	tests/lint/check-atomics \
	tests/lint/check-docs \
	tests/lint/check-exports \
	tests/lint/check-headers \
	tests/lint/check-includes \
	tests/lint/check-shell \
	tests/lint/check-sources \
	tests/lint/check-systemd
TESTS += $(lints)
EXTRA_DIST += $(lints)
CLEANFILES += tests/lint/tables.txt

# What the programs' tables hold, for check-docs.
check_PROGRAMS += tests/lint/tables
tests_lint_tables_SOURCES = tests/lint/tables.c
tests_lint_tables_LDADD = libserver.la $(LIBEVENT_LIBS) $(JANSSON_LIBS) $(INIH_LIBS)
