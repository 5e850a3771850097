#!/bin/sh
# SQLite's databases survive a kill at every write, on every file system that keeps files; and on images and host
# directories a stop of the whole machine at any moment.
: "${RINGFORT:?}" "${GUEST:?}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
build=${GUEST%/guest}
if ! cmake --build "$build" --target native-programs >"$work/build" 2>&1; then
    cat "$work/build"
    exit 1
fi
program=$build/programs/sqlite_kill
[ -x "$program" ] || exit 77
failures=0
runs=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

new_image() {
    rm -f "$work/image"
    truncate -s 32M "$work/image"
    mke2fs -q -F -t ext4 "$work/image" || fail "mke2fs"
}

check_image() {
    e2fsck -fn "$work/image" >"$work/e2fsck" 2>&1 || {
        fail "e2fsck after $1"
        head -n 5 "$work/e2fsck"
    }
}

# killed JOURNAL DRIVER DIRECTORY OPTION...: as many kills as natively, and whole each time
killed() {
    journal=$1 driver=$2 directory=$3
    shift 3
    runs=$((runs + 1))
    timeout 100 "$RINGFORT" run "$@" -- "$program" "$directory/$journal.db" "$journal" >"$work/out" 2>"$work/kills" ||
        fail "$journal on $driver: status $?"
    cmp -s "$work/native.$journal" "$work/out" || fail "$journal on $driver: $(cat "$work/out")"
    echo "$journal on $driver: $(cat "$work/kills")"
}

mkdir "$work/host" "$work/lower"
new_image
for journal in delete wal; do
    "$program" "$work/$journal.db" $journal >"$work/native.$journal" 2>"$work/kills" || fail "$journal natively"
    echo "$journal natively: $(cat "$work/kills")"
    killed $journal tmpfs /tmp
    killed $journal hostfs /data --mount "$work/host:/data:rw"
    killed $journal overlay /data --mount "$work/lower:/data:overlay"
    killed $journal ext4 /data --image "$work/image:/data:rw"
    check_image "$journal"
done

# The machine stops in the middle of it all; the next one finds the database whole.
new_image
timeout 60 "$RINGFORT" run --image "$work/image:/data:rw" --mount "$work/host:/host:rw" -- "$program" /data/stop.db delete 0 \
    >"$work/out" || fail "the first run: $(cat "$work/out")"
for cycles in 800K 950K 1100K 1250K 1400K 1550K 1700K; do
    runs=$((runs + 1))
    timeout 60 "$RINGFORT" run --max-cycles $cycles --image "$work/image:/data:rw" -- "$program" /data/stop.db delete 0 \
        >/dev/null 2>&1
    [ $? = 124 ] || fail "not stopped at $cycles"
    check_image "a stop at $cycles"
    timeout 60 "$RINGFORT" run --image "$work/image:/data:rw" -- "$program" /data/stop.db delete 0 >"$work/out" 2>/dev/null ||
        fail "after a stop at $cycles: $(cat "$work/out")"
    grep -q 'whole each time' "$work/out" || fail "after a stop at $cycles: $(cat "$work/out")"
done
echo "$runs runs, $failures failures"
[ $failures = 0 ]
