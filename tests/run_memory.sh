#!/bin/sh
# A machine of 16 MiB whose programs use all of it: who dies for it, what calls answer, and that nothing
# is lost. And memory protection keys, on a CPU that has them and one that has none.
set -u
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
: "${RINGFORT:?}" "${GUEST:?}"
count=0
failures=0

# expect STATUS TEXT ARGUMENT...   of `ringfort run`
expect() {
    count=$((count + 1))
    wanted=$1
    printf '%s' "$2" >"$work/wanted"
    shift 2
    timeout 100 "$RINGFORT" run "$@" >"$work/output" 2>"$work/errors" </dev/null
    status=$?
    [ $status = "$wanted" ] && cmp -s "$work/wanted" "$work/output" && return
    echo "FAILED: $*: status $status instead of $wanted"
    diff "$work/wanted" "$work/output" | head -n 10
    head -n 3 "$work/errors"
    failures=$((failures + 1))
}

small="--max-memory 16M $GUEST/oom"
expect 137 '' $small alone
grep -q 'killed by SIGKILL.*out of memory' "$work/errors" || { echo "FAILED: no word of why"; failures=$((failures + 1)); }
expect 0 'hungry: killed by 9
small: exited 0
large: exited 0
' $small several
expect 0 'hungry: killed by 9
small: killed by 9
large: exited 0
' $small adjusted
expect 0 'more than 20: 1, error 12
all ended: 1
' $small forks
expect 137 '' $small tables
expect 137 '' $small directories
expect 137 '' $small shared
expect 137 '' $small calls
expect 137 '' $small locking
expect 0 'still here
' $small again

# the cycle limit cuts a call short
for what in zero random sparse copy fill; do
    expect 124 "$what
" --max-cycles 20000000 "$GUEST/long_calls" $what
done

refusals='alloc(1, 0): error 22
alloc(0, 4): error 22
protect(at, PAGE, PROT_READ, -1): 0
protect(at, PAGE, PROT_READ, 16): error 22
protect(at, PAGE, PROT_READ, 5): error 22
protect(at, 0, PROT_READ, 5): 0
protect(at + 1, PAGE, PROT_READ, 5): error 22
protect(at, PAGE, 0x100, 5): error 22
release(-1): error 22
release(5): error 22
release(16): error 22
'
expect 0 "${refusals}no keys: error 22
release(0): error 22
protect(at, PAGE, PROT_READ, 0): error 22
mprotect(at, PAGE, PROT_EXEC): 0
readable: 0
" --cpu x86-64-v2 "$GUEST/mm_pkeys"
expect 0 "${refusals}PKRU at start 0x55555550
keys 1 2 3, PKRU 0x55555590
protect(at, PAGE, PROT_READ | PROT_WRITE, (int)first): 0
protect(at + PAGE, PAGE, PROT_READ | PROT_WRITE, (int)second): 0
protect(at + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE, (int)third): 0
open: 1
closed: code 4 key 2, PKRU 0x55555590 before, 0x55555554 in the handler
closed, write: code 4 key 2, PKRU 0x55555590 before, 0x55555554 in the handler
read only: 0
read only, write: code 4 key 3, PKRU 0x55555590 before, 0x55555554 in the handler
write(1, at + PAGE, 1): error 14
write(ends[1], \"x\", 1): 1
read(ends[0], at + 2 * PAGE, 1): error 14
opened: 1
mprotect(at, PAGE, PROT_READ): 0
with its key: code 4 key 1, PKRU 0x5555558c before, 0x55555554 in the handler
protection counts, too: code 4 key 1, PKRU 0x5555558c before, 0x55555554 in the handler
protect(at, PAGE, PROT_READ | PROT_WRITE, 0): 0
key 0 again: 1
PKRU 0x5555558c before, 0x55555554 in the handler, 0x5555558c after
the child's 0x5555558c, and a key: 4
release((int)second): 0
release((int)second): error 22
protect(at, PAGE, PROT_READ, (int)second): error 22
reused: 2
12 more keys, then error 28
release(15): 0
mprotect(code, PAGE, PROT_EXEC): 0
runs: 42
but is not read: code 4 key 15, PKRU 0x4000008c before, 0x55555554 in the handler
release(15): error 22
mprotect(code, PAGE, PROT_READ | PROT_EXEC): 0
until it may be: -72
" --cpu max "$GUEST/mm_pkeys"
echo "$((count - failures)) passed, $failures failed"
[ $failures = 0 ]
