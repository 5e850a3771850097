#!/bin/sh
# git and tar of the host's root, run inside: their atomic updates (a lock file, a rename) leave a whole repository on every
# file system that can be written.
: "${RINGFORT:?}"
for tool in git tar gzip diff mke2fs e2fsck; do
    command -v $tool >/dev/null || exit 77
done
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/host"
truncate -s 64M "$work/image"
mke2fs -q -F "$work/image" || exit 1
failures=0
runs=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# with DRIVER DIRECTORY OPTION...
with() {
    driver=$1 directory=$2
    shift 2
    runs=$((runs + 1))
    timeout 120 "$RINGFORT" run "$@" --env HOME="$directory" --env PATH=/usr/bin:/bin --cwd "$directory" -- /bin/sh -ec '
        mkdir r && cd r && git init -q -b main . && git config user.email a@b && git config user.name n
        for i in 1 2 3; do
            echo $i >f$i && git add . && git commit -qm c$i
        done
        git mv f1 g1 && git commit -qm moved && git tag t && git gc -q && git fsck && git clone -q . ../clone
        diff -r --exclude=.git . ../clone && [ "$(git log --oneline | wc -l)" = 4 ] && [ -z "$(git status --short)" ]
        cd .. && tar czf r.tgz r && mkdir x && tar xzf r.tgz -C x && diff -r r x/r && echo whole
        cd / && rm -r "$HOME/r" "$HOME/clone" "$HOME/x" "$HOME/r.tgz"' >"$work/out" 2>&1 ||
        fail "on $driver: status $?"
    grep -qx whole "$work/out" || fail "on $driver: $(head -n 5 "$work/out")"
}

with overlay /tmp --root /:overlay
with hostfs /mnt --root / --mount "$work/host:/mnt:rw"
with ext4 /mnt --root / --image "$work/image:/mnt:rw"
e2fsck -fn "$work/image" >"$work/out" 2>&1 || fail "e2fsck: $(head -n 3 "$work/out")"
[ -z "$(ls -A "$work/host")" ] || fail "left on the host: $(ls -A "$work/host")"
echo "$runs runs, $failures failures"
[ $failures = 0 ]
