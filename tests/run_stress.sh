#!/bin/sh
# Many processes, threads, pipes, signals, faults (tests/guest/stress.c): the same as natively, and every run in Ringfort
# costs the same to the cycle.
. "${SOURCE:?}/tests/lib/native.sh"

mkdir "$tree/bin"
cp "$GUEST"/stress* "$GUEST"/threads* "$tree/bin"
chmod 755 "$work" "$tree" "$tree/bin" # programs of other users are run
seal

# twice COMMAND...: two runs have the same statistics
twice() {
    for run in one two; do
        (cd "$tree" && "$timeout" "$limit" "$RINGFORT" run --stats --cwd "$tree" --mount "$copy:$tree:rw" -- "$@") \
            </dev/null >"$work/$run.out" 2>"$work/$run.err"
    done
    cmp -s "$work/one.out" "$work/two.out" || fail "$*: two runs differ in their output"
    if ! cmp -s "$work/one.err" "$work/two.err"; then
        fail "$*: two runs differ in their statistics"
        diff "$work/one.err" "$work/two.err" | head -n 8
    fi
    grep -q cycles "$work/one.err" || fail "$*: no statistics"
}

for program in stress stress.musl; do
    [ -x "$tree/bin/$program" ] || continue
    for subject in forks execs chain bomb storm cancels locks between ring writers signals thread_signals faults maps; do
        same "$tree/bin/$program" $subject
    done
    for subject in bomb storm cancels locks between writers thread_signals; do
        twice "$tree/bin/$program" $subject
    done
done
for program in threads threads.musl; do
    [ ! -x "$tree/bin/$program" ] || twice "$tree/bin/$program"
done
compare_trees
finish
