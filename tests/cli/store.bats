#!/usr/bin/env bats
# store stats, check and backup.

load helpers

setup_file() {
	durable_start </dev/null
}

teardown_file() {
	daemon_stop
}

# Something that answers every request with this, as taskd might.
answers() { # JSON
	command -v socat >/dev/null || skip 'socat is not installed'
	printf '%s\n' "$1" >"$BATS_TEST_TMPDIR/answer"
	socat "UNIX-LISTEN:$BATS_TEST_TMPDIR/fake.sock,fork" SYSTEM:"read -r request; cat '$BATS_TEST_TMPDIR/answer'; read -r rest" \
		</dev/null >/dev/null 2>&1 3>&- &
	echo $! >"$BATS_TEST_TMPDIR/fake.pid"
	condition test -S "$BATS_TEST_TMPDIR/fake.sock"
}

fake() { # ARGUMENT…
	taskctl -s "$BATS_TEST_TMPDIR/fake.sock" "$@"
}

teardown() {
	[[ ! -f $BATS_TEST_TMPDIR/fake.pid ]] || kill "$(<"$BATS_TEST_TMPDIR/fake.pid")"
}

@test "stats" {
	id=$(taskctl submit noop)
	taskctl -q wait "$id"
	run --separate-stderr -0 taskctl store stats
	[[ $output =~ path\ +"$BATS_FILE_TMPDIR/state/tasks.db" && $output =~ size\ +[0-9] && $output =~ tasks\ +[0-9] ]]
	[[ $output =~ oldest\ +(now|.*ago) && -z $stderr ]]
	taskctl --json store stats | jq -e '.tasks >= 1 and .ended >= 1 and .bytes > 0 and .schema >= 1 and .oldest_at'
}

@test "check: ok" {
	run --separate-stderr -0 taskctl store check
	[[ $output == "ok, checked in "* && -z $stderr ]]
	run -0 taskctl -q store check
	[[ -z $output ]]
	taskctl --json store check | jq -e '.ok and .problems == [] and .seconds >= 0'
}

@test "check: problems are lines, and the exit status is 1" {
	answers '{"jsonrpc":"2.0","id":1,"result":{"ok":false,"problems":["page 3 is gone","task 7 has\u001b two"],"seconds":0.5}}'
	run --separate-stderr -1 fake store check
	[[ ${lines[0]} == 'page 3 is gone' && ${lines[1]} == 'task 7 has  two' && ${#lines[@]} -eq 2 ]]
	[[ $stderr == '2 problems, checked in 500ms' ]]
	run --separate-stderr -1 fake --json store check
	[[ $(jq -r '.problems | length') -eq 2 && -z $stderr ]] <<<"$output"
}

@test "backup: beside where one stands, once, and a daemon starts with it" {
	id=$(taskctl submit --wait --tag saved fib 30 >/dev/null && taskctl --json list --tag saved | jq -r '.[0].id')
	mkdir "$BATS_TEST_TMPDIR/copy"
	cd "$BATS_TEST_TMPDIR/copy"
	run --separate-stderr -0 taskctl store backup tasks.db
	[[ $output == "$PWD/tasks.db: "*" in "* && -z $stderr && $(stat -c %a tasks.db) == 600 ]]
	run --separate-stderr taskctl store backup tasks.db
	[[ $status -ne 0 && -z $output && $stderr == "error: "*tasks.db* ]]
	taskctl --json store backup other.db | jq -e --arg path "$PWD/other.db" '.path == $path and .bytes > 0'
	run ! taskctl store backup no/such/folder.db
	run -2 taskctl store backup
	run --separate-stderr -2 taskctl store backup ''
	[[ $stderr == 'error: store backup: the file'\''s name is empty'* ]]
	cd /
	socket=$BATS_TEST_TMPDIR/copy.sock
	taskd -s "$socket" -d "$BATS_TEST_TMPDIR/copy" </dev/null >"$BATS_TEST_TMPDIR/log" 2>&1 3>&- &
	echo $! >"$BATS_TEST_TMPDIR/fake.pid"
	[[ $(taskctl -s "$socket" --reconnect 1m result "$id") == 832040 ]]
}

@test "for the daemon's own user: check and backup" {
	[[ $EUID -eq 0 ]] || skip 'for root'
	chmod 0666 "$TASKD_SOCKET"
	run -5 taskctl_as_nobody store check
	run -5 taskctl_as_nobody store backup "$BATS_TEST_TMPDIR/nobody.db"
	run -5 taskctl_as_nobody store stats
	printf '[access everybody]\nusers = *\n' >>"$CONFIG"
	taskctl -q reload
	run -5 taskctl_as_nobody store check
	run -0 taskctl_as_nobody store stats
}

@test "a store that is full, behind or failed: exit status and what to do" {
	answers '{"jsonrpc":"2.0","id":1,"error":{"code":-32034,"message":"the disk is full","data":{"kind":"store_full"}}}'
	run --separate-stderr -6 fake submit noop
	[[ $stderr == "error: the disk is full"*"hint: "*--no-durable* ]]
	printf '%s\n' '{"jsonrpc":"2.0","id":1,"error":{"code":-32036,"message":"behind","data":{"kind":"store_behind"}}}' \
		>"$BATS_TEST_TMPDIR/answer"
	run --separate-stderr -6 fake submit noop
	[[ $stderr == "error: behind"*"hint: "*--no-durable* ]]
	printf '%s\n' '{"jsonrpc":"2.0","id":1,"error":{"code":-32035,"message":"it has failed","data":{"kind":"store_failed"}}}' \
		>"$BATS_TEST_TMPDIR/answer"
	run --separate-stderr -4 fake submit noop
	[[ $stderr == "error: it has failed"*"hint: "*"taskctl ping"* ]]
}

@test "a state directory has a name" {
	cd "$BATS_TEST_TMPDIR"
	run -2 --separate-stderr timeout 10 taskd -s "$BATS_TEST_TMPDIR/nameless" -d '' </dev/null
	[[ $stderr == "error: "*"hint: "*--ephemeral* && ! -e tasks.db ]]
}
