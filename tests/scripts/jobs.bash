# Subshells, pipelines, background jobs, traps, redirections.
x=outer; (x=inner; echo "$x"; exit 3); echo "$? $x"
seq 1 100 | while read -r n; do ((n % 2)) && echo "$n"; done | sort -rn | tr '\n' ' ' | wc -w
false | true | false; echo "${PIPESTATUS[*]}"
set -o pipefail; false | true; echo "pipefail $?"; set +o pipefail
for i in 3 1 2; do (sleep 0.0$i; exit $i) & pids[i]=$!; done
for i in 1 2 3; do wait "${pids[i]}"; echo "job $i: $?"; done
sleep 10 & victim=$!; kill -TERM $victim; wait $victim 2>/dev/null; echo "killed: $?"
trap 'echo "usr1 caught"' USR1; kill -USR1 $$; echo "after usr1"
trap 'echo "int caught"' INT; kill -INT $$; trap - INT
(trap 'echo "subshell exit"' EXIT; exit 5); echo "$?"
trap 'echo "debug: error at $?"' ERR; false; trap - ERR
echo error >&2 2>/dev/null; { echo out; echo err >&2; } 2>&1 | sort
exec 3<<< "from three"; read -r line <&3; echo "$line"; exec 3<&-
mkfifo tmp/fifo; (echo "through the fifo" > tmp/fifo) & cat tmp/fifo; wait; rm tmp/fifo
cat <(echo process) <(echo substitution)
coproc { read -r q; echo "answer to $q"; }; echo question >&"${COPROC[1]}"; read -r a <&"${COPROC[0]}"; echo "$a"; wait
echo one > tmp/file; echo two >> tmp/file; echo three >| tmp/file; cat tmp/file
set -o noclobber; (echo no > tmp/file) 2>/dev/null; echo "noclobber $?"; set +o noclobber; rm tmp/file
ulimit -n 64; ulimit -n
(ulimit -s 1024; ulimit -s)
read -r -t 0.05 never < <(sleep 1); echo "read timed out: $(($? > 128))"
umask 027; umask
type -t echo if type nothing; hash -r; command -v cat | wc -l
deep() { (($1)) && deep $(($1 - 1)) || echo "deep enough"; }; deep 200
time_it() { local TIMEFORMAT=; time true; }; time_it; echo timed
wait; jobs; echo "last background jobs are gone"
trap 'echo "the end: $?"' EXIT
exit 9
