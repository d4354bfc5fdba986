# Tests of taskctl from outside: a line for each bats file in cli_tests, and what they load in EXTRA_DIST.
cli_tests += tests/cli/usage.bats
cli_tests += tests/cli/completion.bats
cli_tests += tests/cli/submit.bats
cli_tests += tests/cli/map.bats
cli_tests += tests/cli/task.bats
cli_tests += tests/cli/life.bats
cli_tests += tests/cli/list.bats
cli_tests += tests/cli/change.bats
cli_tests += tests/cli/watch.bats
cli_tests += tests/cli/command.bats
cli_tests += tests/cli/run.bats
cli_tests += tests/cli/each.bats
cli_tests += tests/cli/queue.bats
cli_tests += tests/cli/schedule.bats
cli_tests += tests/cli/show.bats
cli_tests += tests/cli/admin.bats
EXTRA_DIST += tests/cli/helpers.bash
