#!/usr/bin/env bats
# A task's life as submit and call can have it: its time, its attempts, what it comes after, its key; and batches.

load helpers

setup_file() {
	daemon_start <<END
[plugin nasty]
path = $BUILD/tests/plugins/nasty.so
[queue narrow]
limit_queued = 1
[queue shut]
END
	taskctl -q pause shut
}

teardown_file() {
	daemon_stop
}

# A member of task ID's record.
member_of() { # ID FILTER
	taskctl --json status "$1" | jq -r "$2"
}

@test "--delay: scheduled, with its time; it runs when that has come" {
	run --separate-stderr -0 taskctl --json submit --delay 1h fib 3
	id=$(jq -r .id <<<"$output")
	[[ $(jq -r .state <<<"$output") == scheduled && -z $stderr ]]
	run -0 taskctl status "$id"
	[[ $output =~ state\ +scheduled && $output =~ due\ +in\ (59m|1h|60m) ]]
	[[ $(taskctl submit --wait --delay 50ms fib 10) == 55 ]]
	[[ $(taskctl call -d 50ms fib 10) == 55 ]]
	taskctl -q cancel "$id"
}

@test "--at: a time with its zone" {
	id=$(taskctl submit --at 2099-01-01T01:00:00+01:00 fib 3)
	[[ $(member_of "$id" .due_at) == 2099-01-01T00:00:00* ]]
	taskctl -q cancel "$id"
	[[ $(taskctl call --at 2020-01-01T00:00:00Z fib 10) == 55 ]]
	run --separate-stderr -2 taskctl submit --at 2099-01-01T00:00:00 fib 3
	[[ $stderr == *"no time zone"*"hint: write it like 2027-"* ]]
	run -2 taskctl submit --at tomorrow fib 3
	run -2 taskctl submit --at 2099-01-01T00:00:00Z --delay 3 fib 3
	[[ $output == *"either --delay or --at"* ]]
}

@test "--expires: what has not started by then is not started any more" {
	run --separate-stderr -1 taskctl --json submit --wait --queue shut --expires 50ms fib 3
	[[ $(jq -r .error.kind <<<"$stderr") == expired ]]
	run -1 taskctl call --queue shut --expires 2020-01-01T00:00:00Z fib 3
	run --separate-stderr -2 taskctl submit --expires 0 fib 3
	[[ $stderr == *'more than 0'* ]]
	run --separate-stderr -2 taskctl submit --expires soon fib 3
	[[ $stderr == *'--expires: "soon" will not do'*"from now"* ]]
}

@test "--retries: each attempt is on the record" {
	id=$(taskctl submit --retries 2 --backoff 0 fib 1000)
	run -2 taskctl result "$id"
	[[ $(member_of "$id" '"\(.state) \(.attempt) \(.retries) \(.attempts | length)"') == 'failed 3 2 2' ]]
	run -0 taskctl status "$id"
	[[ $output =~ retries\ +2 && $output == *"earlier attempts:"* && $output =~ 1\ +failed.*0\ to\ 92 ]]
	[[ $(grep -cE '^ +[12]  failed' <<<"$output") -eq 2 ]]
	run -2 taskctl call --retries 1 --backoff 1ms --backoff-factor 1.5 --backoff-max 2ms --jitter 0 fib 1000
	id=$(taskctl submit --retries 2 --backoff 0 --retry-on crashed,timed_out fib 1000)
	run -2 taskctl result "$id"
	[[ $(member_of "$id" .attempt) -eq 1 ]]
}

@test "--retries: a map's items, too" {
	run --separate-stderr -2 taskctl map --tag again --retries 1 --backoff 0 fib ::: 1000
	[[ $(taskctl --json list --tag again | jq -r '.[0].attempt') -eq 2 ]]
	run -2 taskctl map --delay 1s fib ::: 3
	[[ $output == *"unknown option --delay"* ]]
}

@test "--retries: bad input" {
	run --separate-stderr -2 taskctl submit --retries 2 --retry-on faild fib 3
	[[ $stderr == *'"faild" will not do'*"did you mean failed?"* ]]
	run -2 taskctl submit --retries 2 --jitter 1.5 fib 3
	[[ $output == *"from 0 to 1"* ]]
	run -2 taskctl submit --retries 2 --backoff-factor 0.5 fib 3
	run -2 taskctl submit --retries -1 fib 3
	run -2 taskctl submit --backoff 3 fib 3
	[[ $output == *"not --retries"* ]]
}

@test "--after: when they have succeeded, with their results" {
	a=$(taskctl submit fib 20) b=$(taskctl submit fib 21)
	[[ $(taskctl submit --wait --after "$a,$b" --pass-results echo) == '[6765,10946]' ]]
	[[ $(taskctl call -a "$b" -a "$a" --pass-results echo 1) == '[1,[10946,6765]]' ]]
	a=$(taskctl submit --queue shut fib 20)
	run -0 taskctl --json submit --after "$a" fib 3
	id=$(jq -r .id <<<"$output")
	[[ $(jq -r .state <<<"$output") == blocked ]]
	run -0 taskctl status "$id"
	[[ $output =~ after\ +$a && $output =~ waits\ for\ +1\ task ]]
	taskctl -q cancel "$a"
	run --separate-stderr -1 taskctl --json result "$id"
	[[ $(jq -r .error.kind <<<"$stderr") == dependency_failed ]]
	[[ $(jq -r .error.data.dependency <<<"$stderr") == "$a" ]]
}

@test "--after-any: when they have ended, however" {
	a=$(taskctl submit fib 1000)
	[[ $(taskctl submit --wait --after-any "$a" fib 10) == 55 ]]
}

@test "--after: what is no task" {
	run --separate-stderr -3 taskctl submit --after 999999999 fib 3
	[[ $stderr == *999999999* ]]
	run --separate-stderr -2 taskctl submit --after one fib 3
	[[ $stderr == *'"one" is no task'* ]]
	run -2 taskctl submit --pass-results fib 3
	[[ $output == *"--pass-results without --after"* ]]
}

@test "--key: one at a time; attach, replace, once" {
	id=$(taskctl submit --queue shut --key report sleep 60)
	run --separate-stderr -1 taskctl --json submit --key report noop
	[[ $(jq -r '.error | .kind + " " + .data.id' <<<"$stderr") == "duplicate $id" ]]
	run --separate-stderr -0 taskctl submit --key report --key-mode attach noop
	[[ $output == "$id" && $stderr == "task $id has that key already, and is queued" ]]
	[[ $(taskctl --json submit --key report --key-mode attach noop | jq .duplicate) == true ]]
	new=$(taskctl submit --key report --key-mode replace echo new)
	[[ $new != "$id" ]] && state_is "$id" cancelled
	taskctl -q wait "$new"
	[[ $(taskctl submit --key report --key-mode once noop) == "$new" ]]
	[[ $(taskctl call --key report --key-mode once noop) == '"new"' ]]
	[[ $(taskctl call --key report fib 10) == 55 ]]
}

@test "--key: bad input" {
	run -2 taskctl submit --key-mode attach noop
	[[ $output == *"--key-mode without --key"* ]]
	run -2 taskctl submit --key k --key-mode atach noop
	[[ $output == *"did you mean attach?"* ]]
}

@test "--wait-for-room: a place, or the error of a full queue when the time is over" {
	run -0 taskctl -q pause narrow
	first=$(taskctl submit --queue narrow noop)
	run --separate-stderr -6 taskctl submit --queue narrow --wait-for-room 50ms noop
	[[ $stderr == "error: "*full* ]]
	taskctl submit --queue narrow --wait-for-room 1m echo in >"$BATS_TEST_TMPDIR/id" 3>&- &
	submitter=$!
	taskctl -q cancel "$first"
	ended_with 0 $submitter
	taskctl -q resume narrow
	[[ $(taskctl result "$(<"$BATS_TEST_TMPDIR/id")") == '"in"' ]]
}

batch='[{"label": "a", "task": "fib", "args": [20]},
	{"label": "b", "task": "fib", "args": [21]},
	{"task": "echo", "after": ["a", "b"], "pass_results": true}]'

@test "--batch: ids in the file's order, or results" {
	echo "$batch" >"$BATS_TEST_TMPDIR/batch.json"
	run --separate-stderr -0 taskctl submit --batch "$BATS_TEST_TMPDIR/batch.json"
	[[ ${#lines[@]} -eq 3 && -z $stderr && $(taskctl result "${lines[2]}") == '[6765,10946]' ]]
	run -0 taskctl --json submit --batch - <<<"$batch"
	[[ $(jq -c '.tasks | map(.label)' <<<"$output") == '["a","b",null]' ]]
	[[ $(jq -r '.tasks[2].state' <<<"$output") == blocked ]]
	run -0 taskctl submit --wait --batch - <<<"{\"tasks\": $batch}"
	[[ $output == $'6765\n10946\n[6765,10946]' ]]
}

@test "--batch: all or none" {
	before=$(taskctl --json stats | jq .tasks.submitted)
	run --separate-stderr -3 taskctl --json submit --batch - <<<'[{"task": "noop"}, {"label": "b", "task": "noop", "after": 999999999}]'
	[[ $(jq -r '.error | .kind + " \(.data.index) " + .data.label' <<<"$stderr") == 'not_found 1 b' ]]
	run --separate-stderr -2 taskctl submit --batch - <<<'[{"task": "noop"}, {"task": "nop"}]'
	[[ $stderr == "error: standard input: task 1: unknown task"* ]]
	run --separate-stderr -2 taskctl --json submit --batch - <<<'[{"label": "a", "task": "noop", "after": "a"}]'
	[[ $(jq -r .error.kind <<<"$stderr") == dependency_cycle ]]
	[[ $(taskctl --json stats | jq .tasks.submitted) -eq $before ]]
}

@test "--batch: bad input" {
	printf '[{"task": "noop"},\n{"task" "noop"}]' >"$BATS_TEST_TMPDIR/batch.json"
	run --separate-stderr -2 taskctl submit --batch "$BATS_TEST_TMPDIR/batch.json"
	[[ $stderr == "error: $BATS_TEST_TMPDIR/batch.json:2: no JSON: "* ]]
	run --separate-stderr -2 taskctl submit --batch - <<<'{"task": "noop"}'
	[[ $stderr == "error: standard input: it has to be an array of tasks"*hint* ]]
	run -1 taskctl submit --batch /nowhere/batch.json
	[[ $output == *"No such file"* ]]
	for surplus in noop '--priority 3' '--args []'; do
		# shellcheck disable=SC2086 # words
		run -2 taskctl submit --batch - $surplus <<<"$batch"
		[[ $output == *"--batch goes with"* ]]
	done
}

@test "Ctrl-C in call waits until the task has stopped" {
	env --default-signal=INT taskctl call --tag stopped slow 60000 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	caller=$!
	runs() { [[ $(taskctl --json list --tag stopped --state running | jq length) -eq 1 ]]; }
	condition runs
	kill -INT $caller
	ended_with 130 $caller
	[[ $(taskctl --json list --tag stopped | jq -r '.[0].state') == cancelled ]]
	[[ $(<"$BATS_TEST_TMPDIR/err") == "interrupted: waiting until the task has stopped; "*$'\nerror: interrupted: the task is cancelled' ]]
}

@test "Ctrl-C in call: the second one does not wait" {
	env --default-signal=INT taskctl call --tag stubborn stubborn 60 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	caller=$!
	runs() { [[ $(taskctl --json list --tag stubborn --state running | jq length) -eq 1 ]]; }
	condition runs
	kill -INT $caller
	condition grep -q 'Ctrl-C again' "$BATS_TEST_TMPDIR/err"
	[[ $(taskctl --json list --tag stubborn | jq -r '.[0].state') == cancelling ]]
	kill -INT $caller
	ended_with 130 $caller
	[[ $(taskctl --json list --tag stubborn | jq -r '.[0].state') == cancelling ]]
}

@test "Ctrl-C in call, with --json: one JSON value" {
	env --default-signal=INT taskctl --json call --tag one slow 60000 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	caller=$!
	runs() { [[ $(taskctl --json list --tag one --state running | jq length) -eq 1 ]]; }
	condition runs
	kill -INT $caller
	ended_with 130 $caller
	[[ $(jq -r .error.kind "$BATS_TEST_TMPDIR/err") == interrupted ]]
}

@test "call without Ctrl-C's signal goes on" {
	env --ignore-signal=INT taskctl call --tag ignored slow 60000 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	caller=$!
	runs() { [[ $(taskctl --json list --tag ignored --state running | jq length) -eq 1 ]]; }
	condition runs
	kill -INT $caller
	taskctl -q cancel --tag ignored
	ended_with 1 $caller
}
