#!/usr/bin/env bats
# mq: messages put and got, waited for, and never lost between the two.

load helpers

setup_file() {
	daemon_start </dev/null
}

teardown_file() {
	daemon_stop
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	mq=mq-$BATS_TEST_NUMBER
}

figure() { # NAME
	taskctl --json mq len "$mq" | jq -r ".$1"
}

figure_is() { # NAME VALUE
	[[ $(figure "$1") == "$2" ]]
}

lines_are() { # FILE N
	[[ $(wc -l <"$1") -eq $2 ]]
}

@test "before anybody has put anything: no message queues" {
	run --separate-stderr -0 taskctl mq list
	[[ -z $output && $stderr == 'no message queues' ]]
	run --separate-stderr -0 taskctl --json mq list
	[[ $output == '[]' && -z $stderr ]]
}

@test "put and get: JSON as it is, else a string, first in, first out" {
	run --separate-stderr -0 taskctl mq put "$mq" hello 30 '{"a": [1, 0.1, 12345678901234567]}' '"30"' '' null
	[[ -z $output && -z $stderr && $(taskctl mq len "$mq") == 6 ]]
	run --separate-stderr -0 taskctl mq get --count 6 "$mq"
	[[ $output == $'"hello"\n30\n{"a":[1,0.1,12345678901234567]}\n"30"\n""\nnull' && -z $stderr ]]
	[[ $(taskctl mq len "$mq") == 0 ]]
}

@test "--string and --strict" {
	taskctl mq put --string "$mq" 30 null
	[[ $(taskctl mq get -n 2 "$mq" | xargs -0) == $'"30"\n"null"' ]]
	taskctl mq put --strict "$mq" 30 '"x"'
	run --separate-stderr -2 taskctl mq put --strict "$mq" 31 hello 32
	# shellcheck disable=SC2154 # by run
	[[ ${stderr_lines[0]} == 'error: value 2: no JSON: '* ]]
	[[ ${stderr_lines[2]} == 'put: 1, all up to value 1' ]]
	[[ $(taskctl mq get --follow --timeout 0 "$mq" | xargs) == '30 x 31' ]]
	run -2 taskctl mq put --strict --string "$mq" 1
}

@test "put: the lines of standard input, as they come" {
	mkfifo in
	taskctl mq put "$mq" <in 3>&- &
	putter=$!
	exec 8>in
	printf 'one\n{"two": 2}\nthr' >&8
	condition figure_is length 2
	printf 'ee\n\nlast' >&8
	exec 8>&-
	ended_with 0 $putter
	run -0 taskctl mq get --raw -n 5 "$mq"
	[[ $output == $'one\n{"two":2}\nthree\n\nlast' ]]
	printf '1\n2\n' | taskctl mq put "$mq" -
	[[ $(taskctl --json mq put "$mq" 3 4) == '{"put":2}' ]]
	[[ $(taskctl mq get -f -t 0 "$mq" | xargs) == '1 2 3 4' ]]
}

@test "100,000 lines in, and out, in their order" {
	seq 100000 | taskctl mq put "$mq"
	[[ $(taskctl mq len "$mq") == 100000 ]]
	taskctl mq get --follow --timeout 0 "$mq" | cmp - <(seq 100000)
	figure_is unacked 0
	figure_is unfinished 0
}

@test "put: the line that is refused, and how far it has come" {
	taskctl -q mq create "$mq" --limit-count 3
	run --separate-stderr -6 taskctl mq put --timeout 0 "$mq" < <(seq 5)
	[[ ${stderr_lines[0]} == 'error: line 4: '* ]]
	[[ $stderr == *'put: 3; refused: 2, from line 4 on; nothing after line 5 was sent' ]]
	run --separate-stderr -6 taskctl --json mq put -t 10ms "$mq" 1
	[[ $(jq -r '"\(.error.kind) \(.error.what)"' <<<"$stderr") == 'queue_full value 1' ]]
	[[ $output == '{"put":0,"refused":1,"first_refused":1}' ]]
	run --separate-stderr -2 taskctl mq put "other-$mq" < <(printf '1\n\377\n3\n')
	[[ ${stderr_lines[0]} == 'error: line 2 is not UTF-8' ]]
	run --separate-stderr -2 taskctl mq put "other-$mq" < <(printf '1\n2\0\n3\n')
	[[ ${stderr_lines[0]} == 'error: line 2 has a NUL byte' ]]
	[[ $(taskctl mq get -f -t 0 "other-$mq" | xargs) == '1 1' ]]
	taskctl mq delete "$mq"
}

@test "put: waits while the queue is full, behind those who wait already" {
	taskctl -q mq create "$mq" --limit-count 1
	taskctl mq put "$mq" 1 2 3 3>&- &
	putter=$!
	condition figure_is putters 2
	taskctl mq put "$mq" 4 3>&- &
	other=$!
	condition figure_is putters 3
	[[ $(taskctl mq get -n 4 "$mq" | xargs) == '1 2 3 4' ]]
	ended_with 0 $putter
	ended_with 0 $other
	taskctl mq delete "$mq"
}

@test "put: interrupted, it says how far it has come" {
	taskctl -q mq create "$mq" --limit-count 2
	env --default-signal=INT taskctl mq put "$mq" 1 2 3 2>err 3>&- &
	putter=$!
	condition figure_is putters 1
	kill -INT $putter
	ended_with 130 $putter
	grep -qx 'interrupted: put: 2; on their way, and perhaps put: 1' err
	condition figure_is putters 0
	taskctl mq delete "$mq"
}

@test "get: waits for one, in turn" {
	for i in 1 2; do
		taskctl mq get "$mq" >"out$i" 3>&- &
		getters+=($!)
		condition figure_is getters $i
	done
	taskctl mq put "$mq" first second
	wait "${getters[@]}"
	[[ $(<out1) == '"first"' && $(<out2) == '"second"' ]]
	run --separate-stderr -124 taskctl --json mq get -t 10ms "$mq"
	[[ $(jq -r .error.kind <<<"$stderr") == wait_timed_out ]]
	taskctl mq put "$mq" 1
	run --separate-stderr -124 taskctl mq get -n 2 -t 0 "$mq"
	[[ $output == 1 && $stderr == "error: no message has come to \"$mq\"" ]]
}

@test "get --json, --raw" {
	taskctl mq put --order priority "$mq" '"low\n"'
	taskctl mq put --priority 5 "$mq" '[0.30000000000000004]'
	run -0 taskctl --json mq get -n 2 "$mq"
	[[ ${lines[0]} == '{"value":[0.30000000000000004],"priority":5,"deliveries":1}' ]]
	[[ ${lines[1]} == '{"value":"low\n","deliveries":1}' ]]
	taskctl mq put "$mq" '"a\"b"'
	[[ $(taskctl mq get -r "$mq") == 'a"b' ]]
}

@test "orders, and both ends" {
	taskctl mq put "$mq" 1 2 3
	[[ $(taskctl mq get --tail "$mq") == 3 ]]
	taskctl mq put --head "$mq" 0
	[[ $(taskctl mq get -f -t 0 "$mq" | xargs) == '0 1 2' ]]
	taskctl mq put --order lifo "lifo-$mq" 1 2 3
	[[ $(taskctl mq get -f -t 0 "lifo-$mq" | xargs) == '3 2 1' ]]
	taskctl mq put --order priority "priority-$mq" -p 1 a b
	taskctl mq put "priority-$mq" -p 7 c
	[[ $(taskctl mq get -f -t 0 -r "priority-$mq" | xargs) == 'c a b' ]]
	taskctl mq put "$mq" 1
	run --separate-stderr -2 taskctl --json mq put --order lifo "$mq" 2
	[[ $(jq -r .error.kind <<<"$stderr") == mismatch ]]
}

# Follows in the background.
follow() {
	env --default-signal=INT taskctl mq get --follow "$mq" >out 3>&- &
	follower=$!
	condition figure_is getters 1
}

@test "get --follow: goes on until it is interrupted, which is well, and loses nothing" {
	for signal in INT TERM; do
		follow
		taskctl mq put "$mq" 1 2
		condition lines_are out 2
		taskctl mq put "$mq" 3
		condition lines_are out 3
		condition figure_is unacked 0
		condition figure_is getters 1
		kill -s $signal $follower
		ended_with 0 $follower
		[[ $(xargs <out) == '1 2 3' ]]
		figure_is unfinished 0
	done
}

@test "get --follow: ended in the middle of many, each is printed or still there" {
	seq 20000 | taskctl mq put "$mq"
	env --default-signal=INT taskctl mq get --follow "$mq" >out 3>&- &
	follower=$!
	condition test -s out
	kill -INT $follower
	ended_with 0 $follower
	printed=$(wc -l <out)
	[[ $(taskctl mq len "$mq") -eq $((20000 - printed)) ]]
	taskctl mq get --follow --timeout 0 "$mq" >>out
	cmp out <(seq 20000)
}

@test "get --follow: a reader that goes away costs no message" {
	taskctl mq put "$mq" 1
	# It does not wait for something to write.
	run bash -c "timeout 60 taskctl mq get --follow $mq | head -n 1; echo \${PIPESTATUS[0]}"
	[[ $output == $'1\n141' ]]
	condition figure_is getters 0
	seq 100000 | taskctl mq put "$mq"
	run bash -c "taskctl mq get --follow $mq | head -n 1"
	[[ $output == 1 ]]
	condition figure_is unacked 0
	# What had gone into the pipe had been written.
	next=$(taskctl mq peek "$mq")
	taskctl mq get -f -t 0 "$mq" | cmp - <(seq "$next" 100000)
}

@test "get: one that is killed with a message that it could not print gives it back" {
	{ head -c 200000 /dev/zero | tr '\0' x; printf '\nlast\n'; } | taskctl mq put "$mq"
	mkfifo pipe
	exec 8<>pipe
	taskctl mq get "$mq" >pipe 3>&- &
	getter=$!
	condition figure_is unacked 1
	kill -KILL $getter
	condition figure_is length 2
	exec 8>&-
	[[ $(taskctl --json mq get "$mq" | jq '[.deliveries, (.value | length)] == [2, 200000]') == true ]]
	[[ $(taskctl mq get "$mq") == '"last"' ]]
}

@test "get --follow: where nobody reads, the second signal ends it, and the message goes back" {
	head -c 200000 /dev/zero | tr '\0' x | taskctl mq put "$mq"
	mkfifo pipe
	exec 8<>pipe
	taskctl mq get --follow "$mq" >pipe 3>&- &
	getter=$!
	condition figure_is unacked 1
	catches_end() { (((16#$(awk '/^SigCgt:/ { print $2 }' "/proc/$getter/status") >> 14) & 1)); }
	condition catches_end
	kill -TERM $getter
	condition eval '! catches_end'
	kill -TERM $getter
	ended_with 143 $getter
	condition figure_is length 1
	exec 8>&-
}

@test "a full disk is an error, and the message goes back" {
	taskctl mq put "$mq" 1
	run --separate-stderr -1 bash -c "taskctl mq get $mq >/dev/full"
	[[ $stderr == *"cannot write to standard output"* ]]
	condition figure_is length 1
	[[ $(taskctl mq get "$mq") == 1 ]]
}

@test "join: waits for what is not done; task-done" {
	taskctl mq put "$mq" 1 2
	taskctl mq join "$mq" 3>&- &
	joiner=$!
	joined() { [[ $(taskctl --json mq list "$mq" | jq '[.[].waiting[] | select(.for == "join")] | length') -eq 1 ]]; }
	condition joined
	[[ $(taskctl mq get "$mq") == 1 ]]
	[[ $(taskctl mq get --no-ack "$mq") == 2 ]]
	run -124 taskctl mq join --timeout 10ms "$mq"
	run -0 taskctl mq task-done "$mq"
	[[ $output == '0 messages are left to be done' ]]
	ended_with 0 $joiner
	run -0 taskctl mq join "$mq"
	[[ -z $output ]]
	taskctl -q mq create "$mq"
	run --separate-stderr -1 taskctl --json mq task-done "$mq"
	[[ $(jq -r .error.kind <<<"$stderr") == over_released ]]
}

@test "peek: what comes next, without taking it" {
	taskctl mq put "$mq" a '{"b": 0.1}' c
	[[ $(taskctl mq peek "$mq") == '"a"' && $(taskctl mq peek -r --tail "$mq") == c ]]
	run -0 taskctl mq peek -n 5 "$mq"
	[[ $output == $'"a"\n{"b":0.1}\n"c"' ]]
	[[ $(taskctl --json mq peek -n 2 "$mq") == $'{"value":"a"}\n{"value":{"b":0.1}}' ]]
	run -0 taskctl mq clear "$mq"
	[[ $output == '3 messages are thrown away' ]]
	run --separate-stderr -3 taskctl mq peek "$mq"
	[[ $stderr == "error: there is no message in \"$mq\"" ]]
}

@test "create, list, len, delete" {
	run --separate-stderr -0 taskctl mq create "$mq" --order priority --limit-count 10 --limit-bytes 64k
	[[ $output == "message queue $mq is made" && -z $stderr ]]
	run -0 taskctl mq create "$mq" --order priority
	[[ $output == "message queue $mq is there already" ]]
	run -2 taskctl mq create "$mq" --order lifo
	taskctl mq put "$mq" 1
	run --separate-stderr -0 taskctl mq list
	[[ ${lines[0]} =~ ^QUEUE\ +ORDER\ +LENGTH\ +BYTES\ .*LIMIT\ +LIMIT-BYTES ]]
	grep -qE "^$mq +priority +1 +[0-9]+ B +1 +10 +64.0 KiB +[0-9]+ +yes " <<<"$output"
	[[ $(taskctl --json mq list "$mq" | jq -c 'map([.name, .order, .length, .limit_count, .limit_bytes, .created])') == \
		"[[\"$mq\",\"priority\",1,10,65536,true]]" ]]
	[[ $(taskctl mq len "$mq") == 1 && $(taskctl mq len "none-$mq") == 0 ]]
	run -0 taskctl mq delete "$mq"
	[[ -z $output ]]
	run --separate-stderr -3 taskctl --json mq delete "$mq"
	[[ $(jq -r .error.kind <<<"$stderr") == not_found ]]
	run --separate-stderr -3 taskctl mq list "$mq"
	[[ -z $output && $stderr == "error: the message queue \"$mq\" is not there" ]]
}

@test "delete: an error for those who wait" {
	taskctl mq get "$mq" 2>err 3>&- &
	getter=$!
	condition figure_is getters 1
	taskctl mq delete "$mq"
	ended_with 3 $getter
	grep -q '^error: ' err
}

@test "mq: what it refuses" {
	run --separate-stderr -2 taskctl mq
	[[ $stderr == *"mq put|get|peek|len|list|create|delete|clear|join|task-done"* ]]
	for word in put get peek len create delete clear join task-done; do
		run --separate-stderr -2 taskctl mq "$word"
		[[ $stderr == *"mq $word needs a NAME"* ]]
	done
	run --separate-stderr -2 taskctl mq put "$mq" - 1 </dev/null
	[[ $stderr == *"stands alone"* ]]
	run --separate-stderr -2 taskctl mq put "$mq" --order fofo 1
	[[ $stderr == *"did you mean fifo?"* ]]
	run -2 taskctl mq get -n 0 "$mq"
	run -2 taskctl mq peek -n 1001 "$mq"
}
