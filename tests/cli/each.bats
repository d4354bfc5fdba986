#!/usr/bin/env bats
# run --each: a command for each of many values.
# What stands in single quotes is for the shells of the commands; and comparing with a file that was read is not writing it.
# shellcheck disable=SC2016,SC2094

load helpers

setup_file() {
	daemon_start <<-'END'
		[pool commands]
		commands = yes
		processes = 2
	END
}

teardown_file() {
	daemon_stop
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

lines() { # FILE
	wc -l <"$1"
}

lines_are() { # FILE N
	[[ -f $1 && $(lines "$1") -eq $2 ]]
}

sorted() {
	sort | xargs
}

@test "values after :::, behind the command or before it, and combined" {
	[[ $(taskctl run --each -- echo {} ::: a 'b c' | sort) == $'a\nb c' ]]
	[[ $(taskctl run --each ::: a 'b c' -- echo {} | sort) == $'a\nb c' ]]
	[[ $(taskctl run --each echo '{2}-{1}' ::: a b ::: 1 2 | sorted) == '1-a 1-b 2-a 2-b' ]]
	[[ -z $(taskctl run --each echo ::: </dev/null) ]]
	[[ -z $(taskctl run --each echo </dev/null) ]]
}

@test "values from lines, from a file, and with NUL" {
	[[ $(printf 'a\nb c\n\nd' | taskctl run --each -k echo) == $'a\nb c\n\nd' ]]
	printf 'x\ny\n' >values
	[[ $(taskctl run --each -k -a values echo </dev/null) == $'x\ny' ]]
	[[ $(printf 'a\nb\0c\0' | taskctl run --each -0 -k echo '<{}>') == $'<a\nb>\n<c>' ]]
	run -2 taskctl run --each -a /nosuch echo
	run -2 taskctl run --each -a values echo ::: a
}

@test "parts of a path, the number, and nothing: the value comes last" {
	[[ $(taskctl run --each echo '{}' '{.}' '{/}' '{//}' '{/.}' '{#}' ::: dir/a.tar.gz) == 'dir/a.tar.gz dir/a.tar a.tar.gz dir a.tar 1' ]]
	[[ $(taskctl run --each -k echo '{#}' ::: a b c | xargs) == '1 2 3' ]]
	[[ $(taskctl run --each printf '%s-' x ::: 'a b') == 'x-a b-' ]]
	run -2 taskctl run --each echo '{3}' ::: a ::: b
	[[ $output == *"only 2 sources"* ]]
}

@test "--shell: values are quoted, and can be the commands" {
	value="it's \$HOME; \`x\` \"y\""
	[[ $(taskctl run --each --shell 'printf %s {} | tr i I' ::: "$value") == "It's \$HOME; \`x\` \"y\"" ]]
	[[ $(printf 'echo a | tr a b\nexit 0\n' | taskctl run --each --shell) == b ]]
	run -2 taskctl run --each ::: a
	[[ $output == *"needs a COMMAND"* ]]
}

@test "values come as they are written, and are begun at once" {
	mkfifo values
	taskctl run --each touch <values 3>&- &
	exec 5>values
	echo one >&5
	condition test -f one
	echo two >&5
	condition test -f two
	exec 5>&-
	ended_with 0 $!
}

@test "many: every value once" {
	seq 1 3000 >values
	taskctl run --each echo <values | sort -n | cmp - values
	taskctl run --each -k echo <values | cmp - values
	taskctl run --each -j 1 echo <values | head -n 500 | cmp - <(seq 1 500)
}

@test "the output of each is together, whole, and each stream where it belongs" {
	script='for i in 1 2 3; do echo "$1"; echo "e$1" >&2; sleep 0.01; done; head -c 200000 /dev/zero | tr "\0" "$1"; echo'
	taskctl run --each sh -c "$script" - ::: a b c d e f >out 2>err
	[[ $(cut -c 1 out | uniq | wc -l) -eq 6 && $(cut -c 1-2 err | uniq | wc -l) -eq 6 ]]
	[[ $(wc -c <out) -eq $((6 * (6 + 200001))) && $(lines err) -eq 18 ]]
	[[ $(taskctl run --each --merge sh -c 'echo 1; echo 2 >&2; echo 3' - ::: a 2>/dev/null) == $'1\n2\n3' ]]
}

# They have been short so far: so a slot has several in its lane, and some of those that the first waits for lie behind it.
@test "what lies behind a command that takes long is not held up by it, nor loses its output" {
	seq 100 | taskctl run --each true
	seq 20 | taskctl run --each -k sh -c '[ $1 != 1 ] || for i in 2 3 4 5 6 7 8; do until [ -e $i ]; do sleep 0.05; done; done
		echo $1; echo $1 >&2; : >$1' - >out 2>err
	cmp out <(seq 20)
	cmp err <(seq 20)
}

@test "-k: in the order of the values, however long they take" {
	mkfifo gate
	taskctl run --each -k sh -c '[ "$1" != 1 ] || read -r line <gate; echo "$1"; touch "done$1"' - ::: 1 2 3 4 >out 3>&- &
	condition test -f done4
	[[ ! -s out ]]
	echo go >gate
	wait $!
	[[ $(xargs <out) == '1 2 3 4' ]]
}

@test "without -k: as they end" {
	mkfifo gate
	taskctl run --each sh -c '[ "$1" != 1 ] || read -r line <gate; echo "$1"' - ::: 1 2 3 >out 3>&- &
	condition lines_are out 2
	[[ $(xargs <out) == '2 3' ]]
	echo go >gate
	wait $!
	[[ $(xargs <out) == '2 3 1' ]]
}

@test "-u: at once, into our own output" {
	mkfifo gate
	taskctl run --each -u sh -c 'echo "before$1"; read -r line <gate; echo "$line"' - ::: 1 >out 3>&- &
	condition lines_are out 1
	echo after >gate
	wait $!
	[[ $(xargs <out) == 'before1 after' ]]
}

@test "-j: so many at a time, and no more" {
	script='mkdir running 2>/dev/null || echo two; sleep 0.02; rmdir running'
	[[ -z $(taskctl run --each -j 1 sh -c "$script" - ::: 1 2 3 4 5 6) ]]
}

@test "the exit status is how many failed" {
	run -0 taskctl run --each true ::: a b
	run --separate-stderr -3 taskctl run --each sh -c 'exit $1' - ::: 0 1 2 0 3
	# shellcheck disable=SC2154 # by run
	[[ $stderr == *"3 of 5 commands failed"* ]]
	seq 1 120 >values
	run -101 taskctl -q run --each -a values false
	run -100 taskctl -q run --each -a <(head -n 100 values) false
	[[ -z $output ]]
}

@test "one that cannot be run, is killed, or takes too long is told with its command" {
	printf '#!/bin/sh\necho fine\n' >fine
	chmod +x fine
	run --separate-stderr -1 taskctl run --each {} ::: ./fine ./nosuch
	[[ $output == fine && $stderr == *"error: ./nosuch: cannot execute"* ]]
	run --separate-stderr -1 taskctl run --each sh -c 'kill -KILL $$' - ::: 'a b'
	[[ $stderr == *"error: sh -c 'kill -KILL \$\$' - 'a b': killed by SIGKILL"* ]]
	run --separate-stderr -1 taskctl run --each --timeout 50ms sleep ::: 0 60
	[[ $stderr == *"error: sleep 60: "*"time limit"* ]]
	run --separate-stderr -1 taskctl run --each echo ::: a $'\xff' b
	[[ $stderr == *UTF-8* && $(sorted <<<"$output") == 'a b' ]]
	run --separate-stderr -1 bash -c 'printf "a\0b\nc\n" | taskctl run --each echo'
	[[ $output == c && $stderr == *NUL* ]]
}

@test "what is wrong with all of them ends it: 125" {
	run -125 taskctl run --each --queue nosuch echo ::: a b c
	[[ $(grep -c error: <<<"$output") -eq 1 ]]
	run -125 taskctl -s /nosuch/socket run --each echo ::: a
}

@test "--fail-fast stops" {
	seq 1 2000 >values
	run -1 taskctl -q run --each --fail-fast -j 2 -a values sh -c '[ "$1" != 3 ] || exit 1; echo "$1"' -
	[[ $(wc -l <<<"$output") -lt 100 ]]
	run -1 taskctl -q run --each --fail-fast sh -c '[ "$1" = 2 ] && exit 1; sleep 60' - ::: 1 2 3
	condition nothing_runs
}

@test "--joblog: a line for each" {
	run -2 taskctl -q run --each --joblog log sh -c 'exit "$1"' - ::: 0 3 $'a\tb'
	[[ $(head -n 1 log) == $'seq\tid\tstart\tseconds\texit\tsignal\tcommand' ]]
	[[ $(sort -n log | awk -F '\t' 'NF == 7 && $1 ~ /^[0-9]+$/ { print $1, $5, $6 }' | head -n 2 | xargs) == '1 0 0 2 3 0' ]]
	[[ $(lines log) -eq 4 ]]
	grep -qF "\$'a\\tb'" log
	grep -qE '^1	(-|[0-9]+)	20[0-9-]+T[0-9:.]+Z	[0-9.]+	0	0	sh -c ' log
	run -1 taskctl -q run --each --joblog log sh -c 'kill -KILL $$' - ::: x
	[[ $(awk -F '\t' 'NR == 2 { print $5, $6 }' log) == '- 9' && $(lines log) -eq 2 ]]
	run -2 taskctl run --each --joblog /nosuch/log true ::: a
}

@test "--resume: what failed and what is missing" {
	touch bad
	script='[ "$1" != b ] || [ ! -e bad ] || exit 1; echo "$1"'
	run -1 taskctl -q run --each -k --joblog log sh -c "$script" - ::: a b c c
	[[ $(xargs <<<"$output") == 'a c c' ]]
	rm bad
	[[ $(taskctl run --each -k --joblog log --resume --dry-run sh -c "$script" - ::: c a b c c d | wc -l) -eq 3 ]]
	[[ $(taskctl run --each -k --joblog log --resume sh -c "$script" - ::: c a b c c d | xargs) == 'b c d' ]]
	[[ -z $(taskctl run --each -k --joblog log --resume sh -c "$script" - ::: c a b c c d) ]]
	[[ $(grep -c ^seq log) -eq 1 ]]
}

@test "--resume after kill -KILL, again and again: every value succeeds once in the log, all of them in the end" {
	seq 1 400 >values
	# None of them comes to its end by itself: what is above the number in that file waits for it.
	each=(taskctl -q run --each --joblog log --resume -a values
		sh -c 'while [ "$1" -gt "$(cat upto)" ]; do sleep 0.01; done' -)
	for i in 1 2 3 4 5; do
		echo $((i * 60)) >upto
		"${each[@]}" 3>&- &
		pid=$!
		condition lines_are_at_least log $((i * 60 - 20))
		kill -KILL $pid
		wait $pid || true
	done
	printf '401\t-\tcut' >>log
	echo 400 >upto
	"${each[@]}"
	[[ $(awk -F '\t' '$5 == "0" && $6 == "0" { print $7 }' log | sort | uniq -d | wc -l) -eq 0 ]]
	[[ $(awk -F '\t' '$5 == "0" && $6 == "0" { print $7 }' log | sort -u | wc -l) -eq 400 ]]
}

lines_are_at_least() { # FILE N
	[[ -f $1 && $(lines "$1") -ge $2 ]]
}

@test "--dry-run: the commands, without a daemon" {
	run -0 taskctl -s /nosuch run --each --dry-run -- cp {} '{.}.bak' ::: a.txt 'b c.txt'
	[[ $output == $'cp a.txt a.bak\ncp \'b c.txt\' \'b c.bak\'' ]]
	run -0 bash -c 'printf "a\nb" | taskctl -s /nosuch run --each --dry-run --shell "echo {} | wc"'
	[[ $output == $'echo a | wc\necho b | wc' ]]
}

@test "--json: a line for each, also of those that failed" {
	run --separate-stderr -2 taskctl --json run --each sh -c 'echo "$1"; exit "$1"' - ::: 0 3 4
	[[ $(jq -s -c 'sort_by(.index) | map([.index, .result.status, .result.stdout])' <<<"$output") == \
		'[[0,0,"0\n"],[1,3,"3\n"],[2,4,"4\n"]]' ]]
	run --separate-stderr -1 taskctl --json run --each nosuchprogram ::: a
	[[ -z $output && $(jq -c '.error | [.index, .kind]' <<<"$stderr") == '[0,"not_started"]' ]]
}

@test "Ctrl-C: all are cancelled, and it says how far it was" {
	env --default-signal=INT taskctl run --each --joblog log sh -c 'echo $$ >"pid$1"; [ "$1" = 1 ] || exec sleep 60' - \
		::: 1 2 3 4 5 2>err 3>&- &
	pid=$!
	condition test -s pid2
	condition test -s pid3
	condition lines_are log 2
	kill -INT $pid
	ended_with 130 $pid
	grep -qE 'interrupted: 1 of 5 done, 0 failed' err
	grep -q -- --resume err
	[[ ! -e /proc/$(<pid2) && ! -e /proc/$(<pid3) && ! -e pid5 ]]
}

suspended() { # N: so many stand still
	[[ $(taskctl --json list --state running | jq 'map(select(.suspended)) | length') -eq $1 ]]
}

@test "SIGTSTP: the commands stand still, too, and SIGCONT lets all go on" {
	taskctl run --each sh -c 'echo >"at$1"; until [ -e go ]; do sleep 0.01; done; echo "$1"' - ::: 1 2 3 4 >out 3>&- &
	pid=$!
	condition test -e at1
	condition test -e at2
	kill -TSTP $pid
	condition suspended 2
	condition process_state_is $pid T
	touch go
	[[ ! -e at3 && ! -s out ]]
	kill -CONT $pid
	ended_with 0 $pid
	[[ $(sorted <out) == '1 2 3 4' ]]
}

@test "what can be done about it is said once" {
	run --separate-stderr -3 taskctl run --each nosuchprogram ::: a b c
	[[ $(grep -c ^error: <<<"$stderr") -eq 3 && $(grep -c ^hint: <<<"$stderr") -eq 1 ]]
}

@test "when it is killed, all of its commands are" {
	taskctl run --each sh -c 'echo $$ >"pid$1"; exec sleep 60' - ::: 1 2 3 3>&- &
	pid=$!
	condition test -s pid1
	condition test -s pid2
	kill -KILL $pid
	condition nothing_runs
	condition eval '[[ ! -e /proc/$(<pid1) && ! -e /proc/$(<pid2) ]]'
	[[ ! -e pid3 ]]
}

@test "a full queue is waited for" {
	taskctl -q queue add small --pool commands --limit-queued 1 --limit-running 1
	seq 1 30 >values
	taskctl run --each -k --queue small -a values echo | cmp - values
	taskctl -q queue remove small
}

@test "a bar on a terminal" {
	in_terminal 'taskctl run --each sleep 0.05 0 ::: 1 2 3 4 >/dev/null' >screen
	grep -q '4/4\|3/4\|2/4\|1/4\|0/4' screen
	in_terminal 'taskctl run --each --no-progress true ::: 1 2 3 >/dev/null' >screen
	[[ ! -s screen ]]
	# Not where the values are typed (here, their end is), unless it is asked for.
	in_terminal 'taskctl run --each true' >screen
	[[ $(<screen) != *done* ]]
	in_terminal 'taskctl run --each --progress true' >screen
	grep -q '0 done' screen
}
