#!/bin/sh
# msync(MS_SYNC) on a shared mapping of a mounted host file: the host sees the bytes when the call
# has returned, while the mapping is still there.
set -u
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkfifo "$work/input" "$work/output"
printf 'initial contents\n' >"$work/file"
"${RINGFORT:?}" run --mount "$work:/data:rw" -- "${GUEST:?}/msync_wait" /data/file sync \
    <"$work/input" >"$work/output" &
guest=$!
exec 3>"$work/input" 4<"$work/output"
read -r line <&4
seen=$(cat "$work/file")
exec 3>&-
wait $guest
status=$?
failed=0
[ "$line" = written ] || { echo "the guest said '$line'"; failed=1; }
[ "$seen" = "changed contents" ] || { echo "the host saw '$seen'"; failed=1; }
[ $status = 0 ] || { echo "exit status $status"; failed=1; }
echo "$((1 - failed)) passed, $failed failed"
exit $failed
