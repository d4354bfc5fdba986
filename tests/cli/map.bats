#!/usr/bin/env bats
# map: items in, results out in order, and what happens to those that fail.

load helpers

setup_file() {
	daemon_start </dev/null
}

teardown_file() {
	daemon_stop
}

@test "items after :::, results in order" {
	run --separate-stderr -0 taskctl map fib ::: 25 1 20 2 10
	[[ $output == $'75025\n1\n6765\n1\n55' && -z $stderr ]]
}

@test "items from standard input" {
	[[ $(seq 1 10 | taskctl map fib) == $'1\n1\n2\n3\n5\n8\n13\n21\n34\n55' ]]
	[[ $(printf 'a\n"b"\n\n{"c": 1}' | taskctl map echo) == $'"a"\n"b"\n""\n{"c":1}' ]]
	[[ -z $(taskctl map fib </dev/null) ]]
}

@test "nothing after ::: is an option" {
	[[ $(taskctl map echo ::: --wait -x -- ::: -1) == $'"--wait"\n"-x"\n"--"\n":::"\n-1' ]]
	[[ -z $(taskctl map echo ::: </dev/null) ]]
}

@test "many items, in chunks or not, by few or many at once" {
	seq 1 3000 >"$BATS_TEST_TMPDIR/items"
	for options in '' '--chunk 100' '-c 7 -j 20' '--in-flight 1' '-j 3000'; do
		# shellcheck disable=SC2086 # words
		taskctl map $options echo <"$BATS_TEST_TMPDIR/items" >"$BATS_TEST_TMPDIR/results"
		cmp "$BATS_TEST_TMPDIR/items" "$BATS_TEST_TMPDIR/results"
	done
}

@test "--unordered gives the same results, each when it is there" {
	seq 1 500 >"$BATS_TEST_TMPDIR/items"
	taskctl map --unordered echo <"$BATS_TEST_TMPDIR/items" | sort -n >"$BATS_TEST_TMPDIR/results"
	cmp "$BATS_TEST_TMPDIR/items" "$BATS_TEST_TMPDIR/results"

	taskctl --json map -u sleep ::: 60 0 >"$BATS_TEST_TMPDIR/out" 3>&- &
	mapper=$!
	condition test -s "$BATS_TEST_TMPDIR/out"
	[[ $(jq .index "$BATS_TEST_TMPDIR/out") -eq 1 ]]
	kill $mapper
}

@test "--json: an object with the index a line" {
	run -0 taskctl --json map fib ::: 10 11
	[[ $output == $'{"index":0,"result":55}\n{"index":1,"result":89}' ]]
}

@test "-r: strings without quotes" {
	[[ $(taskctl map -r echo ::: a 'b c' 3) == $'a\nb c\n3' ]]
}

@test "an item that fails: said, the others go on, exit status 1" {
	run --separate-stderr -1 taskctl map fib ::: 10 1000 11 oops 12
	[[ $output == $'55\n89\n144' ]]
	[[ $stderr == *"error: item 2: "*"from 0 to 92"* && $stderr == *"error: item 4: "* ]]
	[[ $stderr == *"2 of 5 items failed"* ]]
	run --separate-stderr -1 taskctl map --chunk 10 fib ::: 10 1000 11
	[[ $output == $'55\n89' && $stderr == *"error: item 2: "* ]]
}

@test "an item that fails, with --json: its index" {
	run --separate-stderr -1 taskctl --json map fib ::: 10 1000 11
	[[ $(jq -s 'map(.index)' -c <<<"$output") == '[0,2]' ]]
	[[ $(jq -r '.error.index' <<<"$stderr") == 1 ]]
	[[ $(jq -r '.error.kind' <<<"$stderr") == invalid_params ]]
}

@test "where all items fail: the first error's exit status" {
	run --separate-stderr -2 taskctl map fib ::: 1000 1001
	[[ -z $output && $stderr == *"item 1: "* && $stderr == *"item 2: "* ]]
	run --separate-stderr -124 taskctl map --timeout 50ms sleep ::: 60 60
}

@test "--fail-fast stops" {
	run --separate-stderr -1 taskctl map --fail-fast -j 1 fib ::: 10 1000 11 12
	[[ $output == 55 ]]
	[[ $stderr == *"item 2"* ]]
}

@test "an unknown task: exit status 2" {
	run --separate-stderr -2 taskctl map fibb ::: 1
	[[ -z $output ]]
}

@test "a line that is no text ends it as a usage error" {
	run --separate-stderr -2 taskctl map echo < <(printf 'a\n\xff\nb\n')
	[[ $output == '"a"' && $stderr == *"not UTF-8"* ]]
	run --separate-stderr -2 taskctl map echo < <(printf 'a\nb\0c\n')
	[[ $stderr == *"NUL"* ]]
}

@test "a bar on stderr where that is a terminal, and only there" {
	run in_terminal "taskctl map sleep ::: 0.3 0.3 0.3 2>&1 >'$BATS_TEST_TMPDIR/out'"
	[[ $status -eq 0 && $output == *"/3"* && $output == *$'\e[K'* ]]
	[[ $(<"$BATS_TEST_TMPDIR/out") == $'null\nnull\nnull' ]]
	run in_terminal "taskctl map sleep ::: 0.3 2>'$BATS_TEST_TMPDIR/err'"
	[[ $status -eq 0 && ! -s $BATS_TEST_TMPDIR/err && $output != *"/1"* ]]
	run in_terminal "taskctl -q map sleep ::: 0.3"
	[[ $output != *$'\e[K'* ]]
	run in_terminal "TERM=dumb taskctl map sleep ::: 0.3"
	[[ $output != *$'\e[K'* ]]
}

@test "results and the bar do not share a line" {
	run in_terminal "taskctl map echo ::: $(seq -s ' ' 1 50)"
	# what the screen shows when the bar has been taken away each time
	screen=$(sed -e 's/\r$//' -e 's/.*\r\x1b\[K//' <<<"$output" | grep -v '^$')
	[[ $screen == "$(seq 1 50)" ]]
}

@test "Ctrl-C cancels what has not ended" {
	env --default-signal=INT taskctl map --tag interrupted sleep ::: 60 60 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	mapper=$!
	condition catches_interrupt $mapper
	kill -INT $mapper
	ended_with 130 $mapper
	grep -q 'interrupted' "$BATS_TEST_TMPDIR/err"
	condition nothing_runs
}
