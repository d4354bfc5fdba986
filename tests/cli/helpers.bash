# What the tests of taskctl share: the programs of the build tree, a daemon for a file's tests, and waiting for a
# condition with a bound.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0

export BUILD=${TASKD_BUILDDIR:-${top_builddir:?where the programs are: the build tree}}
export PATH=$BUILD:$PATH
export TASKD_WORKER=${TASKD_WORKER:-$BUILD/taskd-worker}
unset NO_COLOR

# Where there is no input at all, jq 1.6 takes that for true; here, nothing is not.
jq() {
	local output status=0
	[[ $1 == -e* ]] || {
		command jq "$@"
		return
	}
	output=$(command jq "$@") || status=$?
	printf '%s\n' "$output"
	[[ $status -eq 0 && -n $output ]]
}

# condition COMMAND…: until it succeeds, for up to a minute. What it says is shown once, at the end.
condition() {
	local i
	for ((i = 0; i < 1200; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	"$@" && return 0
	echo "this never came true: $*" >&2
	return 1
}

workers_are_ready() {
	taskctl --json ping 2>/dev/null | jq -e '.workers | .wanted > 0 and .ready == .wanted' >/dev/null
}

# Starts a daemon of two workers with what is on standard input in its configuration. Further arguments are taskd's.
daemon_start() { # ARGUMENT…
	export TASKD_SOCKET=$BATS_FILE_TMPDIR/taskd.sock
	export CONFIG=$BATS_FILE_TMPDIR/taskd.conf
	{
		echo '[pool default]'
		echo 'processes = 2'
		cat
	} >"$CONFIG"
	daemon_again "$@"
}

# Starts one with the configuration that is there.
daemon_again() { # ARGUMENT…
	# Its own descriptors, as bats waits for the ends of those that it gave to the test.
	taskd -c "$CONFIG" -s "$TASKD_SOCKET" "$@" </dev/null >>"$BATS_FILE_TMPDIR/taskd.log" 2>&1 3>&- &
	echo $! >"$BATS_FILE_TMPDIR/taskd.pid"
	condition workers_are_ready || {
		cat "$BATS_FILE_TMPDIR/taskd.log" >&2
		return 1
	}
}

# The same with what it keeps on disk.
durable_start() { # ARGUMENT…
	daemon_start -d "$BATS_FILE_TMPDIR/state" "$@"
}

durable_again() { # ARGUMENT…
	daemon_again -d "$BATS_FILE_TMPDIR/state" "$@"
}

# As a power cut, as far as it can tell.
daemon_kill() {
	kill -KILL "$(<"$BATS_FILE_TMPDIR/taskd.pid")"
	condition daemon_is_gone
}

daemon_is_gone() {
	! kill -0 "$(<"$BATS_FILE_TMPDIR/taskd.pid")" 2>/dev/null
}

daemon_stop() {
	local pid_file=$BATS_FILE_TMPDIR/taskd.pid
	[[ -f $pid_file ]] || return 0
	kill "$(<"$pid_file")" 2>/dev/null || return 0
	condition daemon_is_gone || kill -KILL "$(<"$pid_file")"
}

# Waits for a command in the background and checks how it ended. (run would wait in another process.)
ended_with() { # STATUS PID
	local status=0
	wait "$2" || status=$?
	[[ $status -eq $1 ]] || {
		echo "it ended with $status, not $1" >&2
		return 1
	}
}

# The state of task ID.
state_of() {
	taskctl --json status "$1" | jq -r .state
}

state_is() { # ID STATE
	[[ $(state_of "$1") == "$2" ]]
}

tasks_run() {
	[[ $(taskctl --json stats | jq .tasks.running) -gt 0 ]]
}

nothing_runs() {
	[[ $(taskctl --json stats | jq '.tasks.running + .tasks.cancelling + .tasks.queued') -eq 0 ]]
}

daemon_refuses() {
	! taskctl -q ping 2>/dev/null
}

process_state_is() { # PID STATE
	[[ $(awk '/^State:/ { print $2 }' "/proc/$1/status" 2>/dev/null) == "$2" ]]
}

# Whether process PID would be told of a SIGINT.
catches_interrupt() {
	local caught
	caught=$(awk '/^SigCgt:/ { print $2 }' "/proc/$1/status" 2>/dev/null) || return 1
	[[ -n $caught ]] && (((16#${caught: -4} & 2) != 0))
}

# Runs a command line in a terminal of its own, prints what the terminal got, and ends with the command's status.
in_terminal() {
	TERM=xterm script -q -e -c "$1" /dev/null </dev/null
}

# taskctl as somebody else, who gets as far as the socket, and to a taskctl: the build tree may be out of reach. For root.
taskctl_as() { # UID ARGUMENT…
	chmod 0711 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/file" "$BATS_FILE_TMPDIR"
	[[ -x $BATS_FILE_TMPDIR/taskctl ]] || install -m 0755 "$(command -v taskctl)" "$BATS_FILE_TMPDIR/taskctl"
	setpriv --reuid="$1" --regid="$1" --clear-groups "$BATS_FILE_TMPDIR/taskctl" "${@:2}"
}

taskctl_as_nobody() {
	taskctl_as 65534 "$@"
}
