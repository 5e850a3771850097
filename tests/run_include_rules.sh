#!/bin/sh
# Each folder of src may include only what stands below it, and the public headers; tools and
# examples may include public headers and their own alone. The layers: docs/ARCHITECTURE.md.
cd "${SOURCE:?}" || exit 1
failures=0

# allow FOLDER ALLOWED...
allow() {
    folder=$1
    shift
    for file in $(find "src/$folder" -name '*.[ch]'); do
        sed -n 's/^#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' "$file" | while read -r included; do
            case $included in
            */*) layer=${included%%/*} ;;
            *) continue ;; # beside the file
            esac
            for allowed in "$folder" "$@"; do
                [ "$layer" = "$allowed" ] && continue 2
            done
            echo "$file includes $included"
        done
    done
}

{
    allow base
    allow mmu base
    allow cost base
    allow cpu base mmu cost
    allow abi base
    allow kernel base mmu cost cpu abi
    allow trace base abi cost
    allow board base mmu cost cpu
    allow machine base mmu cost cpu abi board kernel trace
    allow testkit machine
    # the kernel uses what a user of a bare machine has, never the CPU's insides
    grep -nE '#[[:space:]]*include "cpu/' -r src/kernel | grep -vE '"cpu/(cpu|fpu_state|model|xsave)\.h"'
    grep -nE '#[[:space:]]*include "' tools/*.[ch] examples/*.c |
        grep -vE '"(bare|explain|file|options|program|run|stats)\.h"'
    # public headers stand alone
    grep -nE '#[[:space:]]*include "' include/ringfort/*.h
    # and every folder of src has a rule above
    for folder in src/*/; do
        case $(basename "$folder") in
        base | mmu | cost | cpu | abi | board | kernel | trace | machine | testkit) ;;
        *) echo "$folder has no rule in this test" ;;
        esac
    done
} >"${TMPDIR:-/tmp}/include-rules.$$"
cat "${TMPDIR:-/tmp}/include-rules.$$"
[ ! -s "${TMPDIR:-/tmp}/include-rules.$$" ] || failures=1
rm -f "${TMPDIR:-/tmp}/include-rules.$$"
exit $failures
