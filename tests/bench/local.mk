# make bench: taskd beside its peers, as ratios taken in one run. The programs are built for it only.
bench_programs = tests/bench/load tests/bench/floor tests/bench/spawn tests/bench/objects tests/bench/hostile \
	tests/bench/peer_beanstalkd
if HAVE_GEARMAN
bench_programs += tests/bench/peer_gearmand
endif
EXTRA_PROGRAMS += tests/bench/load tests/bench/floor tests/bench/spawn tests/bench/objects tests/bench/hostile \
	tests/bench/peer_beanstalkd \
	tests/bench/peer_gearmand

tests_bench_load_SOURCES = tests/bench/load.c
tests_bench_load_LDADD = libclient.la
tests_bench_floor_SOURCES = tests/bench/floor.c
tests_bench_floor_LDADD =
tests_bench_spawn_SOURCES = tests/bench/spawn.c
tests_bench_spawn_LDADD =
tests_bench_objects_SOURCES = tests/bench/objects.c
tests_bench_objects_LDADD = libclient.la
tests_bench_hostile_SOURCES = tests/bench/hostile.c
tests_bench_hostile_LDADD =
tests_bench_peer_beanstalkd_SOURCES = tests/bench/peer_beanstalkd.c
tests_bench_peer_beanstalkd_LDADD =
tests_bench_peer_gearmand_SOURCES = tests/bench/peer_gearmand.c
tests_bench_peer_gearmand_LDADD = -lgearman

# The core alone: make tests/bench/core_bench && tests/bench/core_bench
EXTRA_PROGRAMS += tests/bench/core_bench
tests_bench_core_bench_SOURCES = tests/bench/core_bench.c tests/unit/toy.c tests/unit/toy.h
tests_bench_core_bench_LDADD = libcore.la libbase.la

# A child's start: make taskd-spawn tests/bench/spawner_bench && tests/bench/spawner_bench
EXTRA_PROGRAMS += tests/bench/spawner_bench
tests_bench_spawner_bench_SOURCES = tests/bench/spawner_bench.c
tests_bench_spawner_bench_LDADD = libbase.la

# A lane by itself: make tests/bench/lane_bench && tests/bench/lane_bench
EXTRA_PROGRAMS += tests/bench/lane_bench
tests_bench_lane_bench_SOURCES = tests/bench/lane_bench.c
tests_bench_lane_bench_LDADD = liblane.la libcore.la libbase.la

BENCH_FLAGS =
bench: all $(bench_programs)
	@command -v python3 >/dev/null || { echo 'error: make bench needs python3: apt-get install python3' >&2; exit 1; }
	top_builddir='$(abs_top_builddir)' $(srcdir)/tests/bench/bench $(BENCH_FLAGS)

EXTRA_DIST += tests/bench/bench tests/bench/peer_python.py

# The scanner beside jansson: make tests/bench/scan_bench && tests/bench/scan_bench
EXTRA_PROGRAMS += tests/bench/scan_bench
tests_bench_scan_bench_LDADD = libproto.la $(JANSSON_LIBS)

# The store alone: make tests/bench/store_bench && tests/bench/store_bench
EXTRA_PROGRAMS += tests/bench/store_bench
tests_bench_store_bench_SOURCES = tests/bench/store_bench.c tests/unit/store_served.c tests/unit/store_served.h
tests_bench_store_bench_LDADD = libstore.la $(SQLITE_LIBS)
