#!/usr/bin/env bats
# run: a command as if it ran here: its output, its input, its exit status, its signals, a terminal.
# What stands in single quotes is for the shells of the commands.
# shellcheck disable=SC2016

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
}

# run, as an interactive shell would start it in the background: with Ctrl-C.
run_with_interrupt() {
	exec env --default-signal=INT,QUIT taskctl run "$@"
}

teardown() {
	! command -v tmux >/dev/null || tmux -L "taskd-$$-$BATS_TEST_NUMBER" kill-server 2>/dev/null || true
}

command_runs() { # COMMAND
	[[ $(taskctl --json list --state running | jq --arg c "$1" 'map(select(.command == $c)) | length') -gt 0 ]]
}

contains() { # FILE TEXT
	grep -qF -- "$2" "$1"
}

is_gone() { # PID
	[[ ! -e /proc/$1 ]] || process_state_is "$1" Z
}

@test "its output, each stream where it belongs, and its exit status" {
	run --separate-stderr -3 taskctl run sh -c 'echo out; echo err >&2; exit 3'
	[[ $output == out && $stderr == err ]]
	run --separate-stderr -0 taskctl run -- echo 'a  b' '' --json -q '$HOME'
	[[ $output == 'a  b  --json -q $HOME' && -z $stderr ]]
	run -255 taskctl run sh -c 'exit 255'
}

@test "everything from the command on is its own" {
	[[ $(taskctl run echo -t --each -- ::: -h) == '-t --each -- ::: -h' ]]
	[[ $(taskctl run -q -- printf '%s.' -- --socket) == '--.--socket.' ]]
}

@test "output comes as it is written" {
	mkfifo gate
	taskctl run sh -c 'echo first; read -r line <gate; echo "$line"' >out 3>&- &
	condition contains out first
	[[ $(<out) == first ]]
	echo second >gate
	wait $!
	[[ $(<out) == $'first\nsecond' ]]
}

@test "all of a large output comes, also bytes that are no text" {
	head -c 20000000 /dev/urandom >data
	taskctl run cat data | cmp - data
	taskctl run cat data >copy
	cmp copy data
	: >appended
	taskctl run cat data >>appended
	cmp appended data
	taskctl run sh -c 'cat data >&2' 2>&1 >/dev/null | cmp - data
}

@test "what is still on its way when the command ends comes, too" {
	[[ $(taskctl run head -c 300000 /dev/zero | { condition nothing_runs && wc -c; }) -eq 300000 ]]
}

@test "standard input is the command's: a pipe, a file and where it stands, or none" {
	[[ $(echo hello | taskctl run cat) == hello ]]
	printf 'one\ntwo\n' >lines
	{
		read -r first
		[[ $first == one ]]
	} <lines
	exec 4<lines
	read -r first <&4
	exec 4<&-
	[[ $(taskctl run cat <lines) == $'one\ntwo' ]]
	[[ -z $(echo hello | taskctl run --no-stdin cat) ]]
	[[ $(echo hello | taskctl run --stdin lines cat) == $'one\ntwo' ]]
	seq 100000 | taskctl run cat | cmp - <(seq 100000)
}

@test "standard descriptors that are closed are nothing else's" {
	run -0 bash -c 'taskctl run cat <&-'
	[[ -z $output ]]
	run -0 bash -c 'taskctl run --direct cat <&-'
	taskctl run sh -c 'echo out; echo err >&2' >&- 2>err
	[[ $(<err) == err ]]
	[[ $(taskctl run sh -c 'echo out; echo err >&2' 2>&-) == out ]]
	taskctl run --each sh -c 'echo {} >&2' ::: a b 2>&-
	run -1 bash -c 'taskctl tasks 2>&1 >&-'
	[[ $output == *"error: "*"Bad file descriptor"* ]]
}

@test "what it leaves of its input is there for the next one" {
	[[ $(printf 'a\nb\n' | { taskctl run sh -c 'read -r line; echo "$line"' && cat; }) == $'a\nb' ]]
}

@test "it runs here: folder, umask and some of the environment" {
	mkdir folder
	cd folder
	[[ $(taskctl run pwd) == "$PWD" ]]
	[[ $(taskctl run --cwd .. pwd -P) == "$(cd .. && pwd -P)" ]]
	[[ $(umask 027 && taskctl run sh -c umask) == 0027 ]]
	[[ $(taskctl run --umask 077 sh -c umask) == 0077 ]]
	[[ $(TZ=Here/There SECRET=x taskctl run sh -c 'echo "$TZ.$SECRET."') == Here/There.. ]]
	[[ $(SECRET=x taskctl run -e SECRET -e 'LIST=a,b' sh -c 'echo "$SECRET.$LIST"') == x.a,b ]]
	[[ $(TZ=Here taskctl run --clean-env -e A=1 sh -c 'echo "$TZ.$A"') != Here.1 ]]
	[[ $(taskctl run sh -c 'echo "$TASKD_SLOT $TASKD_ATTEMPT $TASKD_SOCKET"') =~ ^[0-2]\ 1\ $TASKD_SOCKET$ ]]
}

@test "--shell: one line" {
	[[ $(taskctl run --shell 'printf "a\nb\n" | wc -l; exit 0') -eq 2 ]]
	run -4 taskctl run --shell exit 4
}

@test "--merge, --direct" {
	run --separate-stderr -0 taskctl run --merge sh -c 'echo out; echo err >&2'
	[[ $output == $'out\nerr' && -z $stderr ]]
	run --separate-stderr -0 taskctl run --direct sh -c 'echo out; echo err >&2'
	[[ $output == out && $stderr == err ]]
	taskctl run --direct sh -c 'echo 1; echo 2 >&2; echo 3; echo 4 >&2' >both 2>&1
	[[ $(<both) == $'1\n2\n3\n4' ]]
}

@test "--success says what counts, and the exit status is the command's" {
	run -1 taskctl run --success 0,1 sh -c 'exit 1'
	run -0 taskctl --json result "$(taskctl run --detach --success 0,1 sh -c 'exit 1')"
	[[ $(jq .status <<<"$output") -eq 1 ]]
	run -2 taskctl run --success 0,256 true
	[[ $output == *"256"* ]]
}

@test "what cannot be started: 125 and why" {
	run --separate-stderr -125 taskctl run nosuchprogram
	[[ -z $output && $stderr == *"error: "*nosuchprogram*"No such file"* && $stderr == *"hint: "* ]]
	run -125 taskctl run --cwd /nosuch true
	[[ $output == *"error: "*"/nosuch"* ]]
	run -125 taskctl run /etc/passwd
	[[ $output == *"ermission denied"* ]]
	run -125 taskctl run --stdin /nosuch true
	[[ $output == *"/nosuch"* ]]
	run -125 bash -c 'mkdir gone && cd gone && rmdir ../gone && taskctl run pwd'
	[[ $output == *"current folder"*--cwd* ]]
	run -125 taskctl -s /nosuch/socket run true
	[[ $output == *"error: "*"hint: "* ]]
	run -125 taskctl run --queue nosuch true
	[[ $output == *"nosuch"* ]]
}

@test "killed: 128 and the signal; a time limit: 124" {
	run -137 taskctl run sh -c 'kill -KILL $$'
	[[ $output == *"error: killed by SIGKILL"* ]]
	run -134 taskctl run sh -c 'kill -ABRT $$'
	run -124 taskctl run --timeout 100ms sleep 60
	[[ $output == *"time limit"* ]]
}

@test "a reader that goes away: SIGPIPE for the command" {
	run -141 bash -c 'set -o pipefail; taskctl run yes | head -n 1'
	[[ $output == y ]]
	nothing_runs
}

@test "a full disk is told" {
	[[ -c /dev/full ]] || skip 'no /dev/full'
	run -125 bash -c 'taskctl run head -c 100000 /dev/zero >/dev/full'
	[[ $output == *"No space left"* ]]
}

@test "SIGINT is the command's, and taskctl dies of it when that has" {
	run_with_interrupt sleep 60 3>&- &
	pid=$!
	condition command_runs 'sleep 60'
	kill -INT $pid
	ended_with 130 $pid
	condition nothing_runs
}

# Runs taskctl run, and writes its pid and then the signal that it died of.
run_and_tell() {
	# shellcheck disable=SC2016
	exec env --default-signal=INT,HUP perl -e '$| = 1; my $pid = fork; exec "taskctl", "run", @ARGV if !$pid;
		print "pid=$pid\n"; waitpid $pid, 0; print "signal=", $? & 127, "\n"' "$@"
}

# A shell's loop ends by that; by an exit status it does not.
@test "a signal that the command dies of is what taskctl dies of" {
	local signal
	for signal in TERM HUP USR1 INT; do
		run_and_tell sh -c 'echo >begun; exec sleep 60' >told 3>&- &
		condition test -e begun
		kill "-$signal" "$(sed -n 's/^pid=//p' told)"
		wait $!
		contains told "signal=$(kill -l "$signal")"
		rm begun
	done
}

@test "signals reach the command, and what it makes of them counts" {
	taskctl run sh -c 'trap "echo usr1" USR1; trap "echo term; exit 7" TERM; echo ready; while :; do sleep 0.05; done' \
		>out 2>/dev/null 3>&- &
	pid=$!
	condition contains out ready
	kill -USR1 $pid
	condition contains out usr1
	kill -TERM $pid
	ended_with 7 $pid
	contains out term
}

@test "Ctrl-C cancels what has not started" {
	taskctl -q pause commands
	run_with_interrupt --tag waits true 2>err 3>&- &
	pid=$!
	condition eval '[[ $(taskctl --json list --tag waits --state queued | jq length) -eq 1 ]]'
	kill -INT $pid
	ended_with 130 $pid
	condition eval '[[ $(taskctl --json list --tag waits | jq -r ".[0].state // \"gone\"") == @(cancelled|gone) ]]'
	taskctl -q resume commands
	contains err 'not started'
}

@test "SIGTSTP stops both, SIGCONT continues them" {
	taskctl run sh -c 'echo $$ >pid; exec sleep 60' 3>&- &
	pid=$!
	condition test -s pid
	condition command_runs "sh -c 'echo \$\$ >pid; exec sleep 60'"
	kill -TSTP $pid
	condition process_state_is "$(<pid)" T
	condition process_state_is $pid T
	kill -CONT $pid
	condition process_state_is "$(<pid)" S
	condition process_state_is $pid S
	kill -TERM $pid
	ended_with 143 $pid
}

@test "when taskctl is killed, the command is, too" {
	taskctl run sh -c 'echo $$ >pid; exec sleep 60' 3>&- &
	pid=$!
	condition test -s pid
	kill -KILL $pid
	condition is_gone "$(<pid)"
}

@test "a signal that taskctl was started without stays ignored" {
	bash -c 'trap "" HUP; exec taskctl run sleep 60' 3>&- &
	pid=$!
	condition command_runs 'sleep 60'
	kill -HUP $pid
	[[ $(awk '/^SigIgn:/ { print $2 }' "/proc/$pid/status") =~ [13579bdf]$ ]]
	kill -TERM $pid
	ended_with 143 $pid
}

@test "--json: the result, also of one that failed" {
	run --separate-stderr -3 taskctl --json run sh -c 'echo out; echo err >&2; exit 3'
	[[ $(jq -c '[.status, .stdout, .stderr]' <<<"$output") == '[3,"out\n","err\n"]' ]]
	[[ $(jq -r '.rusage.max_rss > 0 and .duration > 0' <<<"$output") == true && -z $stderr ]]
	run --separate-stderr -0 taskctl --json run printf '\377'
	[[ $(jq -r .stdout_base64 <<<"$output") == /w== ]]
	run --separate-stderr -125 taskctl --json run nosuchprogram
	[[ -z $output && $(jq -r .error.kind <<<"$stderr") == not_started ]]
}

@test "--detach: an id, to go on from" {
	id=$(taskctl run --detach sh -c 'echo later; exit 5')
	[[ $id =~ ^[0-9]+$ ]]
	run -1 taskctl wait "$id"
	[[ $(taskctl log "$id") == later ]]
	[[ $(taskctl --json run --detach true | jq -r .id) =~ ^[0-9]+$ ]]
	[[ $(taskctl --json result "$(echo given | taskctl run --detach --stdin - cat)" | jq -r .stdout) == given ]]
	[[ $(taskctl --json result "$(echo given | taskctl run --detach cat)" | jq -r .stdout) == '' ]]
	id=$(taskctl run --detach --live cat)
	taskctl send "$id" sent
	taskctl send --eof "$id"
	[[ $(taskctl --json result "$id" | jq -r .stdout) == sent* ]]
}

@test "options of a submission" {
	run -1 taskctl run --tag it --priority 5 false
	[[ $(taskctl --json list --tag it | jq -c '.[0] | [.priority, .command]') == '[5,"false"]' ]]
	run -0 taskctl run --retries 1 --backoff 0s sh -c 'echo "$TASKD_ATTEMPT"; [ "$TASKD_ATTEMPT" = 2 ]'
	[[ $output == $'1\n2' ]]
	first=$(taskctl run --detach --delay 100ms true)
	[[ $(taskctl run --after "$first" echo after) == after ]]
}

@test "what does not go together is told" {
	for options in '--detach -t' '--live' '--stdin x --no-stdin' '-t --direct' '-j 2' '--resume' '--each --detach' \
		'--each --key x' '--each -k -u' '--each --resume'; do
		# shellcheck disable=SC2086 # words
		run -2 taskctl run $options true
		[[ $output == *"error: "* ]]
	done
	run -2 taskctl run
	[[ $output == *"needs a COMMAND"* ]]
	run -2 taskctl run --env =x true
	run -2 taskctl run --umask 8 true
	run -2 taskctl run --bogus true
}

@test "a terminal of its own, when asked for" {
	[[ $(taskctl run sh -c 'test -t 1 || echo none') == none ]]
	run -0 taskctl run -t sh -c 'test -t 0 && test -t 1 && test -t 2 && echo all' </dev/null
	[[ $output == all* ]]
	run -3 taskctl run -t sh -c 'exit 3' </dev/null
}

# --- in a terminal of ours, which tmux is ---

tmux_start() { # COMMAND
	command -v tmux >/dev/null || skip 'tmux is not installed'
	tmux -f /dev/null -L "taskd-$$-$BATS_TEST_NUMBER" new-session -d -x 80 -y 24 "$@" 3>&-
}

tmux_() {
	tmux -L "taskd-$$-$BATS_TEST_NUMBER" "$@"
}

screen_has() { # TEXT
	tmux_ capture-pane -p | grep -qF -- "$1"
}

# The last line is a prompt, at which nothing was typed yet: what is typed sooner is another's, or lost.
prompt_is() { # TEXT
	[[ $(tmux_ capture-pane -p | grep -v '^$' | tail -n 1) == "$1" ]]
}

keys() {
	tmux_ send-keys "$@"
}

@test "-t: a shell by keys, its size, and the terminal as it was" {
	tmux_start 'PS1="outer> " sh -i'
	condition prompt_is 'outer>'
	keys 'clear; stty -a >before' Enter
	condition test -s before
	condition prompt_is 'outer>'
	keys "taskctl run -t -e PS1='inner> ' sh -i" Enter
	condition prompt_is 'inner>'
	keys 'stty size; tty; echo $((6 * 7))' Enter
	condition screen_has 42
	screen_has '24 80'
	tmux_ resize-window -x 100 -y 30
	condition eval 'keys "stty size" Enter; screen_has "30 100"'
	keys 'sleep 60' Enter
	condition command_runs "sh -i"
	keys C-c
	keys 'echo still $((1 + 1)) here' Enter
	condition screen_has 'still 2 here'
	keys 'exit 5' Enter
	condition prompt_is 'outer>'
	keys 'echo status=$?; stty -a >after; echo compared=$(cmp before after && echo same)' Enter
	condition screen_has 'status=5'
	# The size has changed, and that only.
	condition test -s after
	cmp <(sed 's/rows [0-9]*; columns [0-9]*//' before) <(sed 's/rows [0-9]*; columns [0-9]*//' after)
}

@test "-t: a program that draws, less" {
	command -v less >/dev/null || skip 'less is not installed'
	seq 1000 >numbers
	tmux_start 'PS1="outer> " sh -i'
	condition prompt_is 'outer>'
	keys 'taskctl run -t less numbers' Enter
	condition screen_has 23
	keys G
	condition screen_has 1000
	keys g
	condition eval 'screen_has 23 && ! screen_has 1000'
	keys q
	condition prompt_is 'outer>'
	keys 'echo status=$?' Enter
	condition screen_has 'status=0'
}

@test "-t: the terminal is as it was when the command is killed, and when taskctl is told to end" {
	tmux_start 'PS1="outer> " sh -i'
	condition prompt_is 'outer>'
	keys "taskctl run -t sh -c 'echo \$\$ >pid; exec sleep 60'" Enter
	condition test -s pid
	kill -KILL "$(<pid)"
	condition prompt_is 'outer>'
	keys 'echo status=$?; stty -a' Enter
	condition screen_has 'status=137'
	condition screen_has ' icanon'
	rm pid
	keys 'clear' Enter
	condition eval '! screen_has status=137'
	condition prompt_is 'outer>'
	keys "taskctl run -t sh -c 'echo \$\$ >pid; exec sleep 60'" Enter
	condition test -s pid
	kill -TERM "$(ps -o pid= --ppid "$(tmux_ list-panes -F '#{pane_pid}')" | tail -n 1)"
	condition prompt_is 'outer>'
	keys 'clear; stty -a' Enter
	condition screen_has ' icanon'
}

@test "without -t, a terminal is the command's input line by line, until Ctrl-D" {
	tmux_start 'PS1="outer> " sh -i'
	condition prompt_is 'outer>'
	keys 'taskctl run cat >copy; echo status=$?' Enter
	condition command_runs cat
	keys 'one line' Enter
	condition contains copy 'one line'
	keys C-d
	condition screen_has 'status=0'
}

@test "without -t, Ctrl-C and Ctrl-Z are signals, and fg goes on" {
	tmux_start 'PS1="outer> " bash --norc -i'
	condition prompt_is 'outer>'
	keys "taskctl run sh -c 'echo \$\$ >pid; exec sleep 60'" Enter
	condition test -s pid
	keys C-z
	condition screen_has Stopped
	condition process_state_is "$(<pid)" T
	keys fg Enter
	condition process_state_is "$(<pid)" S
	keys C-c
	condition is_gone "$(<pid)"
	keys 'echo status=$?' Enter
	condition screen_has 'status=130'
}

@test "in the background it leaves the terminal alone" {
	tmux_start 'PS1="outer> " bash --norc -i'
	condition prompt_is 'outer>'
	keys 'taskctl run cat >copy &' Enter
	condition command_runs cat
	keys 'echo mine $((2 + 2))' Enter
	condition screen_has 'mine 4'
	keys jobs Enter
	condition screen_has Running
	keys 'kill %1; wait; echo over=$((3 + 4))' Enter
	condition screen_has over=7
	[[ ! -s copy ]]
}
