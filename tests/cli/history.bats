#!/usr/bin/env bats
# history: which tasks the store has, in which order; also those that the daemon has forgotten.

load helpers

setup_file() {
	durable_start <<END
[taskd]
result_ttl = 1s
failure_ttl = 1s
[queue shut]
[access everybody]
users = *
END
	taskctl -q pause shut
}

teardown_file() {
	daemon_stop
}

ids_of() { # OPTION…
	taskctl --json history "$@" | jq -r '.[].id' | xargs
}

@test "the newest or the oldest, and which ones the limit leaves" {
	for n in 1 2 3; do ids[n]=$(taskctl submit --tag order fib $n); done
	[[ $(ids_of --tag order) == "${ids[3]} ${ids[2]} ${ids[1]}" ]]
	[[ $(ids_of --tag order --oldest-first) == "${ids[1]} ${ids[2]} ${ids[3]}" ]]
	[[ $(ids_of --tag order --order oldest -n 2) == "${ids[1]} ${ids[2]}" ]]
	run --separate-stderr -0 taskctl history --tag order -n 1
	[[ ${lines[0]} =~ ^\ *ID\ +TASK\ +STATE && ${lines[1]} == *"${ids[3]} "* && $stderr == "the newest 1; --limit shows more" ]]
	run --separate-stderr -0 taskctl history --tag nobody-has-it
	[[ -z $output && $stderr == "no tasks" ]]
	[[ $(taskctl --json history --tag nobody-has-it) == '[]' ]]
}

@test "by state, queue, task, tag, key, user and time" {
	a=$(taskctl submit --tag f --key one fib 10) b=$(taskctl submit --tag f fib 1000)
	c=$(taskctl submit --tag f --queue shut --key two noop)
	taskctl -q wait "$a" "$b" || true
	[[ $(ids_of --tag f --state succeeded) == "$a" && $(ids_of --tag f --state failed,queued) == "$c $b" ]]
	[[ $(ids_of --tag f --queue shut) == "$c" && $(ids_of --tag f --task fib) == "$b $a" ]]
	[[ $(ids_of --key one) == "$a" && $(ids_of --key two --tag f) == "$c" && -z $(ids_of --key three) ]]
	[[ $(ids_of --tag f --user "$(id -un)") == "$c $b $a" && -z $(ids_of --tag f --user 4000000000) ]]
	[[ $(ids_of --tag f --since 1h) == "$c $b $a" && -z $(ids_of --tag f --until 1h) ]]
	[[ $(ids_of --tag f --until 2099-01-01T00:00:00Z) == "$c $b $a" && -z $(ids_of --tag f --since 2099-01-01T00:00:00Z) ]]
	since=$(taskctl --json status "$b" | jq -r .submitted_at)
	[[ $(ids_of --tag f --since "$since") == "$c $b" && $(ids_of --tag f --until "$since") == "$a" ]]
	taskctl -q cancel "$c"
	run -2 taskctl history --state gone
	run -2 taskctl history --until yesterday
	run --separate-stderr -2 taskctl history --user no-such-user-here
	[[ $stderr == *no-such-user-here* ]]
}

@test "--columns, --sort and whole records for programs" {
	a=$(taskctl submit --tag columns --priority 3 fib 10) b=$(taskctl submit --tag columns fib 1000)
	taskctl -q wait "$a" "$b" || true
	run --separate-stderr -0 taskctl history --tag columns --columns state,id,durable
	[[ ${lines[0]} =~ ^STATE\ +ID\ +DURABLE$ && ${lines[1]} =~ ^failed\ +$b\ +yes$ && -z $stderr ]]
	[[ $(ids_of --tag columns --sort priority) == "$b $a" && $(ids_of --tag columns --sort -priority) == "$a $b" ]]
	taskctl --json history --tag columns | jq -e '.[0].error.message and .[1].ended_at and (.[1] | has("result") | not)'
	run -0 taskctl history --columns help
	[[ ${#lines[@]} -gt 20 ]]
	run --separate-stderr -2 taskctl history --sort sate
	[[ $stderr == *"did you mean state?"* ]]
}

@test "what the daemon has forgotten is there still, and has its result" {
	id=$(taskctl submit --tag old fib 30)
	taskctl -q wait "$id"
	forgotten() { [[ $(taskctl --json list --tag old) == '[]' ]]; }
	condition forgotten
	[[ $(ids_of --tag old) == "$id" ]]
	[[ $(taskctl result "$id") == 832040 ]]
	run -0 taskctl status "$id"
	[[ $output =~ state\ +succeeded && $output =~ tag\ +old ]]
	# until it is forgotten there, too
	taskctl -q forget "$id" || true
}

@test "forget: on disk, too" {
	id=$(taskctl submit --tag dropped noop)
	taskctl -q wait "$id"
	taskctl -q forget "$id"
	gone() { [[ -z $(ids_of --tag dropped) ]]; }
	condition gone
	run -3 taskctl result "$id"
}

@test "what is not durable is not there" {
	id=$(taskctl submit --no-durable --tag memory noop)
	taskctl call --tag memory noop
	taskctl -q wait "$id"
	[[ -z $(ids_of --tag memory) ]]
}

@test "more than fits a page" {
	jq -cn '[range(10050) | {task: "noop", tag: "pages"}]' | taskctl -q submit --batch - >/dev/null
	[[ $(taskctl --json history --tag pages | jq length) -eq 100 ]]
	[[ $(taskctl --json history --tag pages -n 10020 | jq 'map(.id) | unique | length') -eq 10020 ]]
	[[ $(taskctl --json history --tag pages -n 0 --oldest-first | jq '[length, (map(.id | tonumber) | . == sort)]' -c) == '[10050,true]' ]]
}

@test "others see their own" {
	[[ $EUID -eq 0 ]] || skip 'for root'
	chmod 0666 "$TASKD_SOCKET"
	mine=$(taskctl submit --tag whose noop) his=$(taskctl_as_nobody submit --tag whose noop)
	[[ $(ids_of --tag whose) == "$his $mine" ]]
	[[ $(taskctl_as_nobody --json history --tag whose | jq -r '.[].id' | xargs) == "$his" ]]
}
