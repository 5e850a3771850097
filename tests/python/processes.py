"""subprocess, fork and wait, multiprocessing by fork and spawn, resource limits, deaths."""
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time


def work(x):
    return x * x, os.getppid() != 1


def send(end):
    end.send([1, "two", 3.0])
    end.close()


def count(value, lock):
    for _ in range(50):
        with lock:
            value.value += 1


def programs():
    done = subprocess.run(["sort", "-n"], input="10\n9\n100\n", capture_output=True, text=True)
    print("sort", done.stdout.split(), done.returncode)
    done = subprocess.run("echo out; echo err >&2; exit 3", shell=True, capture_output=True, text=True)
    print("shell", done)
    try:
        subprocess.run(["sleep", "5"], timeout=0.1)
    except subprocess.TimeoutExpired as e:
        print("timeout", e.cmd)
    try:
        subprocess.run(["/nowhere/program"])
    except FileNotFoundError as e:
        print("missing", e.errno, e.filename)
    first = subprocess.Popen(["seq", "100"], stdout=subprocess.PIPE)
    second = subprocess.Popen(["wc", "-l"], stdin=first.stdout, stdout=subprocess.PIPE, text=True)
    first.stdout.close()
    print("pipeline", second.communicate()[0].strip(), first.wait())
    done = subprocess.run(["sh", "-c", "kill -SEGV $$"])
    print("killed", done.returncode)
    done = subprocess.run(["env"], env={"ONLY": "this"}, capture_output=True, text=True, start_new_session=True, cwd="/")
    print("env", done.stdout)

    pid = os.fork()
    if pid == 0:
        os._exit(9)
    print("fork", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", "exit 4"], {})
    print("spawn", os.waitstatus_to_exitcode(os.wait4(pid, 0)[1]))
    pid = os.fork()
    if pid == 0:
        resource.setrlimit(resource.RLIMIT_NOFILE, (20, 30))
        try:
            while True:
                os.dup(0)
        except OSError as e:
            print("limit", e.errno, resource.getrlimit(resource.RLIMIT_NOFILE), flush=True)
        resource.setrlimit(resource.RLIMIT_AS, (1 << 28, 1 << 28))
        try:
            bytearray(1 << 30)
        except MemoryError:
            print("memory error", flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
    pid = os.fork()
    if pid == 0:
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(100)
    print("stopped", os.WSTOPSIG(os.waitpid(pid, os.WUNTRACED)[1]))
    os.kill(pid, signal.SIGCONT)
    print("continued", os.WIFCONTINUED(os.waitpid(pid, os.WCONTINUED)[1]))
    os.kill(pid, signal.SIGTERM)
    print("ended", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    done = subprocess.run([sys.executable, "-X", "faulthandler", "-c", "import ctypes; ctypes.string_at(8)"],
                          capture_output=True, text=True)
    print("faulthandler", done.returncode, done.stderr.splitlines()[0])


def main():
    if not sys.argv[1:]:
        programs()
    for method in sys.argv[1:]:
        context = multiprocessing.get_context(method)
        here, there = context.Pipe(duplex=False)
        child = context.Process(target=send, args=(there,))
        child.start()
        print(method, here.recv())
        child.join()
        print(method, "exit code", child.exitcode)
        with context.Pool(2) as pool:
            print(method, pool.map(work, range(6)))
        value, lock = context.Value("i", 0), context.Lock()
        children = [context.Process(target=count, args=(value, lock)) for _ in range(3)]
        for c in children:
            c.start()
        for c in children:
            c.join()
        print(method, value.value)
        child = context.Process(target=time.sleep, args=(100,))
        child.start()
        child.terminate()
        child.join()
        print(method, "terminated", child.exitcode)


if __name__ == "__main__":
    main()
