#!/bin/sh
# Every public header stands alone, as C17 and as C++.
cd "${SOURCE:?}" || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failures=0
for header in include/ringfort/*.h; do
    echo "#include <ringfort/$(basename "$header")>" >"$work/header.c"
    cp "$work/header.c" "$work/header.cc"
    ${CC:-cc} -std=c17 -pedantic -Wall -Wextra -Werror -fsyntax-only -Iinclude "$work/header.c" || failures=1
    ${CXX:-c++} -std=c++11 -pedantic -Wall -Wextra -Werror -fsyntax-only -Iinclude "$work/header.cc" || failures=1
done
exit $failures
