# A unit test is one libcheck program, tests/unit/test_NAME.c. It takes two lines here:
#
#	unit_tests += tests/unit/test_ring
#	tests_unit_test_ring_LDADD = liblane.la libbase.la $(CHECK_LIBS)
#
# (its source is found by its name; more than one: tests_unit_test_ring_SOURCES). What it links: libproto.la with
# $(JANSSON_LIBS); libbase.la; libcore.la libbase.la; liblane.la libbase.la; libworker.la or libserver.la, which each
# contain what they stand on; libclient.la (contains libproto.la).
unit_tests =

check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
