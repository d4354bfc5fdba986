# Tests of taskctl from outside: a line for each bats file in cli_tests, and what they load in EXTRA_DIST.
