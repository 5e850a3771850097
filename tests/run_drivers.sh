#!/bin/sh
# The same file test programs on every driver side by side: what they print must be what they print natively, on the
# host's tmpfs (for drivers in memory) or on the file system of the test's folder (for host directories).
: "${RINGFORT:?}" "${GUEST:?}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
memory=/dev/shm
[ "$(stat -f -c %T $memory 2>/dev/null)" = tmpfs ] && [ -w $memory ] || memory=$work
chmod 755 "$work"
mkdir "$work/host" "$work/empty"
failures=0
comparisons=0
lines=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# on DRIVER REFERENCE PROGRAM DIRECTORY OPTION...
on() {
    driver=$1 reference=$2 program=$3 directory=$4
    shift 4
    timeout 120 "$RINGFORT" run "$@" -- "$GUEST/$program" "$directory" >"$work/got" 2>"$work/errors"
    status=$?
    comparisons=$((comparisons + 1))
    if [ $status = 0 ] && cmp -s "$work/$reference" "$work/got"; then
        lines=$((lines + $(wc -l <"$work/got")))
        printf ' %s' "$driver"
        return
    fi
    echo
    fail "$program on $driver: status $status, or another output than natively (<)"
    diff -a "$work/$reference" "$work/got" | head -n 8
    head -n 3 "$work/errors"
}

image() {
    rm -f "$work/image"
    truncate -s 64M "$work/image"
    mke2fs -q -F -b 4096 -t "$1" "$work/image" >/dev/null 2>&1 || fail "mke2fs -t $1"
}

check_image() {
    e2fsck -fn "$work/image" >"$work/e2fsck" 2>&1 && return
    fail "e2fsck after $1 on $2"
    head -n 5 "$work/e2fsck"
}

tar cf "$work/empty.tar" -C "$work/empty" .
for program in fs_names fs_data fs_attributes inotify splice; do
    timeout 60 "$GUEST/$program" $memory >"$work/memory" || fail "$program natively on $memory"
    timeout 60 "$GUEST/$program" "$work" >"$work/disk" || fail "$program natively on $work"
    printf '%s:' $program
    on tmpfs memory $program /tmp
    on hostfs disk $program /host --mount "$work/host:/host:rw"
    on overlay memory $program /host --mount "$work/empty:/host:overlay"
    on tar memory $program /image --image "$work/empty.tar:/image"
    for type in ext4 ext2; do
        case $type-$program in # block maps cannot be allocated, and the rest does not look at the type
        ext2-fs_data | ext2-inotify | ext2-splice) continue ;;
        esac
        image $type
        on $type disk $program /image --image "$work/image:/image:rw"
        check_image $program $type
        on $type-overlay memory $program /image --image "$work/image:/image"
    done
    echo
done
[ -z "$(ls -A "$work/host")$(ls -A "$work/empty")" ] || fail "files were left on the host: $(ls "$work/host" "$work/empty")"
echo "$comparisons comparisons, $lines lines, $failures failures"
[ $failures = 0 ]
