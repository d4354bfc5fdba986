#!/usr/bin/env bats
# result, wait, status, list, cancel, forget: tasks that were submitted.

load helpers

setup_file() {
	daemon_start </dev/null
}

teardown_file() {
	daemon_stop
}

# A long task that runs.
running_task() {
	local id
	id=$(taskctl submit sleep 60)
	condition state_is "$id" running
	echo "$id"
}

@test "result: several, in the order asked for" {
	a=$(taskctl submit fib 10) b=$(taskctl submit fib 11) c=$(taskctl submit echo hello)
	[[ $(taskctl result "$c" "$a" "$b") == $'"hello"\n55\n89' ]]
	[[ $(taskctl result -r "$c") == hello ]]
	# it can be asked for again
	[[ $(taskctl result "$a") == 55 ]]
}

@test "result: one that failed does not hide the others" {
	a=$(taskctl submit fib 1000) b=$(taskctl submit fib 11)
	run --separate-stderr -2 taskctl result "$a" "$b"
	[[ $output == 89 && $stderr == "error: task $a: "* ]]
}

@test "result: unknown id is exit status 3, forgotten too" {
	run --separate-stderr -3 taskctl result 999999999
	[[ -z $output && $stderr == "error: task 999999999: "* ]]
	run --separate-stderr -3 taskctl --json result 999999999
	[[ $(jq -r .error.kind <<<"$stderr") == not_found ]]
	id=$(taskctl submit noop)
	taskctl wait -q "$id"
	taskctl forget -q "$id"
	run --separate-stderr -3 taskctl --json result "$id"
	[[ $(jq -r .error.kind <<<"$stderr") == forgotten ]]
}

@test "result --timeout: exit status 124, the task goes on" {
	id=$(running_task)
	run --separate-stderr -124 taskctl result --timeout 50ms "$id"
	[[ -z $output && $stderr == *"task $id has not ended yet"* ]]
	state_is "$id" running
	taskctl -q cancel "$id"
}

@test "result of a cancelled task: exit status 1" {
	id=$(running_task)
	taskctl -q cancel "$id"
	run --separate-stderr -1 taskctl --json result "$id"
	[[ $(jq -r .error.kind <<<"$stderr") == cancelled ]]
}

@test "wait: all" {
	a=$(taskctl submit fib 10) b=$(taskctl submit fib 11)
	run --separate-stderr -0 taskctl wait "$a" "$b"
	[[ ${lines[0]} == *ID*TASK*STATE* && ${#lines[@]} -eq 3 && -z $stderr ]]
	run -0 taskctl --json wait "$a" "$b"
	jq -e '(.done | length) == 2 and (.not_done | length) == 0' <<<"$output"
	run -0 taskctl -q wait "$a"
	[[ -z $output ]]
}

@test "wait: one that failed is exit status 1" {
	a=$(taskctl submit fib 10) b=$(taskctl submit fib 1000)
	run -1 taskctl wait "$a" "$b"
}

@test "wait --timeout: exit status 124; --any: until one has ended" {
	long=$(running_task) short=$(taskctl submit noop)
	taskctl -q wait "$short"
	run --separate-stderr -124 taskctl wait --timeout 50ms "$long" "$short"
	[[ $stderr == *"1 of 2 have not ended yet"* ]]
	run -0 taskctl --json wait --any "$long" "$short"
	[[ $(jq -r '.done[].id' <<<"$output") == "$short" ]]
	run -124 taskctl wait --any --timeout 50ms "$long"
	taskctl -q cancel "$long"
}

@test "wait: unknown id is exit status 3" {
	run -3 taskctl wait 999999999
}

@test "status: what is known" {
	id=$(taskctl submit --tag mine --priority 7 fib 10)
	taskctl -q wait "$id"
	run --separate-stderr -0 taskctl status "$id"
	[[ $output =~ id\ +$id && $output =~ state\ +succeeded && $output =~ tag\ +mine && $output =~ priority\ +7 ]]
	[[ $output =~ submitted\ +(now|[0-9]+s\ ago) && -z $stderr ]]
	run -0 taskctl --json status "$id"
	jq -e '.state == "succeeded" and (.submitted_at | test("^[0-9-]+T[0-9:.]+Z$"))' <<<"$output"
}

@test "status: several, and unknown ones" {
	a=$(taskctl submit noop) b=$(taskctl submit noop)
	[[ $(taskctl --json status "$a" "$b" | jq -r .id) == "$a"$'\n'"$b" ]]
	run --separate-stderr -3 taskctl --json status 999999999 "$a"
	[[ $(jq -r .id <<<"$output") == "$a" ]]
}

@test "status: an error is told with its hint" {
	id=$(taskctl submit --timeout 50ms sleep 60)
	run -124 taskctl -q result "$id"
	run -0 taskctl status "$id"
	[[ $output =~ state\ +timed_out && $output =~ kind\ +timed_out ]]
}

@test "list: the newest first, by tag, task, state and number" {
	for n in 1 2 3; do ids[n]=$(taskctl submit --tag group fib $n); done
	taskctl -q wait "${ids[@]}"
	run -0 taskctl --json list --tag group
	[[ $(jq -r '.[].id' <<<"$output") == "${ids[3]}"$'\n'"${ids[2]}"$'\n'"${ids[1]}" ]]
	[[ $(taskctl --json list --tag group -n 2 | jq length) -eq 2 ]]
	[[ $(taskctl --json list --tag group --state failed,crashed | jq length) -eq 0 ]]
	[[ $(taskctl --json list --tag group --state failed --state succeeded | jq length) -eq 3 ]]
	[[ $(taskctl --json list --tag group --task echo) == '[]' ]]
	[[ $(taskctl --json list --tag group --queue default | jq length) -eq 3 ]]
}

@test "list: a table, and a note where there is more or none" {
	id=$(taskctl submit --tag table fib 10)
	taskctl submit --tag table fib 10
	taskctl -q wait "$id"
	run --separate-stderr -0 taskctl list --tag table
	[[ ${lines[0]} =~ ^\ *ID\ +TASK\ +STATE && ${#lines[@]} -eq 3 && ${lines[2]} =~ $id\ +fib\ +succeeded ]]
	[[ -z $stderr ]]
	run --separate-stderr -0 taskctl list --tag table -n 1
	[[ ${#lines[@]} -eq 2 && $stderr == *"--limit shows more"* ]]
	run --separate-stderr -0 taskctl list --tag nobody-has-it
	[[ -z $output && $stderr == "no tasks" ]]
	run --separate-stderr -0 taskctl -q list --tag nobody-has-it
	[[ -z $stderr ]]
}

@test "list: more than fits a page" {
	command -v socat >/dev/null || skip 'socat is not installed'
	jq -cn 'range(10050) | {jsonrpc: "2.0", id: ., method: "task.submit", params: {task: "noop", tag: "pages"}}' |
		socat - "UNIX:$TASKD_SOCKET" >/dev/null
	[[ $(taskctl --json list --tag pages | jq length) -eq 100 ]]
	[[ $(taskctl --json list --tag pages -n 10050 | jq 'map(.id) | unique | length') -eq 10050 ]]
	[[ $(taskctl --json list --tag pages -n 20000 | jq length) -eq 10050 ]]
}

@test "cancel: what runs, and what waits" {
	a=$(running_task)
	run --separate-stderr -0 taskctl cancel "$a"
	[[ $output == *"$a"*cancel* ]]
	condition state_is "$a" cancelled
	b=$(running_task) c=$(running_task) d=$(taskctl submit sleep 60)
	run -0 taskctl --json cancel "$d" "$b"
	[[ $(jq -r '.[0] | .id + " " + .state' <<<"$output") == "$d cancelled" ]]
	taskctl -q cancel "$c"
	condition state_is "$b" cancelled
	condition state_is "$c" cancelled
}

@test "cancel and forget: unknown ids are exit status 3, the others are done" {
	run --separate-stderr -3 taskctl cancel 999999999
	[[ -z $output && $stderr == "error: "* ]]
	a=$(running_task)
	run --separate-stderr -3 taskctl cancel 999999999 "$a"
	[[ $output == *"$a"* && $output != *999999999* && $stderr == *"task 999999999: "* ]]
	condition state_is "$a" cancelled
	run --separate-stderr -3 taskctl forget 999999999 "$a"
	[[ $output == *"$a"*forgotten* && $output != *999999999* && $stderr == *"task 999999999: "* ]]
	run -3 taskctl status "$a"
}

@test "forget: what has not ended stays" {
	a=$(running_task)
	run --separate-stderr -1 taskctl forget "$a"
	[[ -z $output && $stderr == "error: task $a: it is running"* ]]
	state_is "$a" running
	taskctl -q cancel "$a"
}

@test "Ctrl-C while waiting leaves the task running and says how to come back" {
	for command in result wait; do
		id=$(running_task)
		env --default-signal=INT taskctl "$command" "$id" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
		waiter=$!
		condition catches_interrupt $waiter
		kill -INT $waiter
		ended_with 130 $waiter
		[[ ! -s $BATS_TEST_TMPDIR/out ]]
		[[ $(<"$BATS_TEST_TMPDIR/err") == "task $id goes on; its result: taskctl $command $id" ]]
		state_is "$id" running
		taskctl -q cancel "$id"
	done
}

@test "Ctrl-C in submit --wait leaves the task running" {
	env --default-signal=INT taskctl submit --wait --tag left sleep 60 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	waiter=$!
	condition catches_interrupt $waiter
	kill -INT $waiter
	ended_with 130 $waiter
	id=$(taskctl --json list --tag left | jq -r '.[0].id')
	grep -qx "task $id goes on; its result: taskctl result $id" "$BATS_TEST_TMPDIR/err"
	condition state_is "$id" running
	taskctl -q cancel "$id"
}

@test "Ctrl-C in call cancels the task" {
	env --default-signal=INT taskctl call --tag called sleep 60 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	caller=$!
	condition catches_interrupt $caller
	condition tasks_run
	kill -INT $caller
	ended_with 130 $caller
	condition nothing_runs
	grep -q 'cancelled' "$BATS_TEST_TMPDIR/err"
}

@test "Ctrl-C with --json: one JSON value" {
	id=$(running_task)
	env --default-signal=INT taskctl --json result "$id" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	waiter=$!
	condition catches_interrupt $waiter
	kill -INT $waiter
	ended_with 130 $waiter
	[[ $(jq -r .error.kind "$BATS_TEST_TMPDIR/err") == interrupted ]]
	taskctl -q cancel "$id"
}

@test "status --json: numbers are as the daemon said them" {
	id=$(taskctl submit --timeout 300ms noop)
	[[ $(taskctl --json status "$id" | grep -o '"timeout":[0-9.]*') == '"timeout":0.3' ]]
}
