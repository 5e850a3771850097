# Functions, arrays, here-documents, arithmetic, patterns, reading.
echo "arguments: $# $1 / $2 / $*"
fib() { (( $1 < 2 )) && echo "$1" || echo $(( $(fib $(($1 - 1))) + $(fib $(($1 - 2))) )); }
echo "fib 8: $(fib 8)"
declare -a list=(one "two words" three)
list+=(four)
echo "${#list[@]} ${list[1]} ${list[@]:1:2} ${!list[@]} ${list[-1]}"
unset 'list[0]'
for item in "${list[@]}"; do printf '<%s>' "$item"; done; echo
declare -A map=([red]=1 [green]=2)
map[blue]=3
for key in $(printf '%s\n' "${!map[@]}" | sort); do echo "$key=${map[$key]}"; done
cat <<END
here $((6 * 7)) ${list[2]} $(echo sub)
END
cat <<'END'
literal $((6 * 7)) $(no)
END
cat <<< "a here-string"
text="The quick brown fox"
echo "${text#* } ${text%% *} ${text/quick/slow} ${text//o/0} ${text^^} ${text,,} ${text:4:5} ${#text}"
[[ $text =~ q([a-z]+)k\ (b.*n) ]] && echo "match ${BASH_REMATCH[0]} ${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"
[[ abc == a*c && 5 -gt 3 && ! -e /nowhere ]] && echo conditions
case $text in *slow*) echo slow ;; *quick* | *fast*) echo quick ;& nothing) echo through ;; *) echo other ;; esac
while IFS=, read -r a b rest; do echo "[$a] [$b] [$rest]"; done <<< $'1,2,3,4\nx,y\n'
printf '%5d|%-5s|%05.1f|%x|%o|%q|%b|%c\n' 42 ab 3.14159 255 8 "it's" 'tab\tend' word
echo $((2 ** 40 % 1000007)) $((7 / 2)) $((-7 / 2)) $((-7 % 3)) $((0xff ^ 0x0f)) $((1 << 62)) $((5 > 3 ? 10 : 20)) $((010)) $((36#zz))
for ((i = 0, j = 10; i < j; i += 3, j--)); do echo -n "$i:$j "; done; echo
i=0; until ((i >= 3)); do ((i++)); ((i == 2)) && continue; echo "until $i"; done
select_none() { return 7; }; select_none; echo "return $?"
echo {a..e} {1..10..3} {x,y}{1,2} ~+ | tr -d '\n' | wc -w
let "z = 5 + 4"; echo "$z"; echo "$((z++)) $z $((--z))"
mapfile -t lines < <(seq 1 5); echo "${#lines[@]} ${lines[4]}"
echo "${unset_variable:-default} ${unset_variable-dash} ${list[9]:-none} ${text:+set}"
shopt -s extglob; [[ foobar == @(foo|baz)+(bar) ]] && echo extglob
printf -v formatted '%03d' 7; echo "$formatted"
f() { local IFS=:; echo "$*"; }; f a b c
exec 5>&1; echo "to five" >&5; exec 5>&-
echo "$(< basics.bash)" | wc -l
