#!/bin/sh
# Programs that try to leave the machine by every route they can name (tests/guest/escape.c), while a process of the host swaps
# directories for symbolic links under their feet: none gets out, with and without --strict, whatever the mount's access.
: "${RINGFORT:?}" "${GUEST:?}"
command -v python3 >/dev/null || { echo "python3 is not installed"; exit 77; }
work=$(mktemp -d) || exit 1
export ASAN_OPTIONS=detect_leaks=0
failures=0
fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}
fill() {
    while ! rm -rf "$work/inside" "$work/outside" 2>/dev/null; do :; done # the host swaps names meanwhile
    mkdir -p "$work/inside/d" "$work/inside/swap" "$work/inside/other" "$work/outside/d"
    echo "the text that nobody may see" >"$work/outside/secret"
    for name in victim victim2; do
        echo victim >"$work/outside/$name"
        echo inside >"$work/inside/swap/$name"
    done
    echo inside >"$work/inside/swap/secret"
    echo own >"$work/inside/own"
    printf '#!/bin/sh\nexit 0\n' >"$work/outside/program"
    chmod 755 "$work/outside/program"
    chmod 600 "$work/outside/secret"
    ln -s "$work/outside/secret" "$work/inside/host_link"
    ln -s ../outside "$work/inside/host_dir"
    ln -s ../outside "$work/inside/swap_link"
    (cd "$work/outside" && find . | sort | xargs stat -c '%n %a %s %h' && cat secret victim victim2) >"$work/before"
}
# Sockets to be found, and directory and link that change places as fast as they can.
cat >"$work/host.py" <<'END'
import ctypes, os, socket, sys
work = sys.argv[1]
def listening(family, address):
    s = socket.socket(family, socket.SOCK_STREAM)
    s.bind(address)
    s.listen(5)
    return s
tcp = listening(socket.AF_INET, ('127.0.0.1', 0))
abstract = listening(socket.AF_UNIX, '\0ringfort_escape')
with open(work + '/port.new', 'w') as f:
    f.write(str(tcp.getsockname()[1]))
os.rename(work + '/port.new', work + '/port')
libc = ctypes.CDLL(None, use_errno=True)
a, b = (work + '/inside/swap').encode(), (work + '/inside/swap_link').encode()
parent = os.getppid()
while os.getppid() == parent:
    libc.syscall(316, -100, a, -100, b, 2)  # renameat2, RENAME_EXCHANGE
END
fill
python3 "$work/host.py" "$work" 2>"$work/host.err" &
host=$!
trap 'kill $host 2>/dev/null; rm -rf "$work"' EXIT
for i in $(seq 100); do [ -s "$work/port" ] || sleep 0.1; done
[ -s "$work/port" ] || { cat "$work/host.err"; exit 77; }
port=$(cat "$work/port")
mkdir "$work/ro"
for strict in '' --strict; do
    for access in ro rw overlay; do
        [ -z "$strict" ] || [ $access = rw ] || continue
        fill
        python3 -c "import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])" "$work/inside/host_socket" 2>/dev/null
        timeout 60 "$RINGFORT" run $strict --mount "$work/inside:/m:$access" --mount "$work/ro:/ro:ro" --mount "$GUEST/escape:/escape" -- \
            /escape /m "$work/outside" 'nobody may see' $$ "$port" >"$work/out" 2>&1 7<"$work/outside" 8<"$work/outside/secret"
        status=$?
        [ $status -eq 0 ] || fail "$access $strict: status $status: $(grep -v tried "$work/out" | head -n 5)"
        grep -q ' tried, 0 out' "$work/out" || fail "$access $strict: $(tail -n 1 "$work/out")"
        (cd "$work/outside" && find . | sort | xargs stat -c '%n %a %s %h' && cat secret victim victim2) >"$work/after" 2>&1
        cmp -s "$work/before" "$work/after" || fail "$access $strict: outside was changed: $(diff "$work/before" "$work/after" | head -n 4)"
        [ -z "$(ls "$work/ro")" ] || fail "$access $strict: the read-only mount was written"
    done
done
[ $failures -eq 0 ] && tail -n 1 "$work/out" && echo "escape: none got out"
exit $((failures != 0))
