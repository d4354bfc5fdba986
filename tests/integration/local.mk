# Tests of the real daemon in a directory of its own. A line for each file in integration_tests: *.bats is run by bats,
# *.py by python3, and what has no suffix is a program or script; a C program is a line in integration_programs.
integration_programs += \
	tests/integration/test_access \
	tests/integration/test_access_leaks \
	tests/integration/test_calls \
	tests/integration/test_claims \
	tests/integration/test_command \
	tests/integration/test_confine \
	tests/integration/test_crash \
	tests/integration/test_durable \
	tests/integration/test_durable_kill \
	tests/integration/test_durable_links \
	tests/integration/test_endurance \
	tests/integration/test_endurance_words \
	tests/integration/test_hostile \
	tests/integration/test_life \
	tests/integration/test_nested \
	tests/integration/test_objects \
	tests/integration/test_objects_chaos \
	tests/integration/test_objects_model \
	tests/integration/test_order \
	tests/integration/test_primitives \
	tests/integration/test_primitives_queue \
	tests/integration/test_service \
	tests/integration/test_spawners \
	tests/integration/test_wire
integration_tests += $(integration_programs)
EXTRA_PROGRAMS += $(integration_programs)

EXTRA_LTLIBRARIES += libharness.la
libharness_la_SOURCES = tests/integration/harness.c tests/integration/harness.h tests/integration/bunch.c \
	tests/integration/bunch.h tests/integration/others.c tests/integration/others.h
libharness_la_LIBADD = libclient.la

tests_integration_test_access_LDADD = libharness.la libproto.la $(CHECK_LIBS)
tests_integration_test_access_leaks_LDADD = libharness.la libproto.la $(CHECK_LIBS)
tests_integration_test_calls_LDADD = libharness.la $(CHECK_LIBS)
tests_integration_test_claims_LDADD = libharness.la $(CHECK_LIBS)
tests_integration_test_command_LDADD = libharness.la $(CHECK_LIBS)
tests_integration_test_confine_LDADD = libharness.la $(CHECK_LIBS)
tests_integration_test_crash_LDADD = libharness.la $(CHECK_LIBS)
tests_integration_test_durable_LDADD = libharness.la $(CHECK_LIBS)
tests_integration_test_durable_kill_LDADD = libharness.la $(CHECK_LIBS)
tests_integration_test_durable_links_LDADD = libharness.la $(CHECK_LIBS)
tests_integration_test_hostile_LDADD = libharness.la $(CHECK_LIBS)
tests_integration_test_endurance_SOURCES = tests/integration/test_endurance.c tests/integration/endurance.c \
	tests/integration/endurance.h
tests_integration_test_endurance_LDADD = libharness.la $(CHECK_LIBS)
tests_integration_test_endurance_words_SOURCES = tests/integration/test_endurance_words.c tests/integration/endurance.c \
	tests/integration/endurance.h
tests_integration_test_endurance_words_LDADD = libharness.la $(CHECK_LIBS)
tests_integration_test_life_LDADD = libharness.la $(CHECK_LIBS)
tests_integration_test_nested_LDADD = libharness.la $(CHECK_LIBS)
tests_integration_test_objects_LDADD = libharness.la $(CHECK_LIBS)
tests_integration_test_objects_chaos_LDADD = libharness.la $(CHECK_LIBS)
tests_integration_test_objects_model_LDADD = libharness.la $(CHECK_LIBS)
tests_integration_test_order_LDADD = libharness.la $(CHECK_LIBS)
tests_integration_test_primitives_LDADD = libharness.la $(CHECK_LIBS)
tests_integration_test_primitives_queue_LDADD = libharness.la $(CHECK_LIBS)
tests_integration_test_service_LDADD = libharness.la $(CHECK_LIBS)
tests_integration_test_spawners_LDADD = libharness.la $(CHECK_LIBS)
tests_integration_test_wire_LDADD = libharness.la $(CHECK_LIBS)
EXTRA_DIST += tests/integration/transcripts

# make check-clients
EXTRA_DIST += \
	tests/integration/clients/run \
	tests/integration/clients/check.js \
	tests/integration/clients/jayson.js \
	tests/integration/clients/json-rpc-2.0.js \
	tests/integration/clients/vscode-jsonrpc.js
