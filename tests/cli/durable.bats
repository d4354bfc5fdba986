#!/usr/bin/env bats
# What outlives the daemon, and taskctl that comes back to it. A daemon for each test.

load helpers

setup() {
	# shellcheck disable=SC2034 # for the helpers
	BATS_FILE_TMPDIR=$BATS_TEST_TMPDIR
	OUT=$BATS_TEST_TMPDIR/out ERR=$BATS_TEST_TMPDIR/err GO=$BATS_TEST_TMPDIR/go RUNS=$BATS_TEST_TMPDIR/runs
}

teardown() {
	touch "$GO"
	daemon_stop
}

# taskctl in the background, as $waiter.
begin() { # ARGUMENT…
	env --default-signal=INT taskctl "$@" >"$OUT" 2>"$ERR" 3>&- &
	waiter=$!
}

ids_of() { # OPTION…
	taskctl --json list "$@" | jq -r '.[].id' | xargs
}

# A command that says that it runs, and ends when $GO is there.
gated() { # OPTION…
	# shellcheck disable=SC2016 # sh expands it
	taskctl run --detach "$@" -- sh -c 'echo "run $$" >>"$0"; until [ -e "$1" ]; do sleep 0.05; done; echo done' "$RUNS" "$GO"
}

has_run() { # TIMES
	[[ $(wc -l <"$RUNS") -eq $1 ]]
}

# It has asked, and waits for the answer.
has_connected() {
	process_state_is "$waiter" S && [[ -n $(find "/proc/$waiter/fd" -lname 'socket:*') ]]
}

# It has noticed that the daemon is gone, and does not give up.
notices() {
	grep -qx 'connection lost; trying to reconnect' "$ERR"
}

returns() {
	grep -qx 'reconnected' "$ERR"
}

@test "what is submitted is on disk, and says so; what is called is not" {
	durable_start </dev/null
	[[ $(taskctl --json submit noop | jq -r .durability) == disk ]]
	[[ $(taskctl --json submit --no-durable noop | jq -r .durability) == memory ]]
	[[ $(echo '[{"task":"noop"},{"task":"noop","durable":false}]' | taskctl --json submit --batch - |
		jq -r '[.tasks[].durability] | join(" ")') == 'disk disk' ]] # all or none, there, too
	[[ $(echo '[{"task":"noop","durable":false}]' | taskctl --json submit --batch - | jq -r '.tasks[0].durability') == memory ]]
	a=$(taskctl submit noop) b=$(taskctl submit --no-durable noop)
	taskctl -q wait "$a" "$b"
	run -0 taskctl status "$a"
	[[ $output =~ durable\ +yes && $output != *recovered* ]]
	run -0 taskctl status "$b"
	[[ $output != *durable* ]]
	run -0 taskctl list --columns id,durable,on-interrupt,recovered
	grep -qE "^ *$a +yes " <<<"$output"
	grep -qE "^ *$b +- " <<<"$output"
	[[ $(taskctl call fib 10) == 55 && $(taskctl call --durable fib 10) == 55 ]]
	run -0 taskctl ping
	[[ $output == *"workers ready, store ok, answered"* ]]
	[[ $(taskctl --json ping | jq -r .store) == ok ]]
	run -0 taskctl stats
	[[ $output =~ store\ +ok && $output == *"$BATS_TEST_TMPDIR/state"* ]]
}

@test "a daemon without a store: its answers say so, and what needs one is an error" {
	for argument in '' --ephemeral; do
		# shellcheck disable=SC2086 # none, or one
		daemon_start $argument </dev/null
		[[ $(taskctl --json submit noop | jq -r .durability) == memory ]]
		run -0 taskctl ping
		[[ $output == *"workers ready, no store, answered"* ]]
		run --separate-stderr -2 taskctl submit --durable noop
		# shellcheck disable=SC2154 # by run
		[[ $stderr == "error: "*"hint: "*--ephemeral*state_directory* ]]
		run --separate-stderr -2 taskctl --json submit --durable noop
		[[ $(jq -r .error.kind <<<"$stderr") == not_durable ]]
		for command in history 'store stats' 'store check' "store backup $BATS_TEST_TMPDIR/copy"; do
			# shellcheck disable=SC2086 # several words
			run --separate-stderr -2 taskctl $command
			[[ -z $output && $stderr == "error: "*"hint: "*--ephemeral* ]]
		done
		daemon_stop
	done
}

@test "words that do not go together" {
	run --separate-stderr -2 taskctl submit --durable --no-durable noop
	[[ $stderr == *"either --durable or --no-durable"* ]]
	run --separate-stderr -2 taskctl submit --no-durable --on-interrupt crash noop
	[[ $stderr == *"--on-interrupt does not go with --no-durable"* ]]
	run --separate-stderr -2 taskctl submit --on-interrupt requeu noop
	[[ $stderr == *"did you mean requeue?"* ]]
	for option in --durable --no-durable '--on-interrupt crash'; do
		# shellcheck disable=SC2086 # several words
		run --separate-stderr -2 taskctl run $option true
		[[ $stderr == *"go with --detach only"* ]]
	done
	run -2 taskctl map --durable noop ::: 1
	run -2 taskctl queue add x --durable perhaps
	run -2 taskctl --reconnect soon ping
}

@test "after kill -9: what waits waits, in its order and to its time; what has ended has its result" {
	durable_start <<<$'[queue shut]\nlimit_running = 1'
	taskctl -q pause shut
	ended=$(taskctl submit fib 30) failed=$(taskctl submit --retries 1 --backoff 1ms fib 1000)
	taskctl -q wait "$ended" "$failed" || true
	for n in 11 12 13; do ids[n]=$(taskctl submit --queue shut --tag order --priority $((n / 13)) fib $n); done
	late=$(taskctl submit --delay 1h --key late noop)
	due=$(taskctl --json status "$late" | jq -r .due_at)
	gone=$(taskctl submit --queue shut --no-durable noop)
	daemon_kill
	durable_again
	[[ $(ids_of --tag order --state queued --order oldest) == "${ids[11]} ${ids[12]} ${ids[13]}" ]]
	# to the second: a delay is counted by another clock than times are told by
	moved=$(($(date -d "$(taskctl --json status "$late" | jq -r .due_at)" +%s) - $(date -d "$due" +%s)))
	[[ ${moved#-} -le 1 ]]
	[[ $(taskctl --json submit --key late --key-mode attach noop | jq -r '.id + " \(.duplicate)"') == "$late true" ]]
	[[ $(taskctl result "$ended") == 832040 ]]
	run --separate-stderr -2 taskctl result "$failed"
	[[ $stderr == *"0 to 92"* ]]
	[[ $(taskctl --json status "$failed" | jq '.attempts | length') -eq 1 ]]
	run -3 taskctl status "$gone"
	run -0 taskctl status "${ids[11]}"
	[[ $output =~ recovered\ +yes ]]
	next=$(taskctl submit noop)
	[[ $next -gt $gone ]]
	# still paused
	[[ $(taskctl --json queues | jq '.[] | select(.name == "shut").paused') == true ]]
	taskctl -q resume shut
	run -0 taskctl result "${ids[11]}" "${ids[12]}" "${ids[13]}"
	[[ $(xargs <<<"$output") == '89 144 233' ]]
	[[ $(taskctl --json list --tag order --sort started | jq -r '.[0].id') == "${ids[13]}" ]]
}

@test "after kill -9: what ran is run again, or has crashed" {
	durable_start <<<$'[pool commands]\nprocesses = 4'
	again=$(gated --on-interrupt requeue) crash=$(gated)
	condition has_run 2
	handler=$(taskctl submit sleep 3600) fragile=$(taskctl submit --on-interrupt crash sleep 3600)
	condition state_is "$handler" running
	condition state_is "$fragile" running
	daemon_kill
	durable_again
	condition has_run 3
	touch "$GO"
	run -0 taskctl -q wait "$again"
	[[ $(taskctl --json status "$again" | jq .attempt) -eq 2 ]]
	for id in "$crash" "$fragile"; do
		run -1 taskctl -q wait "$id"
		[[ $(state_of "$id") == crashed ]]
	done
	condition state_is "$handler" running
	taskctl -q cancel "$handler"
	# and what was told does not change
	daemon_kill
	durable_again
	[[ $(state_of "$again") == succeeded && $(state_of "$crash") == crashed && $(state_of "$handler") == cancelled ]]
	has_run 3
}

@test "schedules, and queues that were made and changed" {
	durable_start <<<'[queue kept]'
	taskctl -q queue add mine --limit-running 3 --durable no
	taskctl -q queue set kept --limit-running 2 --durable yes
	taskctl -q schedule add nightly --cron '30 4 * * *' --on-interrupt crash fib 10
	[[ $(taskctl --json submit --queue mine noop | jq -r .durability) == memory ]]
	[[ $(taskctl --json submit --queue mine --durable noop | jq -r .durability) == disk ]]
	run -0 taskctl queues
	grep -qE '^mine .* no$' <<<"$output"
	grep -qE '^kept .* yes$' <<<"$output"
	grep -qE '^default .* auto$' <<<"$output"
	next=$(taskctl --json schedule list | jq -r '.[0].next_at')
	daemon_kill
	durable_again
	taskctl --json queues | jq -e '[.[] | select(.name == "mine" or .name == "kept") | [.name, .limit_running, .durable]]
		| sort == [["kept", 2, "yes"], ["mine", 3, "no"]]'
	[[ $(taskctl --json schedule list | jq -r '.[0].next_at') == "$next" ]]
	taskctl -q queue remove mine
	taskctl -q schedule remove nightly
	daemon_kill
	durable_again
	[[ $(taskctl --json queues | jq '[.[] | select(.name == "mine")] | length') -eq 0 ]]
	[[ $(taskctl --json schedule list) == '[]' ]]
}

@test "submit --wait goes on over kill -9, and says what it waits for" {
	durable_start <<<'[queue shut]'
	taskctl -q pause shut
	begin submit --wait --queue shut --tag waited fib 30
	waits() { [[ $(ids_of --tag waited --state queued) =~ ^[0-9]+$ ]]; }
	condition waits
	daemon_kill
	condition notices
	durable_again
	condition returns
	taskctl -q resume shut
	ended_with 0 $waiter
	[[ $(<"$OUT") == 832040 && $(wc -l <"$ERR") -eq 2 ]]
}

@test "submit --wait goes on over a planned restart" {
	durable_start <<<'[queue shut]'
	taskctl -q pause shut
	begin submit --wait --queue shut --tag waited fib 30
	waits() { [[ $(ids_of --tag waited --state queued) =~ ^[0-9]+$ ]]; }
	condition waits
	daemon_stop
	durable_again
	taskctl -q resume shut
	ended_with 0 $waiter
	[[ $(<"$OUT") == 832040 ]]
	# nothing was said twice, or not at all
	[[ $(ids_of --tag waited) =~ ^[0-9]+$ ]]
}

@test "a submission that was not acknowledged is sent again, and runs once" {
	for wait in '' --wait; do
		rm -rf "$BATS_TEST_TMPDIR/state"
		durable_start </dev/null
		kill -STOP "$(<"$BATS_TEST_TMPDIR/taskd.pid")"
		# shellcheck disable=SC2086 # none, or one
		begin submit $wait --tag again fib 30
		condition has_connected
		daemon_kill
		condition notices
		durable_again
		ended_with 0 $waiter
		id=$(ids_of --tag again)
		[[ $id =~ ^[0-9]+$ && $(<"$OUT") == "$([[ $wait ]] && echo 832040 || echo "$id")" ]]
		daemon_stop
	done
}

# Between taskctl and the daemon; with -u only in this direction.
begin_proxy() { # [-u]
	socat "$@" "UNIX-LISTEN:$BATS_TEST_TMPDIR/proxy.sock" "UNIX-CONNECT:$TASKD_SOCKET" </dev/null >/dev/null 2>&1 3>&- &
	proxy=$!
}

@test "one that was taken, but whose answer was lost, is not taken twice" {
	command -v socat >/dev/null || skip 'socat is not installed'
	durable_start </dev/null
	echo '[{"task":"fib","args":[30],"tag":"batch"}]' >"$BATS_TEST_TMPDIR/batch"
	for tag in alone wait batch; do
		case $tag in
		alone) arguments=(--tag alone fib 30) ;;
		wait) arguments=(--wait --tag wait fib 30) ;;
		batch) arguments=(--batch "$BATS_TEST_TMPDIR/batch") ;;
		esac
		begin_proxy -u
		condition test -S "$BATS_TEST_TMPDIR/proxy.sock"
		begin -s "$BATS_TEST_TMPDIR/proxy.sock" submit "${arguments[@]}"
		taken() { [[ -n $(ids_of --tag "$tag" --state succeeded) ]]; }
		condition taken
		kill "$proxy"
		wait "$proxy" || true
		begin_proxy
		ended_with 0 "$waiter"
		id=$(ids_of --tag "$tag")
		[[ $id =~ ^[0-9]+$ && $(<"$OUT") == "$([[ $tag == wait ]] && echo 832040 || echo "$id")" ]]
		wait "$proxy" || true
	done
}

@test "one with a key that forbids another is not sent again" {
	durable_start </dev/null
	kill -STOP "$(<"$BATS_TEST_TMPDIR/taskd.pid")"
	begin submit --key mine noop
	condition has_connected
	daemon_kill
	ended_with 4 $waiter
	grep -q '^error: ' "$ERR"
}

@test "result, wait and watch go on over kill -9" {
	durable_start <<<'[queue shut]'
	taskctl -q pause shut
	id=$(taskctl submit --queue shut fib 30)
	for command in result wait watch; do
		begin $command "$id"
		eval "waiter_$command=\$waiter"
		case $command in
		watch) condition grep -q queued "$OUT" ;;
		*) condition catches_interrupt "$waiter" ;;
		esac
		mv "$OUT" "$OUT.$command"
		mv "$ERR" "$ERR.$command"
	done
	daemon_kill
	for command in result wait watch; do condition grep -qx 'connection lost; trying to reconnect' "$ERR.$command"; done
	durable_again
	for command in result wait watch; do condition grep -qx reconnected "$ERR.$command"; done
	taskctl -q resume shut
	# shellcheck disable=SC2154 # by eval
	ended_with 0 "$waiter_result"
	# shellcheck disable=SC2154
	ended_with 0 "$waiter_wait"
	# shellcheck disable=SC2154
	ended_with 0 "$waiter_watch"
	[[ $(<"$OUT.result") == 832040 ]]
	grep -qE "^ *$id +fib +succeeded" "$OUT.wait"
	[[ $(awk '{ print $4 }' "$OUT.watch" | tail -n 1) == succeeded ]]
}

@test "watch without ids and list --watch go on" {
	durable_start </dev/null
	for command in watch 'list --watch'; do
		# shellcheck disable=SC2086 # several words
		begin $command --tag heard
		hears() { taskctl -q submit --tag heard noop >/dev/null && [[ -s $OUT ]]; }
		condition hears
		daemon_kill
		condition notices
		durable_again
		condition returns
		id=$(taskctl submit --tag heard fib 10)
		condition grep -qE " $id  fib +succeeded" "$OUT"
		kill -INT $waiter
		ended_with 0 $waiter
	done
}

@test "list --watch on a terminal: says so, and goes on" {
	durable_start </dev/null
	mkfifo "$BATS_TEST_TMPDIR/keys"
	exec 8<>"$BATS_TEST_TMPDIR/keys"
	id=$(taskctl submit --tag drawn sleep 3600)
	condition state_is "$id" running
	TERM=xterm env --default-signal=INT script -f -q -e -c 'stty cols 80 rows 10; exec taskctl list --watch --tag drawn' \
		"$OUT" <&8 >/dev/null 3>&- &
	screen=$!
	condition grep -qE "$id +sleep .*running" "$OUT"
	daemon_kill
	condition grep -q 'connection lost; trying to reconnect' "$OUT"
	durable_again
	taskctl -q cancel "$id"
	condition grep -qE "$id +sleep .*cancelled" "$OUT"
	printf '\003' >&8
	ended_with 0 $screen
	exec 8<&-
}

@test "log -f goes on with the next attempt" {
	durable_start </dev/null
	id=$(gated --on-interrupt requeue)
	condition has_run 1
	begin log -f "$id"
	condition has_connected
	daemon_kill
	condition notices
	durable_again
	condition has_run 2
	touch "$GO"
	ended_with 0 $waiter
	[[ $(<"$OUT") == *done ]]
}

@test "without a store, another daemon's tasks are not taken for the old one's" {
	daemon_start <<<$'[queue shut]\npool = commands'
	for command in result wait watch 'log -f'; do
		taskctl -q pause shut
		id=$(taskctl run --detach --queue shut -- true)
		# shellcheck disable=SC2086 # several words
		begin $command "$id"
		condition has_connected
		daemon_kill
		daemon_again
		ended_with 3 "$waiter"
		cat "$ERR"
		[[ $(grep '^error: ' "$ERR") == *"has ended, and the task"* && $(grep -c '^error: ' "$ERR") -eq 1 ]]
	done
}

@test "a daemon that is stopping refuses it, and the next one takes it" {
	command -v socat >/dev/null || skip 'socat is not installed'
	cat >"$BATS_TEST_TMPDIR/answers" <<'END'
read -r request
echo '{"jsonrpc":"2.0","id":1,"error":{"code":-32010,"message":"stopping","data":{"kind":"shutting_down"}}}'
read -r request
echo '{"jsonrpc":"2.0","id":2,"result":{"id":"17","state":"queued","durability":"disk"}}'
read -r request
END
	socat "UNIX-LISTEN:$BATS_TEST_TMPDIR/proxy.sock" SYSTEM:"bash $BATS_TEST_TMPDIR/answers" </dev/null 3>&- &
	condition test -S "$BATS_TEST_TMPDIR/proxy.sock"
	run --separate-stderr -0 taskctl -s "$BATS_TEST_TMPDIR/proxy.sock" submit noop
	[[ $output == 17 && -z $stderr ]]
}

@test "--reconnect 0, and a daemon that does not come back: exit status 4, and how to return" {
	durable_start <<<'[queue shut]'
	taskctl -q pause shut
	for option in 0 200ms; do
		id=$(taskctl submit --queue shut noop)
		begin --reconnect $option result "$id"
		condition catches_interrupt "$waiter"
		daemon_kill
		ended_with 4 $waiter
		grep -q '^error: ' "$ERR"
		grep -q "^hint: .*taskctl result $id" "$ERR"
		durable_again
	done
}

@test "what belongs to the connection ends with it" {
	durable_start </dev/null
	begin call sleep 3600
	condition tasks_run
	daemon_kill
	ended_with 4 $waiter
	durable_again
	begin lock db -- sleep 3600
	holds() { [[ $(taskctl --json locks lock | jq length) -eq 1 ]]; }
	condition holds
	daemon_kill
	condition grep -q '^warning: ' "$ERR"
	kill $waiter
}

@test "no daemon: an error at once, unless --reconnect is given" {
	export TASKD_SOCKET=$BATS_TEST_TMPDIR/taskd.sock
	run --separate-stderr -4 taskctl submit noop
	[[ $stderr == "error: cannot connect"* ]]
	run --separate-stderr -4 taskctl --reconnect 100ms submit noop
	[[ $stderr == *"error: cannot connect"* ]]
	run -4 taskctl --reconnect 0 submit noop
	begin --reconnect 60s submit --wait fib 30
	condition grep -q 'trying again' "$ERR"
	durable_start </dev/null
	ended_with 0 $waiter
	[[ $(<"$OUT") == 832040 ]]
}

@test "Ctrl-C while the daemon is away says how to come back" {
	durable_start <<<'[queue shut]'
	taskctl -q pause shut
	begin submit --wait --queue shut --tag left noop
	waits() { [[ $(ids_of --tag left) =~ ^[0-9]+$ ]] && catches_interrupt "$waiter"; }
	condition waits
	id=$(ids_of --tag left)
	daemon_kill
	condition notices
	kill -INT $waiter
	ended_with 130 $waiter
	[[ $(tail -n 1 "$ERR") == "task $id goes on; its result: taskctl result $id" ]]
}

@test "what only looks is asked again" {
	durable_start </dev/null
	kill -STOP "$(<"$BATS_TEST_TMPDIR/taskd.pid")"
	begin --json list
	condition has_connected
	daemon_kill
	durable_again
	ended_with 0 $waiter
	[[ $(<"$OUT") == '[]' && ! -s $ERR ]]
}
