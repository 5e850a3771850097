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
for example in "$SOURCE"/examples/*.c; do
    [ -x "$bin/$(basename "$example" .c)" ] || { echo "FAILED: $example was not built"; failures=1; }
    [ "$(wc -l <"$example")" -le 80 ] || { echo "FAILED: $example is longer than 80 lines"; failures=1; }
done
exit $failures
