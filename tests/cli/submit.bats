#!/usr/bin/env bats
# submit and call: arguments in, results out, and how they end.

load helpers

setup_file() {
	daemon_start <<END
[plugin example]
path = $BUILD/tests/plugins/example.so
[queue narrow]
limit_queued = 1
END
}

teardown_file() {
	daemon_stop
}

@test "call prints the result" {
	run --separate-stderr -0 taskctl call fib 30
	[[ $output == 832040 && -z $stderr ]]
}

@test "submit prints the id, and the result can be had by it" {
	run --separate-stderr -0 taskctl submit fib 20
	[[ $output =~ ^[0-9]+$ && -z $stderr ]]
	run -0 taskctl result "$output"
	[[ $output == 6765 ]]
}

@test "submit --wait prints the result" {
	run --separate-stderr -0 taskctl submit --wait fib 30
	[[ $output == 832040 && -z $stderr ]]
}

@test "submit --json: id and state" {
	run -0 taskctl --json submit noop
	jq -e '(.id | test("^[0-9]+$")) and .state == "queued"' <<<"$output"
}

@test "a word that parses is JSON, another is a string" {
	[[ $(taskctl call echo 30) == 30 ]]
	[[ $(taskctl call echo '"30"') == '"30"' ]]
	[[ $(taskctl call echo hello) == '"hello"' ]]
	[[ $(taskctl call echo 'two "words"') == '"two \"words\""' ]]
	[[ $(taskctl call echo -5) == -5 ]]
	[[ $(taskctl call echo -- --wait) == '"--wait"' ]]
	[[ $(taskctl call echo 'Grüße') == '"Grüße"' ]]
	[[ $(taskctl call echo '') == '""' ]]
	[[ $(taskctl call echo null) == null ]]
	[[ $(taskctl call echo 1 two '[3, 4]' '{"five" : 5}') == '[1,"two",[3,4],{"five":5}]' ]]
}

@test "numbers pass to the letter" {
	[[ $(taskctl call echo 9007199254740993) == 9007199254740993 ]]
	[[ $(taskctl call echo 1.10) == 1.10 ]]
	[[ $(taskctl call echo 1e3) == 1e3 ]]
}

@test "--args: an array comes first, an object names" {
	[[ $(taskctl call echo --args '[1, 2]' 3) == '[1,2,3]' ]]
	[[ $(taskctl call echo --args '[]' 3) == 3 ]]
	[[ $(taskctl call echo --args ' [ ] ' 3) == 3 ]]
	[[ $(taskctl call echo --args '{"a": 1}') == '{"a":1}' ]]
	[[ $(taskctl call fib --args '{"n": 10}') == 55 ]]
	[[ $(printf '[1,\n2]' | xargs -0 taskctl call echo 0 --args) == '[1,2,0]' ]]
}

@test "- reads standard input" {
	[[ $(echo '{"a": [1,  2]}' | taskctl call echo -) == '{"a":[1,2]}' ]]
	[[ $(printf '{\n  "a": 1\n}\n' | taskctl call echo -) == '{"a":1}' ]]
	[[ $(echo hello | taskctl call echo -) == '"hello"' ]]
	[[ $(printf 'two\nlines\n' | taskctl call echo -) == '"two\nlines"' ]]
	[[ $(taskctl call echo - </dev/null) == '""' ]]
	[[ $(echo 2 | taskctl call echo 1 - 3) == '[1,2,3]' ]]
}

@test "-r prints a string without its quotes" {
	[[ $(taskctl call -r echo hello) == hello ]]
	[[ $(taskctl call -r echo '"a\tb\u00e9"') == $'a\tbé' ]]
	[[ $(taskctl call -r echo '["a"]') == '["a"]' ]]
	[[ $(taskctl submit --wait --raw echo hello) == hello ]]
	[[ $(taskctl --json call -r echo hello) == '"hello"' ]]
}

@test "a large argument and a large result" {
	jq -cn '[range(200000)]' >"$BATS_TEST_TMPDIR/large"
	taskctl call echo - <"$BATS_TEST_TMPDIR/large" >"$BATS_TEST_TMPDIR/back"
	cmp "$BATS_TEST_TMPDIR/large" "$BATS_TEST_TMPDIR/back"
}

@test "options stand anywhere" {
	[[ $(taskctl call fib 10 --priority 5 --json) == 55 ]]
	[[ $(taskctl --json -q call --tag=x fib 10) == 55 ]]
	id=$(taskctl submit fib 1 -p -3 -Q default --tag here --timeout 1m30s)
	run -0 taskctl --json status "$id"
	jq -e '.priority == -3 and .queue == "default" and .tag == "here" and .timeout == 90' <<<"$output"
}

@test "a task that fails: exit status 1 and its message" {
	run --separate-stderr -1 taskctl call add 9223372036854775807 1
	[[ -z $output && $stderr == "error: "*"too much for 64 bits"* ]]
	run --separate-stderr -1 taskctl submit --wait add 9223372036854775807 1
	[[ $stderr =~ ^error:\ task\ [0-9]+: ]]
	run --separate-stderr -1 taskctl --json call add 9223372036854775807 1
	[[ -z $output && $(jq -r .error.kind <<<"$stderr") == failed ]]
}

@test "arguments that a task does not take: exit status 2" {
	run --separate-stderr -2 taskctl call fib 1000
	[[ -z $output && $stderr == "error: "*"from 0 to 92"* ]]
	run --separate-stderr -2 taskctl call fib thirty
	[[ -z $output && $stderr == "error: "* ]]
}

@test "a task whose worker is killed: exit status 1, and what killed it" {
	taskctl submit --wait --tag victim sleep 60 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	waiter=$!
	runs() { [[ -n $(taskctl --json list --tag victim --state running | jq -r '.[].worker.pid // empty') ]]; }
	condition runs
	kill -KILL "$(taskctl --json list --tag victim | jq -r '.[0].worker.pid')"
	ended_with 1 $waiter
	grep -qiE 'SIGKILL|signal 9|killed' "$BATS_TEST_TMPDIR/err"
	condition workers_are_ready
}

@test "a task that runs too long: exit status 124" {
	run --separate-stderr -124 taskctl call --timeout 100ms sleep 60
	[[ -z $output && $stderr == "error: "* ]]
}

@test "an unknown task: exit status 2, and did you mean" {
	run --separate-stderr -2 taskctl call fibb 3
	[[ -z $output && $stderr == "error: "* && $stderr == *fib* ]]
	run --separate-stderr -2 taskctl submit fibb 3
	[[ -z $output ]]
}

@test "a full queue: exit status 6" {
	taskctl submit --queue narrow --tag narrow sleep 60 >/dev/null
	taskctl submit --queue narrow --tag narrow sleep 60 >/dev/null
	fill() { ! taskctl -q submit --queue narrow --tag narrow sleep 60 >/dev/null 2>&1; }
	condition fill
	run --separate-stderr -6 taskctl submit --queue narrow --tag narrow sleep 60
	[[ $stderr == "error: "*full* && $stderr =~ "hint: try again after "[0-9] ]]
	taskctl --json list --tag narrow --state queued,running | jq -r '.[].id' | xargs taskctl -q cancel
}

@test "a socket that others may not use: exit status 5, and who may" {
	[[ $EUID -eq 0 ]] || skip 'needs root, to be somebody else'
	command -v setpriv >/dev/null || skip 'setpriv is not installed'
	chmod 0600 "$TASKD_SOCKET"
	run --separate-stderr taskctl_as_nobody ping
	chmod 0660 "$TASKD_SOCKET"
	[[ $status -eq 5 && -z $output && $stderr == "error: "*"Permission denied"*"hint: the socket's group"* ]]
}
