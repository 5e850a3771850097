#!/bin/sh
# Core files of guests: the same rules as natively, and gdb and readelf understand them.
. "${SOURCE:?}/tests/lib/native.sh"

mkdir "$tree/bin"
cp "$GUEST/coredump" "$tree/bin"
seal
if [ "$(cat /proc/sys/kernel/core_pattern 2>/dev/null)" = core ] &&
    [ "$(cat /proc/sys/kernel/core_uses_pid 2>/dev/null)" = 0 ]; then
    same bin/coredump
else
    echo "cores of this host are not files named core: no comparison"
fi

# has TEXT   the last output has it
has() {
    grep -q -- "$1" "$work/out" || {
        fail "no '$1' in:"
        cat "$work/out"
    }
}

crash() {
    rm -f "$copy/core"
    "$RINGFORT" run --cwd "$tree" --mount "$copy:$tree:rw" -- "$tree/bin/coredump" "$1" 2>/dev/null
    status=$?
    [ $status -eq 139 ] || fail "$1: status $status"
    [ -s "$copy/core" ] || fail "$1: no core"
}

for kind in crash threads; do
    crash $kind
    LC_ALL=C readelf -n "$copy/core" >"$work/out" 2>&1
    for note in NT_PRSTATUS NT_PRPSINFO NT_SIGINFO NT_AUXV NT_FILE NT_FPREGSET NT_X86_XSTATE; do
        has $note
    done
    LC_ALL=C readelf -hl "$copy/core" >"$work/out" 2>&1
    has 'CORE (Core file)'
    has 'LOAD '
    command -v gdb >/dev/null || continue
    gdb -nx -batch -ex 'thread apply all bt' -ex 'info registers rax' -ex 'print weight' \
        -ex 'print $xmm0.v2_double[0]' -ex 'print $_siginfo.si_signo' "$tree/bin/coredump" "$copy/core" \
        >"$work/out" 2>&1
    has 'Program terminated with signal SIGSEGV'
    has '#0 .*crashing_function (number=.*42)'
    has '#1 .*middle_function (number=.*41)'
    has '#2 .*main'
    has 'rax  *0x93 '
    has '^\$1 = 105$'
    has '^\$2 = 105$'
    has '^\$3 = 11$'
    [ $kind = crash ] || has 'sleeping_function'
done
"$RINGFORT" run --strace --cwd "$tree" --mount "$copy:$tree:rw" -- "$tree/bin/coredump" crash >"$work/out" 2>&1
has '+++ killed by SIGSEGV (core dumped) +++'
finish
