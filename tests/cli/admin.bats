#!/usr/bin/env bats
# reload and shutdown. A daemon for each test.

load helpers

setup() {
	# shellcheck disable=SC2034 # for the helpers
	BATS_FILE_TMPDIR=$BATS_TEST_TMPDIR
	daemon_start </dev/null
}

teardown() {
	daemon_stop
}

@test "reload: nothing new" {
	run --separate-stderr -0 taskctl reload
	[[ $output == "reloaded: nothing has changed" && -z $stderr ]]
	run -0 taskctl --json reload
	jq -e '.changed == [] and .needs_restart == []' <<<"$output"
}

@test "reload: says what has changed, and what needs a restart" {
	{
		echo '[taskd]'
		echo 'result_ttl = 5m'
		echo 'socket = /somewhere/else.sock'
	} >>"$CONFIG"
	run --separate-stderr -0 taskctl reload
	[[ $output == *"changed: "*result_ttl* ]]
	[[ $stderr == *"needs a restart: "*socket* ]]
}

@test "reload: an error is refused, with file and line" {
	echo 'proceses = 3' >>"$CONFIG"
	run --separate-stderr -1 taskctl reload
	[[ -z $output && $stderr == "error: "*"$CONFIG:3"* ]]
	run --separate-stderr -1 taskctl --json reload
	[[ $(jq -r .error.kind <<<"$stderr") == bad_config ]]
	[[ $(jq -r .error.data.line <<<"$stderr") == 3 ]]
	run -0 taskctl call fib 10
}

@test "shutdown: ends the daemon; then it is exit status 4" {
	run --separate-stderr -0 taskctl shutdown
	[[ $output == "taskd is stopping"* && -z $stderr ]]
	condition daemon_is_gone
	run -4 taskctl ping
}

@test "shutdown waits for what runs" {
	taskctl call sleep 60 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	caller=$!
	condition tasks_run
	run -0 taskctl shutdown
	condition daemon_refuses
	run ! daemon_is_gone
	kill $caller
	condition daemon_is_gone
}

@test "shutdown --now does not wait" {
	id=$(taskctl submit sleep 60)
	condition state_is "$id" running
	run -0 taskctl --json shutdown --now
	[[ $(jq .stopping <<<"$output") == true ]]
	condition daemon_is_gone
}

@test "who waits when the daemon goes is told: exit status 4" {
	taskctl call sleep 60 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	caller=$!
	condition tasks_run
	kill -KILL "$(<"$BATS_TEST_TMPDIR/taskd.pid")"
	ended_with 4 $caller
	grep -q '^error: ' "$BATS_TEST_TMPDIR/err"
}
