#!/usr/bin/env bats
# Several users of one daemon: what each may, sees and is told. By real users, so for root.

load helpers

# Numbers do for users whom nobody knows; these have names everywhere.
games=5 lp=7 watcher=61001 other=61002 blind=61003 nobody=65534

setup_file() {
	[[ $EUID -eq 0 ]] || return 0
	durable_start <<-END
		[taskd]
		socket_mode = 0666
		exec_users = *
		[access players]
		users = $games $other
		[access printers]
		users = lp
		tasks = fib noop
		queues = default
		objects = print-*
		[access blind]
		users = $blind
		read = none
		cancel = none
		[access watchers]
		users = $watcher
		submit = no
		read = all
		cancel = none
	END
}

teardown_file() {
	daemon_stop
}

setup() {
	[[ $EUID -eq 0 ]] || skip 'for root'
	cd / || return
}

# denied UID RIGHT WORD…: that is refused, for want of that right, and with what can be done.
denied() {
	local status=0 text
	text=$(taskctl_as "$1" "${@:3}" 2>&1 >/dev/null) || status=$?
	[[ $status -eq 5 && $text == "error: "* && $text == *"hint: "*taskd.conf* ]] || {
		echo "$status: $text" >&2
		return 1
	}
	text=$(taskctl_as "$1" --json "${@:3}" 2>&1 >/dev/null) || true
	[[ $(jq -r '.error | "\(.kind) \(.data.right)"' <<<"$text") == "denied $2" ]]
}

ids() { # UID ARGUMENT…: of list
	taskctl_as "$1" --json list "${@:2}" | jq -r '.[].id' | xargs
}

# shellcheck disable=SC2154 # stderr is what run sets
@test "whoami: as whom one is seen, and what he may" {
	run -0 taskctl_as $games whoami
	[[ $(awk '{ print $1 "=" $2 }' <<<"$output" | xargs) == 'user=games uid=5 submit=yes read=own cancel=own admin=no' ]]
	taskctl --json whoami | jq -e '.uid == 0 and .rights.admin and .rights.read == "all"'
	taskctl_as $watcher --json whoami |
		jq -e '.rights == {"submit": false, "read": "all", "cancel": "none", "admin": false}'
	taskctl_as_nobody --json whoami | jq -e '.rights == {"submit": false, "read": "none", "cancel": "none", "admin": false}'
	run --separate-stderr -2 taskctl whoamy
	[[ $stderr == *'did you mean whoami?'* ]]
}

@test "what is missing is said, and where it comes from" {
	denied $nobody submit submit noop
	denied $nobody read list
	denied $nobody cancel cancel 1
	denied $games admin pause default
	run --separate-stderr -5 taskctl_as $games reload
	[[ $stderr == *'(admin)'*games*'hint: root and taskd'* ]]
	run -0 taskctl_as_nobody ping
}

@test "some may submit some tasks into some queues" {
	taskctl -q queue add narrow
	[[ $(taskctl_as $lp call fib 10) == 55 ]]
	denied $lp submit call echo 1
	denied $lp submit submit --queue narrow noop
	denied $lp submit run --detach true
	run -125 taskctl_as $lp run true
	denied $lp submit lock games -- true
	run -0 taskctl_as $lp lock print-1 -- true
	run --separate-stderr taskctl_as $lp call echo 1
	[[ $stderr == *lp*echo* ]]
	run --separate-stderr taskctl_as $lp submit --queue narrow noop
	[[ $stderr == *noop*narrow* ]]
	[[ $(taskctl_as $lp --json tasks | jq -r '.[].task' | sort | xargs) == 'fib noop' ]]
}

@test "everybody sees his own, and of others nothing" {
	mine=$(taskctl_as $games submit --tag seen --key seen echo secret) his=$(taskctl_as $other submit --tag seen --key seen noop)
	root=$(taskctl submit --tag seen noop)
	taskctl wait "$mine" "$his" "$root"
	[[ $(ids $games --tag seen) == "$mine" && $(ids $other --tag seen) == "$his" ]]
	[[ $(ids $watcher --tag seen) == "$root $his $mine" && $(taskctl_as $watcher result "$mine") == '"secret"' ]]
	[[ $(taskctl_as $other --json history --tag seen | jq -r '.[].id') == "$his" ]]
	for command in status result log wait cancel retry forget; do
		run --separate-stderr -3 taskctl_as $other $command "$mine"
		[[ $stderr != *secret* ]]
		gone=$stderr
	done
	# The same as of an id that was there.
	taskctl_as $other forget "$his"
	run --separate-stderr -3 taskctl_as $other forget "$his"
	[[ ${stderr//$his/N} == "${gone//$mine/N}" ]]
	denied $other read list --user games
	denied $watcher cancel forget "$mine"
	[[ $(taskctl_as $games result "$mine") == '"secret"' ]]
}

@test "cancel by tag finds one's own" {
	taskctl -q pause narrow
	mine=$(taskctl_as $games submit --queue narrow --tag all noop) his=$(taskctl_as $other submit --queue narrow --tag all noop)
	run -0 taskctl_as $other cancel --tag all
	condition state_is "$his" cancelled
	state_is "$mine" queued
	taskctl -q cancel --tag all
	condition state_is "$mine" cancelled
	taskctl -q resume narrow
}

@test "what a command writes is its owner's" {
	id=$(taskctl_as $games run --detach -- echo treasure)
	taskctl wait "$id"
	[[ $(taskctl_as $games log "$id") == treasure && $(taskctl_as $watcher log "$id") == treasure ]]
	run --separate-stderr -3 taskctl_as $other log "$id"
	[[ -z $output && $stderr != *treasure* ]]
}

@test "who may submit, and see nothing, gets what his own calls give" {
	[[ $(taskctl_as $blind call fib 10) == 55 && $(taskctl_as $blind submit --wait fib 11) == 89 ]]
	[[ $(printf '10\n11\n' | taskctl_as $blind map fib | xargs) == '55 89' ]]
	[[ $(taskctl_as $blind run echo on) == on ]]
	[[ $(taskctl_as $blind run --each -k echo {} ::: a b | xargs) == 'a b' ]]
	id=$(taskctl_as $blind submit noop)
	denied $blind read status "$id"
	denied $blind cancel cancel "$id"
}

@test "who holds a lock is another user by name alone" {
	coproc taskctl_as $games lock held -- sh -c 'echo on; cat'
	read -r <&"${COPROC[0]}"
	taskctl_as $games --json locks lock | jq -e '.[0].holders[0].pid > 0'
	taskctl_as $other --json locks lock | jq -e '.[0].holders[0] | .user == "games" and (has("pid") or has("connection") | not)'
	run --separate-stderr -124 taskctl_as $other lock -n held -- true
	[[ $stderr == *games* && $stderr != *pid* ]]
	eval "exec ${COPROC[1]}>&-"
	wait
}

@test "a message queue is its maker's, unless it is shared" {
	taskctl_as $games mq put mine 1
	for command in 'put mine 2' 'get mine' 'peek mine' 'len mine' 'clear mine' 'create mine' 'delete mine'; do
		# shellcheck disable=SC2086 # words
		denied $other submit mq $command
	done
	run --separate-stderr taskctl_as $other mq get mine
	[[ $stderr == 'error: '*mine*games*'hint: '*--shared* ]]
	taskctl_as $games -q mq create --shared ours
	taskctl_as $other mq put ours 3
	[[ $(taskctl_as $games mq get ours) == 3 && $(taskctl mq len mine) == 1 ]]
	run -0 taskctl mq list
	[[ ${lines[0]} == *OWNER*SHARED* && $output == *$'\nours '*5*yes* ]]
	taskctl mq delete mine ours
}

@test "a schedule is its maker's" {
	taskctl_as $games -q schedule add hourly --every 1h echo plan
	[[ $(taskctl_as $other --json schedule list) == '[]' && $(taskctl --json schedule list | jq length) -eq 1 ]]
	run --separate-stderr -3 taskctl_as $other schedule remove hourly
	[[ $stderr != *plan* ]]
	# names are each user's own
	taskctl_as $other -q schedule add hourly --every 1h echo plan
	run --separate-stderr -3 taskctl schedule remove hourly
	[[ $stderr == *hourly*"\"user\" says whose"* ]]
	run -0 taskctl schedule remove --user $other hourly
	[[ $(taskctl --json schedule list | jq -c '[.[].owner]') == "[$games]" ]]
	taskctl_as $games -q schedule remove hourly
}

@test "a reload gives and takes rights" {
	cp "$CONFIG" "$BATS_TEST_TMPDIR/before"
	printf '[access late]\nusers = %s\n' $nobody >>"$CONFIG"
	taskctl -q reload
	[[ $(taskctl_as_nobody call fib 10) == 55 ]]
	taskctl_as_nobody -q schedule add often --every 20ms --overlap fib 1
	runs() { taskctl --json schedule list | jq ".[0].runs"; }
	some() { [[ $(runs) -gt 0 ]]; }
	condition some
	cp "$BATS_TEST_TMPDIR/before" "$CONFIG"
	taskctl -q reload
	denied $nobody submit call fib 10
	refused() { taskctl --json schedule list | jq -e '.[0].refused.kind == "denied"'; }
	condition refused
	before=$(runs)
	run -0 taskctl schedule list
	[[ ${lines[0]} == *REFUSED* && $output == *'may not submit that task'* ]]
	# known by what he was then: after a restart, too
	daemon_stop
	durable_again
	refused_again() { taskctl --json schedule list | jq -e '.[0] | .refused.kind == "denied" and .skipped > 0'; }
	condition refused_again
	[[ $(runs) -eq $before ]]
	printf '[access late]\nusers = @nogroup\n' >>"$CONFIG"
	taskctl -q reload
	goes_on() { [[ $(runs) -gt $before ]]; }
	condition goes_on
	taskctl -q schedule remove --user $nobody often
	cp "$BATS_TEST_TMPDIR/before" "$CONFIG"
	taskctl -q reload
}
