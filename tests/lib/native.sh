# For tests that run the same command natively and in Ringfort and compare: sourced by run_native_*.sh.
#
# Native commands run in $tree. The guest sees $copy, a copy made by `seal`, under the same path, so
# that paths in the output agree and that neither run sees what the other wrote. `compare_trees`
# compares what both have left.

: "${RINGFORT:?}" "${GUEST:?}" "${SOURCE:?}"
# Whatever the test runner left open must not shift the native descriptor numbers.
exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
tree=$work/tree
copy=$work/copy
mkdir "$tree"
failures=0
count=0
limit=${LIMIT:-120}
# What both see; the same variables, whoever runs the test.
variables="PATH=$tree/bin HOME=$tree LC_ALL=C TZ=UTC0"
mounts=
timeout=$(command -v timeout) || exit 77 # not by the PATH that the commands have

# Prepare the guest's copy: after the tree has been filled, before the first command.
seal() {
    cp -a "$tree" "$copy"
}

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# same COMMAND [ARGUMENT...]   standard input is empty, or a file named in $input
same() {
    count=$((count + 1))
    (cd "$tree" && exec env -i $variables "$timeout" "$limit" "$@") \
        <"${input:-/dev/null}" >"$work/native.out" 2>"$work/native.err"
    native=$?
    [ $native -ne 127 ] || [ "${missing-}" ] || fail "$*: not found natively"
    options=
    for variable in $variables; do options="$options --env $variable"; done
    (cd "$tree" && exec "$timeout" "$limit" "$RINGFORT" run $options --cwd "$tree" --mount "$copy:$tree:rw" \
        $mounts -- "$@") \
        <"${input:-/dev/null}" >"$work/ringfort.out" 2>"$work/ringfort.err"
    status=$?
    if [ $native -ne $status ]; then
        fail "$*: exit status $native natively, $status in ringfort"
        tail -n 3 "$work/ringfort.err"
    fi
    if ! cmp -s "$work/native.out" "$work/ringfort.out"; then
        fail "$*: the output differs (< native, > ringfort)"
        diff -a "$work/native.out" "$work/ringfort.out" | head -n 8
        head -n 3 "$work/ringfort.err"
    fi
}

# The files that both runs have left must be the same.
compare_trees() {
    diff -r --no-dereference "$tree" "$copy" >"$work/trees" 2>&1 && return
    fail "the runs left different files"
    head -n 20 "$work/trees"
}

finish() {
    echo "$count commands, $failures failures"
    [ $failures = 0 ]
    exit
}
