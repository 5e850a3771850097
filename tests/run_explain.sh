#!/bin/sh
# ringfort explain: the access that killed a program, any address while and after it runs, and page tables in a
# file. Physical addresses and what the kernel happens to have mapped where are not compared.
: "${RINGFORT:?}" "${GUEST:?}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failures=0

fail() {
    echo "FAILED: $*"
    failures=1
}

# explain WANTED-STATUS ARGUMENT...: the output, with numbers that no rule fixes taken out, in $work/out
explain() {
    wanted=$1
    shift
    "$RINGFORT" explain "$@" >"$work/raw" 2>&1 </dev/null
    status=$?
    [ $status = "$wanted" ] || fail "explain $*: status $status, wanted $wanted"
    sed 's/at 0x[0-9a-f]* = 0x[0-9a-f]*:/at X = X:/; s/\(table\|page\|CR3 =\|physical address\) 0x[0-9a-f]*/\1 X/' "$work/raw" >"$work/out"
}

# shows NAME: standard input is the whole output
shows() {
    cat >"$work/wanted"
    cmp -s "$work/wanted" "$work/out" && return
    fail "$1 (< wanted, > printed)"
    diff "$work/wanted" "$work/out"
}

# says TEXT: it is in the output
says() {
    grep -qF -- "$1" "$work/out" || { fail "does not say '$1':"; cat "$work/out"; }
}

explain 0 "$GUEST/fault_write"
sed -i "s|^.*/fault_write|fault_write|" "$work/out"
shows "the fault of a program" <<'END'
fault_write was killed by a page fault at rip 0x401005: mov dword ptr [rax], 0x01
write of 0x123456 in user mode (CPL 3), 4-level paging, CR3 = X
  PML4E[0] at X = X: present, writable, user, accessed -> table X
  PDPTE[0] at X = X: present, writable, user, accessed -> table X
  PDE[0] at X = X: not present
  refused: P = 0 in the PDE (level 2): the page is not present (SDM 3A, 4.7)
  raises #PF, error code 0x6 (W|U): not present, write, user mode
  the kernel's mapping: none
END

explain 0 --access write 0x401000 "$GUEST/fault_write"
shows "a write to code" <<'END'
write of 0x401000 in user mode (CPL 3), 4-level paging, CR3 = X
  PML4E[0] at X = X: present, writable, user, accessed -> table X
  PDPTE[0] at X = X: present, writable, user, accessed -> table X
  PDE[2] at X = X: present, writable, user, accessed -> table X
  PTE[1] at X = X: present, read-only, user, accessed -> page X
  combined: read-only, user, executable; 4 KiB page; physical address X
  refused: R/W = 0 in the PTE (level 1): a user write needs R/W = 1 at every level (SDM 3A, 4.6.1)
  raises #PF, error code 0x7 (P|W|U): the page is present, write, user mode
  the kernel's mapping: 401000-402000 r-xp of a file
END
explain 0 --as supervisor 0x401000 "$GUEST/fault_write"
says 'refused: CR4.SMAP = 1 and RFLAGS.AC = 0'
explain 0 --as supervisor-ac 0x401000 "$GUEST/fault_write"
says 'allowed: RFLAGS.AC = 1 suspends CR4.SMAP: supervisor mode may read this user page; PKRU allows it for key 0 (SDM 3A, 4.6.1 and 4.6.2)'
explain 0 0x401000,0x800000000000 "$GUEST/fault_write"
says 'allowed: U/S = 1 at every level'
says 'raises #GP(0)'
[ "$(grep -c '^read of' "$work/out")" = 2 ] || fail "two addresses are not two explanations"

explain 0 --after 100K 0x401000 "$GUEST/endless"
says 'allowed: '
explain 0 --max-cycles 100K 0x401000 "$GUEST/endless"
says 'allowed: '

# --- wrong uses ---
explain 125 --after
explain 125 --after 10K "$GUEST/endless"
says 'was not killed by a page fault'
explain 125
says 'no PROGRAM given; see ringfort explain --help'
explain 125 --access look 0 "$GUEST/endless"
says 'give read, write, fetch, shadow-read or shadow-write'
explain 125 --as root 0 "$GUEST/endless"
explain 125 --cr3 x 0 "$GUEST/endless"
explain 125 --nothing 0 "$GUEST/endless"
says 'see ringfort explain --help'
explain 125 --vendor via 0 "$GUEST/endless"
says "vendor 'via' is not intel or amd"
explain 127 0 /no/such/program
explain 0 --help
says '--page-tables FILE'

# --- page tables in a file: 0x1000 -> 0x2000 -> 0x3000, a 2 MiB page at linear 0x200000 ---
entry() { # ADDRESS BYTES-AS-OCTAL-ESCAPES
    printf "$2" | dd of="$work/dump" bs=1 seek=$(($1)) conv=notrunc 2>/dev/null
}
dd if=/dev/zero of="$work/dump" bs=4096 count=4 2>/dev/null
entry 0x1000 '\007\040\000\000\000\000\000\000'
entry 0x2000 '\007\060\000\000\000\000\000\000'
entry 0x3008 '\345\001\040\000\000\000\000\200' # P U A D PS G, XD, 0x200000
"$RINGFORT" explain --page-tables "$work/dump" --cr3 0x1000 --access fetch 0x212345 >"$work/out"
shows "a dump" <<'END'
fetch of 0x212345 in user mode (CPL 3), 4-level paging, CR3 = 0x1000
  PML4E[0] at 0x1000 = 0x2007: present, writable, user -> table 0x2000
  PDPTE[0] at 0x2000 = 0x3007: present, writable, user -> table 0x3000
  PDE[1] at 0x3008 = 0x80000000002001e5: present, read-only, user, accessed, dirty, 2 MiB page, global, no-execute -> page 0x200000
  combined: read-only, user, no-execute; 2 MiB page; physical address 0x212345
  refused: XD = 1 in the PDE (level 2): a fetch needs XD = 0 at every level (SDM 3A, 4.6.1)
  raises #PF, error code 0x15 (P|U|I): the page is present, instruction fetch, user mode
END
"$RINGFORT" explain --page-tables "$work/dump" --cr3 0x1000 --access shadow-write 0x200008 >"$work/out"
says 'shadow-stack write of 0x200008 in user mode (CPL 3), 4-level paging, CR3 = 0x1000'
says 'combined: read-only, user, no-execute, shadow-stack page; 2 MiB page; physical address 0x200008'
says 'allowed: U/S = 1 at every level, and it is a shadow-stack page: R/W = 0 and D = 1 in the leaf, R/W = 1 above it'
"$RINGFORT" explain --page-tables "$work/dump" --cr3 0x1000 --access shadow-read --as supervisor 0x200008 >"$work/out"
says 'raises #PF, error code 0x41 (P|SS): the page is present, shadow-stack read, supervisor mode'
"$RINGFORT" explain --page-tables "$work/dump" --cr3 0x1000 --cr4 0x800020 0x200000 >"$work/out"
says 'no-execute, shadow-stack page; 2 MiB page'
"$RINGFORT" explain --page-tables "$work/dump" --cr3=0x1000 --cr0 0x80000001 --as supervisor --access write 0x200000 >"$work/out"
says 'allowed: a supervisor write with CR0.WP = 0 ignores R/W (SDM 3A, 4.6.1)'
"$RINGFORT" explain --page-tables "$work/dump" --cr3 0x1000 --efer 0x500 0x200000 >"$work/out"
says 'refused: XD = 1 in the PDE (level 2): that bit is reserved while EFER.NXE = 0 (SDM 3A, 4.5 and 4.7)'
"$RINGFORT" explain --page-tables "$work/dump" --cr3 0x1000 --cr0 1 0x200000 >"$work/out"
says 'allowed: CR0.PG = 0'
"$RINGFORT" explain --page-tables "$work/dump" --cr3 0x1000 --cr4 0x1020 0x200000 >"$work/out"
says 'PML5E[0]'
"$RINGFORT" explain --page-tables "$work/dump" --cr3 0x1000 --cr4 0x400020 --pkru 0x1 0x200000 >"$work/out"
says 'refused: PKRU.AD = 1'
explain 0 --page-tables "$work/dump" --cr3 0x7fff000 0
says 'reserved bit'
explain 125 --page-tables "$work/dump" 0
says '--page-tables needs --cr3'
explain 125 --page-tables "$work/dump" --cr3 0x1000
explain 125 --page-tables "$work/none" --cr3 0x1000 0
explain 125 --page-tables "$work" --cr3 0x1000 0
explain 125 --page-tables "$work/dump" --cr3 0x1000 --pkru 0x100000000 0

exit $failures
