#!/bin/sh
# In a tail-dispatch build no handler may call another handler or the dispatcher: every such
# call would leave a host stack frame behind for each guest instruction.
set -u
binary=${RINGFORT:?}
command -v objdump >/dev/null || { echo "objdump is not installed"; exit 77; }
listing=$(mktemp)
trap 'rm -f "$listing"' EXIT
objdump -d --no-show-raw-insn "$binary" >"$listing" || exit 1
# A loop-dispatch build returns to rf_cpu_run after each op: nothing to check.
if ! awk '/^[0-9a-f]+ <op_far>:$/{inside=1; next} /^$/{inside=0} inside && /jmp +\*/{found=1} END{exit !found}' "$listing"; then
    echo "not a tail-dispatch build: skipped"
    exit 77
fi
awk '
    /^[0-9a-f]+ <.*>:$/ { fn = $2 }
    /call / && /<(rf_dispatch|rf_after_slow|rf_op_fault|rf_op_raise|rf_op_refused|rf_block_event|rf_link)>/ {
        if (fn != "<rf_cpu_run>:") { print fn " calls " $NF; bad++ }
    }
    # a handler continues with *(%rsi) or with a pointer just loaded from an op
    /call +\*(0x[0-9a-f]+)?\(%rsi\)/ && fn != "<rf_cpu_run>:" { print fn " calls the next handler"; bad++ }
    END { printf "%d passed, %d failed\n", !bad, bad + 0; exit bad > 0 }
' "$listing"
