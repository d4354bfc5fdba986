#!/usr/bin/env bats
# lock: a command while a lock is held: its streams and its exit status, who waits, and what becomes of it all when
# somebody dies. And the locks of tasks.
# What stands in single quotes is for the shells of the commands.
# shellcheck disable=SC2016,SC2030,SC2031

load helpers

setup_file() {
	daemon_start <<-'END'
		[pool commands]
		commands = yes
		processes = 3
	END
}

teardown_file() {
	daemon_stop
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	mkfifo gate
	lock=lock-$BATS_TEST_NUMBER
}

teardown() {
	! command -v tmux >/dev/null || tmux -L "taskd-$$-$BATS_TEST_NUMBER" kill-server 2>/dev/null || true
}

# What the list has of this test's lock; nothing where it is not there.
of_lock() { # FILTER
	taskctl --json locks lock --name "$lock" | jq -r ".[] | $1"
}

held_by() { # N
	[[ $(of_lock '.holders | length') == "$1" ]]
}

waited_for_by() { # N
	[[ $(of_lock '.waiting | length') == "$1" ]]
}

is_free() {
	[[ -z $(of_lock '.holders[]') ]]
}

is_gone() { # PID
	[[ ! -e /proc/$1 ]] || process_state_is "$1" Z
}

# Holds the lock in the background until a line goes to gate; with these options.
hold() {
	taskctl lock "$@" "$lock" -- sh -c 'echo $$ >held; read -r line <gate' 3>&- &
	holder=$!
	condition test -s held
}

let_go() {
	echo >gate
	ended_with 0 "$holder"
}

@test "its streams, its arguments and its exit status are the command's" {
	run --separate-stderr -7 taskctl lock "$lock" -- sh -c 'cat; echo err >&2; exit 7' <<<in
	[[ $output == in && $stderr == err ]]
	run --separate-stderr -0 taskctl lock "$lock" printf '%s,' -n --json -- '$HOME' 'a  b'
	[[ $output == '-n,--json,--,$HOME,a  b,' && -z $stderr ]]
	run -0 taskctl lock -t 5s "$lock" --shared -- printf %s --help
	[[ $output == --help ]]
	run -0 taskctl --json lock "$lock" true
	[[ -z $output ]]
}

@test "what cannot be run: 127 and 126, and the lock is free again" {
	run --separate-stderr -127 taskctl lock "$lock" no-such-command
	# shellcheck disable=SC2154 # by run
	[[ ${stderr_lines[0]} == 'error: no-such-command: No such file or directory' ]]
	[[ ${stderr_lines[1]} == *PATH* ]]
	run --separate-stderr -127 taskctl lock "$lock" ''
	[[ ${stderr_lines[0]} == 'error: "": No such file or directory' ]]
	run --separate-stderr -127 taskctl lock "$lock" ./file
	[[ ${#stderr_lines[@]} -eq 1 ]]
	echo '#!/no/such/interpreter' >script
	chmod +x script
	run --separate-stderr -127 taskctl lock "$lock" ./script
	[[ ${stderr_lines[1]} == 'hint: the file is there; the interpreter that it names is not' ]]
	touch file
	run --separate-stderr -126 taskctl --json lock "$lock" ./file
	[[ $(jq -r .error.kind <<<"$stderr") == not_started ]]
	run --separate-stderr -0 taskctl lock "$lock" true
	[[ -z $stderr ]]
}

@test "a command that is killed: taskctl ends by the same signal, and the next holder is told" {
	run -137 taskctl lock "$lock" sh -c 'kill -9 $$'
	# Shells tell of a signal, not of a status.
	run bash -c "taskctl lock $lock sh -c 'kill -9 \$\$'; exit 0"
	[[ $output == *Killed* ]]
	run --separate-stderr -0 taskctl lock "$lock" sh -c 'echo "died: $TASKD_HOLDER_DIED"'
	[[ $output == 'died: 1' && $stderr == "warning: "*"\"$lock\" died holding it"* ]]
	run --separate-stderr -0 taskctl lock "$lock" sh -c 'echo "died: $TASKD_HOLDER_DIED"'
	[[ $output == 'died: ' && -z $stderr ]]
}

@test "TASKD_FENCE grows, also under another lock's command" {
	first=$(taskctl lock "$lock" sh -c 'echo "$TASKD_FENCE"')
	run -0 taskctl lock "$lock" sh -c "taskctl lock other-$lock sh -c 'echo \$TASKD_FENCE'; echo \"\$TASKD_FENCE\""
	[[ $first -gt 0 && ${lines[1]} -gt $first && ${lines[0]} -gt ${lines[1]} ]]
}

@test "one at a time" {
	echo 0 >counter
	for _ in 1 2 3 4 5 6; do
		for _ in 1 2 3 4 5; do
			taskctl lock "$lock" sh -c 'n=$(cat counter); echo $((n + 1)) >counter'
		done 3>&- &
	done
	wait
	[[ $(<counter) -eq 30 ]]
}

@test "first come, first served" {
	hold
	for i in 1 2 3; do
		taskctl lock "$lock" sh -c "echo $i >>order" 3>&- &
		waiters+=($!)
		condition waited_for_by $i
	done
	let_go
	wait "${waiters[@]}"
	[[ $(xargs <order) == '1 2 3' ]]
}

@test "--no-wait, --timeout and --conflict-status" {
	hold
	for options in --no-wait -n '--timeout 0' '--timeout 20ms'; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr -124 taskctl lock $options "$lock" touch ran
		[[ ${stderr_lines[0]} == "error: the lock \"$lock\" "* && ${stderr_lines[1]} == "hint: held by "*"pid "* ]]
	done
	run --separate-stderr -9 taskctl --json lock -n -E 9 "$lock" touch ran
	[[ $(jq -r .error.kind <<<"$stderr") == wait_timed_out ]]
	run -0 taskctl -q lock -n --conflict-status 0 "$lock" touch ran
	[[ -z $output ]]
	run -2 taskctl lock -E 256 "$lock" true
	run -2 taskctl lock -n -t 5s "$lock" true
	let_go
	[[ ! -e ran ]]
	run -0 taskctl lock -n "$lock" touch ran
	[[ -e ran ]]
}

@test "--shared: together, but not with who wants it alone, nor past one who waits for it alone" {
	hold --shared
	run -0 taskctl lock --shared -n "$lock" true
	run -124 taskctl lock -n "$lock" true
	taskctl lock "$lock" sh -c 'echo alone >>order' 3>&- &
	alone=$!
	condition waited_for_by 1
	taskctl lock --shared "$lock" sh -c 'echo shared >>order' 3>&- &
	shared=$!
	condition waited_for_by 2
	run -124 taskctl lock --shared -n "$lock" true
	let_go
	wait $alone $shared
	[[ $(xargs <order) == 'alone shared' ]]
}

@test "--verbose: says for whom it waits, and for how long it did" {
	hold
	taskctl lock -v "$lock" true 2>err 3>&- &
	waiter=$!
	condition grep -q "^waiting for the lock \"$lock\", held by .*pid [0-9].*, taken " err
	let_go
	ended_with 0 $waiter
	grep -q "^the lock \"$lock\" is had, after " err
	run -0 taskctl lock -v "$lock" true
	[[ -z $output ]]
}

@test "taskctl is killed: the lock is the next one's at once, and the command gets SIGTERM" {
	taskctl lock "$lock" sh -c 'trap "echo told >told; exit" TERM; echo $$ >held; while :; do sleep 0.05; done' 3>&- &
	holder=$!
	condition test -s held
	taskctl lock "$lock" sh -c 'echo "died: $TASKD_HOLDER_DIED" >next' 2>err 3>&- &
	next=$!
	condition waited_for_by 1
	kill -KILL $holder
	ended_with 0 $next
	[[ $(<next) == 'died: 1' ]]
	grep -q 'died holding it' err
	condition test -s told
}

@test "--keep: the command goes on where taskctl is killed" {
	hold --keep
	kill -KILL "$holder"
	run -0 taskctl lock "$lock" true
	kill -0 "$(<held)"
	echo >gate
	condition is_gone "$(<held)"
}

@test "what the command leaves running cannot keep the lock" {
	taskctl lock "$lock" sh -c 'exec 3>&-; sleep 600 & echo $! >pid'
	run --separate-stderr -0 taskctl lock -n "$lock" true
	[[ -z $stderr ]]
	kill "$(<pid)"
}

@test "TERM, HUP, INT, USR1 and USR2 are passed on, and taskctl ends when the command does" {
	for signal in TERM HUP INT QUIT USR1 USR2; do
		rm -f held
		env --default-signal=INT,QUIT taskctl lock "$lock" \
			sh -c "trap 'echo $signal >got; exit 5' $signal; echo >held; while :; do sleep 0.05; done" 3>&- &
		holder=$!
		condition test -e held
		kill -s $signal $holder
		ended_with 5 $holder
		[[ $(<got) == "$signal" ]]
	done
	# It has ended in order.
	run --separate-stderr -0 taskctl lock "$lock" true
	[[ -z $stderr ]]
	hold
	kill -TERM "$holder"
	ended_with 143 "$holder"
}

@test "a signal that the command sends to its whole group comes once" {
	run -0 setsid -w taskctl lock "$lock" \
		sh -c 'n=0; trap "n=\$((n + 1))" USR1; kill -USR1 0; kill -USR1 0; sleep 0; echo $n'
	[[ $output == 2 ]]
}

@test "what waits ends by the signals that end others, and waits no more" {
	hold
	for signal in INT TERM; do
		env --default-signal=INT taskctl lock "$lock" touch ran 3>&- &
		waiter=$!
		condition waited_for_by 1
		kill -s $signal $waiter
		ended_with $((128 + $(kill -l $signal))) $waiter
		condition waited_for_by 0
	done
	let_go
	[[ ! -e ran ]]
	run --separate-stderr -0 taskctl lock "$lock" true
	[[ -z $stderr ]]
}

screen_has() {
	tmux -L "taskd-$$-$BATS_TEST_NUMBER" capture-pane -p | grep -q -- "$1"
}

keys() {
	tmux -L "taskd-$$-$BATS_TEST_NUMBER" send-keys "$@"
}

@test "in a terminal: Ctrl-C and Ctrl-Z are the command's, and fg goes on" {
	command -v tmux >/dev/null || skip 'tmux is not installed'
	tmux -L "taskd-$$-$BATS_TEST_NUMBER" -f /dev/null new-session -d -x 80 -y 24 'PS1="outer> " bash --norc -i' 3>&-
	condition screen_has 'outer>'
	keys "taskctl lock $lock sh -c 'trap : INT; echo \$\$ >pid; while :; do sleep 600; echo again >>again; done'" Enter
	condition test -s pid
	keys C-z
	condition screen_has Stopped
	condition process_state_is "$(<pid)" T
	held_by 1
	keys fg Enter
	condition process_state_is "$(<pid)" S
	# It goes on after Ctrl-C, and so does taskctl.
	keys C-c
	condition test -s again
	held_by 1
	kill -KILL "$(<pid)"
	keys Enter 'echo status=$?' Enter
	condition screen_has 'status=137'
	# One that stops by itself, as editors do, gives the terminal back all the same.
	rm pid
	keys clear Enter
	condition eval '! screen_has status=137'
	keys "taskctl lock $lock sh -c 'echo \$\$ >pid; kill -TSTP \$\$; echo on; exit 4'" Enter
	condition screen_has Stopped
	keys fg Enter
	keys 'echo status=$?' Enter
	condition screen_has 'status=4'
}

# A daemon of this test's own, to be killed.
own_daemon() {
	export TASKD_SOCKET=$BATS_TEST_TMPDIR/own.sock
	taskd -c "$CONFIG" -s "$TASKD_SOCKET" </dev/null >/dev/null 2>&1 3>&- &
	daemon=$!
	condition workers_are_ready
}

@test "taskd goes away: that is said at once, and the command goes on" {
	own_daemon
	taskctl lock "$lock" sh -c 'echo >held; read -r line <gate; exit 6' 2>err 3>&- &
	holder=$!
	condition test -s held
	kill -KILL $daemon
	condition grep -q "^warning: the lock \"$lock\" is lost.*goes on" err
	kill -0 $holder
	echo >gate
	ended_with 6 $holder
	[[ $(wc -l <err) -eq 1 ]]
}

@test "taskd goes away: with --kill the command is ended" {
	own_daemon
	taskctl --json lock --kill "$lock" sh -c 'echo >held; exec sleep 600' 2>err 3>&- &
	holder=$!
	condition test -s held
	kill -KILL $daemon
	ended_with 143 $holder
	[[ $(jq -r .warning.kind err) == lock_lost ]]
	run --separate-stderr -4 taskctl lock "$lock" true
	[[ $stderr == "error: "* ]]
}

@test "SIGPIPE is for the command as it was for taskctl" {
	# What ignores it hears of an error; else it is killed.
	run bash -c "trap '' PIPE; taskctl lock $lock sh -c 'sleep 0.01; yes 2>err; echo \$? >status' | true"
	grep -qi 'broken pipe' err
	rm err
	run bash -c "env --default-signal=PIPE taskctl lock $lock sh -c 'yes 2>err; echo \$? >status' | true"
	[[ ! -s err && $(<status) == 141 ]]
}

@test "--task: a script that is a task takes a lock for the rest of itself" {
	id=$(taskctl run --detach -- sh -c "taskctl lock $lock --task && echo taken && read -r line <$PWD/gate")
	condition held_by 1
	[[ $(of_lock '.holders[0].task') == "$id" ]]
	run --separate-stderr -124 taskctl lock -n "$lock" true
	[[ $stderr == *"held by task $id"* ]]
	echo >gate
	taskctl -q wait "$id"
	[[ $(taskctl log "$id") == taken ]]
	run -0 taskctl lock -n "$lock" true
	run -0 taskctl run sh -c "taskctl --json lock $lock --task"
	jq -e '.fence > 0 and .holder_died == false' <<<"$output"
}

@test "--task --release: who has it next is told that the task died, unless that was said" {
	taskctl run sh -c "taskctl lock $lock --task"
	run --separate-stderr -0 taskctl lock "$lock" true
	[[ $stderr == *'died holding it'* ]]
	taskctl run sh -c "taskctl lock $lock --task; taskctl lock $lock --task --release"
	run --separate-stderr -0 taskctl lock "$lock" true
	[[ -z $stderr ]]
	taskctl run sh -c "taskctl semaphore $lock --slots 5 --count 3 --task
		taskctl --json semaphore $lock --count 2 --task --release >released
		taskctl semaphore $lock --task --release; taskctl locks semaphore --name $lock >left"
	[[ $(jq .value released) == 4 && ! -s left ]]
	run --separate-stderr -1 taskctl run sh -c "taskctl lock $lock --task --release"
	[[ $stderr == "error: "*"nobody holds"* ]]
	run --separate-stderr -2 taskctl lock "$lock" --release true
	[[ $stderr == *"--release needs --task"* ]]
	run -2 env TASKD_TASK_ID=1 taskctl lock "$lock" --task --release -n
}

@test "--task: not without a task, not another's, not with a command" {
	run --separate-stderr -2 taskctl lock "$lock" --task
	[[ $stderr == *"TASKD_TASK_ID"* ]]
	run --separate-stderr -2 taskctl lock --task "$lock" true
	[[ $stderr == *"--task does not go with a COMMAND"* ]]
	id=$(taskctl run --detach sleep 600)
	condition state_is "$id" running
	run --separate-stderr -5 env TASKD_TASK_ID="$id" taskctl lock --task "$lock"
	[[ $stderr == "error: "* ]]
	taskctl -q cancel "$id"
}

@test "without --task, what a task's command runs holds by itself" {
	id=$(taskctl run --detach -- sh -c "taskctl lock $lock true; read -r line <$PWD/gate; echo")
	free_while_it_runs() { state_is "$id" running && is_free; }
	condition free_while_it_runs
	echo >gate
	taskctl -q wait "$id"
}

@test "a circle of waits is refused, and told" {
	one="taskctl lock $lock --task; echo >$PWD/one; read -r line <$PWD/gate; taskctl lock other-$lock --task"
	id=$(taskctl run --detach -- sh -c "$one; sleep 600")
	condition test -e one
	other=$(taskctl run --detach -- sh -c "taskctl lock other-$lock --task; taskctl lock $lock --task; sleep 600")
	condition waited_for_by 1
	echo >gate
	refused() { taskctl log "$id" 2>&1 | grep -q "^error: lock \"other-$lock\": "; }
	condition refused
	taskctl -q cancel "$id" "$other"
}

@test "a task with --lock: blocked until it can have it, and says what for" {
	hold
	id=$(taskctl submit --lock "$lock" --semaphore "gpu-$lock=1/2" echo here)
	condition state_is "$id" blocked
	run -0 taskctl status "$id"
	grep -qx " *locks  $lock" <<<"$output"
	grep -qx " *semaphores  gpu-$lock=1/2" <<<"$output"
	grep -qx " *waits for  lock $lock" <<<"$output"
	run -0 taskctl list --state blocked
	[[ ${lines[0]} == *'WAITS FOR'* && $output == *"lock $lock"* ]]
	run -0 taskctl list --state blocked --columns id,locks,semaphores,waits-for
	[[ ${lines[1]} =~ ^\ *$id\ +$lock\ +gpu-$lock=1/2\ +lock\ $lock$ ]]
	taskctl watch "$id" >watched 3>&- &
	watcher=$!
	condition grep -q "waits for lock $lock" watched
	let_go
	[[ $(taskctl result "$id") == '"here"' ]]
	ended_with 0 $watcher
}

@test "--shared-lock and --semaphore of a submission; run, call and schedule have them, too" {
	hold --shared
	[[ $(taskctl call --shared-lock "$lock" echo 1) == 1 ]]
	[[ $(taskctl run --shared-lock "$lock" --semaphore "$lock" echo 2) == 2 ]]
	id=$(taskctl run --detach --lock "$lock" echo 3)
	condition state_is "$id" blocked
	let_go
	taskctl -q wait "$id"
	[[ $(taskctl log "$id") == 3 ]]
	taskctl -q schedule add "$lock" --every 1h --lock "$lock" --semaphore "a=2/2" noop
	taskctl -q schedule remove "$lock"
	[[ $(taskctl submit --wait --lock "$lock" --lock "other-$lock" echo 4) == 4 ]]
}

@test "options of a submission that make no sense" {
	for words in '--semaphore gpu=' '--semaphore gpu=x' '--semaphore gpu=0' '--semaphore gpu=2/1' '--semaphore =1' \
		'--semaphore gpu --semaphore gpu=2' '--semaphore gpu=1/' '--semaphore gpu=99999999999'; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr -2 taskctl submit $words noop
		[[ $stderr == "error: --semaphore: "* ]]
	done
	run --separate-stderr -2 taskctl map --lock "$lock" noop ::: 1
	[[ $stderr == *"unknown option --lock"* ]]
	run -2 taskctl submit --lock "$lock" --lock "$lock" noop
}

@test "lock: what it refuses" {
	run --separate-stderr -2 taskctl lock
	[[ $stderr == *"lock needs a NAME"* ]]
	run --separate-stderr -2 taskctl lock "$lock"
	[[ $stderr == *"lock needs a COMMAND"*"usage: taskctl lock "* ]]
	run --separate-stderr -2 taskctl lock --time 5 "$lock" true
	run -2 taskctl lock "$(printf 'x%.0s' {1..256})" true
	run -2 taskctl lock '' true
}

@test "locks: all that has a name, as a table and as JSON" {
	hold
	taskctl event set "event-$lock"
	taskctl mq put "mq-$lock" 1 '"two"'
	taskctl lock "$lock" true 3>&- &
	waiter=$!
	condition waited_for_by 1
	run --separate-stderr -0 taskctl locks --name "*$lock"
	[[ ${lines[0]} =~ ^KIND\ +NAME\ +STATE\ +HELD\ BY\ +WAITING\ +SINCE\ +MAKER$ && -z $stderr ]]
	grep -qE "^lock +$lock +held +[^ ]+ \(pid [0-9]+\) +1 " <<<"$output"
	grep -qE "^event +event-$lock +set +- +0 " <<<"$output"
	grep -qE "^mq +mq-$lock +2 messages, [0-9]+ B +- +0 " <<<"$output"
	[[ $(taskctl --json locks event mq --name "*$lock" | jq -r 'map(.kind) | join(" ")') == 'event mq' ]]
	run --separate-stderr -0 taskctl locks --name 'nothing-*'
	[[ -z $output && $stderr == 'nothing is held, waited for or filled' ]]
	run --separate-stderr -2 taskctl locks semaphor
	[[ $stderr == *"did you mean semaphore?"* ]]
	grep -qx "$lock" <(taskctl completion --words locks)
	grep -qx "event-$lock" <(taskctl completion --words events)
	grep -qx "mq-$lock" <(taskctl completion --words mqs)
	taskctl event clear "event-$lock"
	taskctl mq delete "mq-$lock"
	let_go
	ended_with 0 $waiter
}
