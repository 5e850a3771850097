#!/bin/sh
# --strict: whole programs, with each kind of mount, print the same as without it.
: "${RINGFORT:?}" "${GUEST:?}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export LC_ALL=C TZ=UTC0 ASAN_OPTIONS=detect_leaks=0 # whose search needs calls that are not there any more
failures=0
fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}
"$RINGFORT" run --strict --mount /bin/busybox:/busybox -- /busybox true 2>"$work/err" || {
    cat "$work/err"
    grep -q 'Landlock' "$work/err" && exit 77
    fail "--strict"
}

mkdir "$work/tree" "$work/tree/d"
echo text >"$work/tree/file"
cp /bin/busybox "$work/tree/busybox"
cat >"$work/tree/script" <<'END'
cd /w
cat file; ls; wc -c </w/busybox
echo made >d/made && cat d/made && mv d/made d/moved && ln d/moved d/link && ls d
mkdir d/e && rmdir d/e && ln -s x d/symlink && readlink d/symlink
chmod 600 d/moved && touch -d '2020-01-01 00:00:00' d/moved && stat -c '%a %Y %h' d/moved
rm -f d/* && ls d
for i in 1 2 3; do echo $i | sort | sed s/1/one/; done
(sleep 0.1; echo later) & wait
cat /proc/self/status | head -n 1; cat /proc/mounts | wc -l
END
# both OPTION...: the same with and without --strict, on trees of their own
both() {
    for strict in '' --strict; do
        rm -rf "$work/copy"
        cp -a "$work/tree" "$work/copy"
        if [ -f "$work/image" ]; then cp "$work/image" "$work/image.copy"; fi
        timeout 60 "$RINGFORT" run $strict --mount "$work/tree/busybox:/busybox" --mount "$work/tree/script:/script" "$@" -- \
            /busybox sh /script >"$work/out$strict" 2>&1
        echo "status $?" >>"$work/out$strict"
    done
    cmp -s "$work/out" "$work/out--strict" || fail "$*: $(diff "$work/out" "$work/out--strict" | head -n 4)"
}
both --mount "$work/copy:/w:rw"
grep -q '^later' "$work/out--strict" || fail "the script does nothing"
both --mount "$work/copy:/w:ro"
both --mount "$work/copy:/w:overlay"
both --mount "$work/copy/file:/w/file"
tar -C "$work/tree" -cf "$work/tree.tar" .
both --image "$work/tree.tar:/w"
if command -v mke2fs >/dev/null; then
    truncate -s 16M "$work/image"
    mke2fs -q -F -d "$work/tree" "$work/image" >/dev/null 2>&1
    both --image "$work/image.copy:/w:rw"
    both --image "$work/image.copy:/w"
    e2fsck -fn "$work/image.copy" >"$work/fsck" 2>&1 || fail "e2fsck: $(head -n 3 "$work/fsck")"
fi
both --max-cycles 20M --mount "$work/copy:/w:rw"
for program in pty processes signals threads files; do
    [ -x "$GUEST/$program" ] || continue
    "$RINGFORT" run --mount "$GUEST:/guest" -- /guest/$program >"$work/out" 2>/dev/null </dev/null
    "$RINGFORT" run --strict --mount "$GUEST:/guest" -- /guest/$program >"$work/out--strict" 2>/dev/null </dev/null
    cmp -s "$work/out" "$work/out--strict" || fail "$program: $(diff "$work/out" "$work/out--strict" | head -n 4)"
done
[ $failures -eq 0 ] && echo "strict: all good"
exit $((failures != 0))
