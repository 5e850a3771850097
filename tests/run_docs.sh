#!/bin/sh
# The documents keep their word: every ```console block of README.md and docs/*.md is run and must
# print what the block shows, every ```c block must compile, and run if it is a whole program that needs
# no arguments, printing the ```output block that follows, every option is described, and links
# to files of the tree lead somewhere. In a console block, lines after "$ " are commands; a line of
# "..." stands for any output.
: "${RINGFORT:?}" "${SOURCE:?}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
command -v busybox >/dev/null || exit 77
export ASAN_OPTIONS=detect_leaks=0 # the leak checker needs what --strict takes away
build=$(dirname "$RINGFORT")
cd "$SOURCE" || exit 1
mkdir "$work/bin"
ln -s "$RINGFORT" "$work/bin/ringfort"
ln -s "$(command -v busybox)" "$work/bin/busybox"
failures=0
commands=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

for document in README.md docs/*.md; do
    awk -v out="$work/block" -v kind= '
        /^```/ { if (kind == "") { kind = substr($0, 4); n++; file = out "." n "." kind; printf "" > file; next } kind = ""; next }
        kind != "" { print > file }' "$document"
    for block in "$work"/block.*.console; do
        [ -f "$block" ] || continue
        # one file for each command and what it prints
        awk -v out="$block" '/^\$ / { n++; print substr($0, 3) > (out "." n ".command"); printf "" > (out "." n ".wanted"); next }
            { print > (out "." n ".wanted") }' "$block"
        for command in "$block".*.command; do
            commands=$((commands + 1))
            wanted=${command%.command}.wanted
            sed -i "s|build/release|$build|g" "$command"
            (PATH=$work/bin:$PATH; . "$command") >"$work/out" 2>&1 </dev/null
            if grep -q '^\.\.\.$' "$wanted"; then
                # the lines around "..." must be there, in any place
                grep -v '^\.\.\.$' "$wanted" | while read -r line; do
                    grep -qF -- "$line" "$work/out" || echo "$line"
                done >"$work/missing"
                [ ! -s "$work/missing" ] || fail "$document: $(cat "$command"): does not print $(head -n 1 "$work/missing")"
            elif ! cmp -s "$wanted" "$work/out"; then
                fail "$document: $(cat "$command"): (< document, > run)"
                diff "$wanted" "$work/out" | head -n 10
            fi
        done
    done
    for block in "$work"/block.*.c; do
        [ -f "$block" ] || continue
        ${CC:-cc} -std=gnu17 -Wall -Wextra -Werror -fsyntax-only -fno-strict-aliasing -I"$SOURCE/include" -I"$SOURCE/src" -x c "$block" ||
            fail "$document: a C block does not compile"
        # LINK: how to link with the library of this build
        grep -q 'int main' "$block" && grep -q 'ringfort/\(bare\|testkit\)\.h' "$block" && [ -n "$LINK" ] || continue
        number=${block%.c}
        number=${number##*.}
        output=$work/block.$((number + 1)).output
        ${CC:-cc} -std=c17 -I"$SOURCE/include" -o "$work/program" -x c "$block" -x none $LINK &&
            "$work/program" >"$work/out" 2>&1 || fail "$document: program $number does not run: $(head -n 3 "$work/out")"
        [ ! -f "$output" ] || diff "$output" "$work/out" || fail "$document: program $number prints another text"
    done
    rm -f "$work"/block.*
    grep -o '](\([^)#:]*\))' "$document" | sed 's/^](//;s/)$//' | while read -r link; do
        [ -e "$(dirname "$document")/$link" ] || echo "$document: $link"
    done >"$work/links"
    [ ! -s "$work/links" ] || fail "links to nothing: $(cat "$work/links")"
done
[ $commands -gt 5 ] || fail "only $commands commands were found"

for command in run bare explain; do
    for option in $("$RINGFORT" $command --help | grep -o -- '^  --[a-z0-9-]*'); do
        grep -q -- "\`$option" docs/cli.md || fail "docs/cli.md does not describe $option of $command"
    done
done

echo "$commands commands, $failures failures"
[ $failures = 0 ]
