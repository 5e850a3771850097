# Loops that only compute: a sieve, sorting, text.
n=400
for ((i = 2; i <= n; i++)); do sieve[i]=1; done
for ((i = 2; i * i <= n; i++)); do ((sieve[i])) && for ((j = i * i; j <= n; j += i)); do sieve[j]=0; done; done
for ((i = 2; i <= n; i++)); do ((sieve[i])) && primes+=("$i"); done
echo "${#primes[@]} primes, last ${primes[-1]}"
values=(5 3 9 1 7 2 8 6 4 0)
for ((i = 0; i < 10; i++)); do for ((j = 0; j < 9 - i; j++)); do
    ((values[j] > values[j + 1])) && { t=${values[j]}; values[j]=${values[j + 1]}; values[j + 1]=$t; }
done; done
echo "${values[*]}"
hash=5381; s="The quick brown fox jumps over the lazy dog"
for ((i = 0; i < ${#s}; i++)); do printf -v c '%d' "'${s:i:1}"; hash=$(((hash * 33 + c) & 0xffffffff)); done; echo "$hash"
for w in $s; do r=; for ((i = ${#w}; i--;)); do r+=${w:i:1}; done; echo -n "$r "; done; echo
declare -A count; for w in a b a c b a; do ((count[$w]++)); done; for k in a b c; do echo -n "$k${count[$k]} "; done; echo
gcd() { local a=$1 b=$2; while ((b)); do ((t = a % b, a = b, b = t)); done; echo "$a"; }; gcd 1071 462
printf '%s\n' "${primes[@]:0:12}" | sort -r | tr '\n' ,; echo
