#!/bin/sh
# The host's Python, with its root mounted read-only, running the programs of tests/python: the same as natively.
. "${SOURCE:?}/tests/lib/native.sh"

python=/usr/bin/python3
[ -x $python ] || { echo "$python is not installed"; exit 77; }
variables="PATH=/usr/bin:/bin HOME=$tree LC_ALL=C TZ=UTC0 PYTHONDONTWRITEBYTECODE=1"
mounts="--root /:ro"
seal

same $python -u "$SOURCE/tests/python/threads.py"
same $python -u "$SOURCE/tests/python/system.py"
same $python -u "$SOURCE/tests/python/processes.py"
same $python -u "$SOURCE/tests/python/network.py"
# each of its own: a machine with sanitizers is slow
if ! grep -q __asan_init "$RINGFORT"; then
    same $python -u "$SOURCE/tests/python/processes.py" fork
    same $python -u "$SOURCE/tests/python/processes.py" spawn
fi
same $python -c 'import sys; sys.exit("message")'
same $python -c 'import os; os.abort()'
same $python -c 'import faulthandler, ctypes; faulthandler.enable(); ctypes.string_at(16)'
same $python -c 'import os, signal; signal.signal(signal.SIGINT, signal.SIG_DFL); os.kill(os.getpid(), signal.SIGINT)'
compare_trees
finish
