#!/bin/sh
# --sched-seed: the same seed gives the same output and figures; other seeds give other orders, which are valid runs, too.
set -u
: "${RINGFORT:?}" "${GUEST:?}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# run NAME [OPTION...] -- PROGRAM...: output, exit status and figures into $work/NAME
run() {
    name=$1
    shift
    "$RINGFORT" run --stats "$@" >"$work/$name.out" 2>"$work/$name.stats" </dev/null
    echo "status $?" >>"$work/$name.out"
}

# The program's output tells nothing of order, so every valid run prints the same.
check() {
    run plain -- "$@"
    grep -q '^status 0$' "$work/plain.out" || fail "$1: $(tail -n 1 "$work/plain.out")"
    figures=
    for seed in 1 2 3; do
        run first --sched-seed $seed -- "$@"
        run second --sched-seed $seed -- "$@"
        cmp -s "$work/first.out" "$work/second.out" || fail "$1: two outputs with seed $seed"
        cmp -s "$work/first.stats" "$work/second.stats" || fail "$1: two sets of figures with seed $seed"
        cmp -s "$work/first.out" "$work/plain.out" || {
            fail "$1: seed $seed gives another result"
            diff "$work/plain.out" "$work/first.out" | head -n 4
        }
        figures="$figures$(sed -n 's/^cycles: //p' "$work/first.stats")
"
    done
    [ "$(printf %s "$figures" | sort -u | wc -l)" = 3 ] || fail "$1: the seeds change nothing: $figures"
}

check "$GUEST/threads"
[ ! -x "$GUEST/threads.musl" ] || check "$GUEST/threads.musl"
check "$GUEST/exec_threads"

# Three spinners under one seed after another: none starves.
for seed in 1 2 3; do
    "$RINGFORT" run --sched-seed $seed busybox sh -c '
        for i in 1 2 3; do (n=0; while [ $n -lt 3000 ]; do n=$((n + 1)); done; echo done) & done; wait' >"$work/spin" 2>&1
    [ "$(grep -c done "$work/spin")" = 3 ] || fail "seed $seed: $(cat "$work/spin")"
done

[ $failures = 0 ] && echo "three seeds, three programs: each run repeats, and all agree"
[ $failures = 0 ]
