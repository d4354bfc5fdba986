#!/usr/bin/env bats
# watch, and wait with --tag and --progress: tasks as they go on.

load helpers

setup_file() {
	daemon_start <<END
[plugin nasty]
path = $BUILD/tests/plugins/nasty.so
[queue shut]
[queue gate]
END
	taskctl -q pause shut
}

teardown_file() {
	daemon_stop
}

# The events of task ID in what watch has printed, in order.
events_of() { # ID
	awk -v id="$1" '$2 == id { print $4 }' "$BATS_TEST_TMPDIR/out" | xargs
}

# Starts a watch in the background, and waits until it hears something.
watch_begin() { # OPTION…
	env --default-signal=INT taskctl watch "$@" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	watcher=$!
	hears() { taskctl -q submit --tag heard noop >/dev/null && [[ -s $BATS_TEST_TMPDIR/out ]]; }
	condition hears
}

watch_end() {
	kill -INT $watcher
	ended_with 0 $watcher
	[[ ! -s $BATS_TEST_TMPDIR/err ]]
}

# A task that does not start before open_gate.
gated() { # ARGUMENT…
	taskctl -q pause gate
	taskctl submit --queue gate "$@"
}

open_gate() {
	taskctl -q resume gate
}

# Runs COMMAND… in the background, opens the gate once it has said something, and waits for its end. Its output is in out.
while_gated() { # COMMAND…
	"$@" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	local pid=$!
	said() { [[ -s $BATS_TEST_TMPDIR/out ]]; }
	condition said
	open_gate
	ended_with 0 $pid
	output=$(<"$BATS_TEST_TMPDIR/out") stderr=$(<"$BATS_TEST_TMPDIR/err")
}

@test "watch: a line for each event, until Ctrl-C" {
	watch_begin
	id=$(taskctl submit fib 10)
	told() { [[ $(events_of "$id") == 'queued running succeeded' ]]; }
	condition told
	grep -qE "^[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3} +$id  fib +running +worker [0-9]+$" "$BATS_TEST_TMPDIR/out"
	a=$(gated --delay 50ms fib 1000)
	b=$(taskctl submit --after "$a" noop)
	open_gate
	told() { [[ $(events_of "$a") == 'scheduled queued running failed' && $(events_of "$b") == 'blocked cancelled' ]]; }
	condition told
	grep -qE "$a +fib +failed .*0 to 92" "$BATS_TEST_TMPDIR/out"
	grep -qE "$b +noop +blocked +waits for 1 task$" "$BATS_TEST_TMPDIR/out"
	watch_end
}

@test "watch: a further attempt" {
	watch_begin
	id=$(taskctl submit --retries 1 --backoff 1ms fib 1000)
	told() { [[ $(events_of "$id") == 'queued running scheduled queued running failed' ]]; }
	condition told
	grep -qE "$id +fib +scheduled +due .*, as the last attempt failed: .*0 to 92" "$BATS_TEST_TMPDIR/out"
	grep -qE "$id +fib +running .*, attempt 2$" "$BATS_TEST_TMPDIR/out"
	watch_end
}

@test "watch: only what the options fit" {
	watch_begin --tag heard --state succeeded
	taskctl -q submit --tag other --wait noop >/dev/null
	id=$(taskctl submit --tag heard noop)
	told() { [[ $(events_of "$id") == succeeded ]]; }
	condition told
	[[ $(awk '{ print $4 }' "$BATS_TEST_TMPDIR/out" | sort -u) == succeeded ]]
	watch_end
}

@test "watch ID: how it stands, and what comes, until it has ended" {
	first=$(gated noop)
	id=$(taskctl submit --after "$first" progress 3 20)
	while_gated taskctl watch "$id"
	[[ $(awk '{ print $4 }' <<<"$output" | xargs) == 'blocked queued running succeeded' && -z $stderr ]]
	# one that has ended already
	run -0 taskctl watch "$id"
	[[ ${#lines[@]} -eq 1 && $output == *"$id  progress"*succeeded* ]]
	run -0 taskctl watch "$id" --state failed
}

@test "watch --progress: the steps, too" {
	id=$(gated progress 2 100)
	while_gated taskctl watch --progress "$id"
	[[ $output == *"progress    100%  step 2 of 2"* ]]
}

@test "watch --json: a value a line, with the task's record" {
	id=$(gated fib 10)
	while_gated taskctl --json watch "$id"
	[[ $(jq -rs 'map(.event) | join(" ")' <<<"$output") == 'queued running succeeded' ]]
	jq -se --arg id "$id" 'all(.task.id == $id and (.at | test("^[0-9-]+T[0-9:.]+Z$")))' <<<"$output"
}

@test "watch: unknown ids and bad words" {
	run --separate-stderr -3 taskctl watch 999999999
	[[ $stderr == "error: task 999999999: "* ]]
	id=$(taskctl submit noop)
	run --separate-stderr -3 taskctl watch "$id" 999999999
	[[ $stderr == "error: task 999999999: "* ]]
	run --separate-stderr -3 taskctl wait "$id" 999999999
	[[ $stderr == "error: task 999999999: "* ]]
	run --separate-stderr -2 taskctl watch one
	[[ $stderr == *'"one" is no task'* ]]
	run --separate-stderr -2 taskctl watch --state gone
	[[ $stderr == *"one of scheduled, blocked"* ]]
	run --separate-stderr -2 taskctl watch --user no-such-user-here
	[[ $stderr == *no-such-user-here* ]]
}

@test "watch: one that does not keep up is told what it has missed" {
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	exec 9<>"$BATS_TEST_TMPDIR/pipe"
	taskctl --json watch --task noop >&9 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	watcher=$!
	# as much as the pipe takes, and the socket, and the daemon keeps
	missed() {
		seq 20000 | taskctl map noop >/dev/null
		timeout 1 cat <&9 >/dev/null
		[[ -s $BATS_TEST_TMPDIR/err ]]
	}
	condition missed
	kill $watcher
	exec 9<&-
	[[ $(head -n 1 "$BATS_TEST_TMPDIR/err" | jq -r '.warning.kind') == missed ]]
}

@test "watch: who watches when the daemon goes is told" {
	printf '[pool default]\nprocesses = 1\n' >"$BATS_TEST_TMPDIR/taskd.conf"
	socket=$BATS_TEST_TMPDIR/other.sock
	taskd -c "$BATS_TEST_TMPDIR/taskd.conf" -s "$socket" </dev/null >/dev/null 2>&1 3>&- &
	daemon=$!
	condition taskctl -q -s "$socket" ping
	taskctl -s "$socket" --reconnect 0 watch >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	watcher=$!
	hears() { taskctl -q -s "$socket" submit noop >/dev/null && [[ -s $BATS_TEST_TMPDIR/out ]]; }
	condition hears
	kill -KILL $daemon
	ended_with 4 $watcher
	[[ $(wc -l <"$BATS_TEST_TMPDIR/err") -eq 1 && $(<"$BATS_TEST_TMPDIR/err") == "error: "* ]]
}

@test "wait --tag: all that have it" {
	a=$(taskctl submit --tag waited fib 10) b=$(taskctl submit --tag waited --delay 100ms fib 11)
	run -0 taskctl --json wait --tag waited
	[[ $(jq -r '.done | map(.id) | sort_by(tonumber) | join(" ")' <<<"$output") == "$a $b" ]]
	taskctl submit --tag waited fib 1000
	run -1 taskctl -q wait --tag waited
	run --separate-stderr -0 taskctl wait --tag nobody-has-it
	[[ -z $output && $stderr == "no tasks" ]]
	run --separate-stderr -2 taskctl wait --tag waited "$a"
	[[ $stderr == *"either IDs or a --tag"* ]]
	taskctl submit --queue shut --tag stays noop
	run -124 taskctl wait --tag stays --timeout 50ms
}

@test "Ctrl-C in wait --tag says how to come back" {
	taskctl submit --queue shut --tag left noop
	env --default-signal=INT taskctl wait --tag left 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	waiter=$!
	condition catches_interrupt $waiter
	kill -INT $waiter
	ended_with 130 $waiter
	[[ $(<"$BATS_TEST_TMPDIR/err") == "the tasks go on; to wait for them again: taskctl wait --tag 'left'" ]]
}

@test "wait --progress: bars on a terminal, and only there" {
	a=$(gated --tag bars progress 20 50) b=$(taskctl submit --queue gate --tag bars progress 20 50)
	while_gated in_terminal "taskctl wait --progress --tag bars 2>&1 >'$BATS_TEST_TMPDIR/ended'"
	[[ $output == *"$a progress "*"[=="*"%"*"step "*" of 20"* && $output == *"$b progress "* ]]
	[[ $output == *"/2 ended"* && $output == *$'\e[J'* ]]
	[[ $(wc -l <"$BATS_TEST_TMPDIR/ended") -eq 3 ]]
	id=$(gated progress 20 50)
	while_gated in_terminal "taskctl wait --progress $id"
	[[ $output == *"step "*" of 20"* && $output != *"ended"* ]]
	id=$(taskctl submit progress 2 10)
	run --separate-stderr -0 taskctl wait --progress "$id"
	[[ -z $stderr ]]
}
