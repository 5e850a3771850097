#!/bin/sh
# The programs in examples/ do what their first comment says.
: "${RINGFORT:?}" "${SOURCE:?}"
bin=$(dirname "$RINGFORT")/examples
busybox=$(command -v busybox) || exit 77
failures=0

# expect TEXT PROGRAM [ARGUMENT...]
expect() {
    text=$1
    shift
    output=$("$@" 2>&1)
    case $output in
    *"$text"*) ;;
    *)
        echo "FAILED: $*: does not say '$text':"
        echo "$output" | head -n 5
        failures=1
        ;;
    esac
}

expect 'hello from a file that no disk holds' "$bin/run_program" "$busybox" cat /greeting
expect 'exit status 3' "$bin/run_program" "$busybox" sh -c 'exit 3'
expect 'killed by signal 9' "$bin/run_program" "$busybox" sh -c 'kill -9 $$'
expect 'stopped' "$bin/run_program" "$busybox" sh -c 'while :; do :; done'
expect 'No such file' "$bin/run_program" /nowhere/at/all
expect 'failed: ' "$bin/trace_calls" "$busybox" ls /nowhere
expect ' 0 signals' "$bin/trace_calls" "$busybox" ls /nowhere
expect '1001 system calls' "$bin/call_cost"

# Stories of the bare machine: the same text every time. After a change that is meant:
#     REBASE=1 RINGFORT=build/release/ringfort SOURCE=. tests/run_examples.sh
for story in rcx_r11 rcx_result sysret_noncanonical smap int80_or_syscall timer_in_syscall control_flow; do
    golden=$SOURCE/tests/golden/$story.txt
    "$bin/$story" >"${TMPDIR:-/tmp}/story.$$" 2>&1 || { echo "FAILED: $story: exit status $?"; failures=1; }
    [ -z "$REBASE" ] || cp "${TMPDIR:-/tmp}/story.$$" "$golden"
    cmp -s "$golden" "${TMPDIR:-/tmp}/story.$$" || {
        echo "FAILED: $story (< golden, > printed)"
        diff "$golden" "${TMPDIR:-/tmp}/story.$$" | head -n 20
        failures=1
    }
    rm -f "${TMPDIR:-/tmp}/story.$$"
done
for example in "$SOURCE"/examples/*.c; do
    [ -x "$bin/$(basename "$example" .c)" ] || { echo "FAILED: $example was not built"; failures=1; }
    [ "$(wc -l <"$example")" -lt 100 ] || { echo "FAILED: $example has 100 lines or more"; failures=1; }
done
exit $failures
