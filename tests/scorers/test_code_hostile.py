"""Programs that mean harm: the machine stays whole, the score is right, the next program is scored.

Each starts real processes, with small limits, in bubblewrap and without it.
"""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from apo.scorers import sandbox
from apo.scorers.code import Code
from apo.scorers.sandbox import no_bubblewrap
from apo.task import Example, Score

TESTS = "assert add(1, 2) == 3\nassert add(2, 2) == 4"
GOOD = "def add(a, b):\n    return a + b\n"
USUAL = Code(seconds=3, memory=256, disk=2)
QUICK = Code(seconds=0.3, memory=256)
"""For what never ends; an honest program might need longer on a machine that is busy."""
WITHOUT_OUR_OWN = sandbox.START.replace(
    "main(read)", "import apo.scorers.examiner as e\ne.close = lambda *_, **__: set()\nmain(read)"
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        "files, network, processes" not in Code(allow=("files", "network")).sandbox.told(),
        reason="this kernel has no Landlock or no seccomp",
    ),
]


@pytest.fixture(params=["bubblewrap", "own jail"])
def jail(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    kind = str(request.param)
    if kind == "own jail":
        monkeypatch.setattr(sandbox, "no_bubblewrap", lambda: "this test is of our own")
    elif no_bubblewrap():
        pytest.skip(no_bubblewrap())
    return kind


@pytest.fixture(autouse=True)
def the_next_program_is_scored(jail: str) -> Iterator[None]:
    yield
    assert run(GOOD) == 1


def score(program: str, tests: str = TESTS, scorer: Code = USUAL) -> Score:
    started = time.monotonic()
    found = scorer(f"```python\n{program}\n```", Example({"input": "x"}, (tests,)))
    assert time.monotonic() - started < 20  # Far beyond the limits; a hanging one never ends.
    return found


def run(program: str, tests: str = TESTS, scorer: Code = USUAL) -> float:
    return score(program, tests, scorer).value


def left_behind(mark: str) -> list[str]:
    """Processes with a mark in their command line."""
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if mark.encode() in text:
                found.append(entry.name)
    return found


# --- the machine


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        "while True:\n    pass",
        "10 ** 10 ** 8",
        "sum(range(10 ** 12))",
        "import re\nre.match('(a+)+b', 'a' * 64)",
        "import time\ntime.sleep(1000)",
        "import threading\nthreading.Event().wait()",
        "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True:\n    pass",
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (10**6, 10**6))\nwhile True:\n    pass",
        "try:\n    while True:\n        pass\nexcept BaseException:\n    pass",
    ],
)
def test_what_never_ends_is_ended(body: str) -> None:
    in_function = "\n".join(f"    {line}" for line in body.splitlines())
    assert run(body + "\n" + GOOD, TESTS, QUICK) == 0
    assert run(f"def add(a, b):\n{in_function}\n    return a + b", TESTS, QUICK) == 0


def test_a_fork_bomb_makes_no_process() -> None:
    bomb = "import os\ndef add(a, b):\n    while True:\n        os.fork()"
    found = score(bomb)
    assert found.value == 0
    assert "PermissionError" in found.feedback


@pytest.mark.parametrize(
    "call",
    [
        "os.fork()",
        "os.forkpty()",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "__import__('subprocess').run(['/bin/true'])",
        "__import__('multiprocessing').Process(target=print).start()",
        "os.execv('/bin/true', ['true'])",
        "os.setsid()",
    ],
)
def test_no_process_is_started_left_or_replaced(call: str) -> None:
    tried = f"import os\ntry:\n    {call}\nexcept OSError:\n    refused = True\n"
    assert run(f"{tried}\n{GOOD}", "assert refused") == 1


def test_a_daemon_does_not_outlive_its_program() -> None:
    mark = "apo-was-here"
    daemon = (
        "import os\ntry:\n    if not os.fork():\n        os.setsid()\n        if not os.fork():\n"
        f"            os.execvp('sleep', ['sleep', '30', '{mark}'])\nexcept OSError:\n    pass\n"
    )
    assert run(daemon + GOOD) == 1
    assert not left_behind(mark)


def test_threads_without_end_stay_within_the_limits() -> None:
    threads = (
        "import threading, time\ndef wait():\n    time.sleep(100)\ndef add(a, b):\n"
        "    while True:\n        threading.Thread(target=wait).start()"
    )
    assert run(threads, TESTS, QUICK) == 0
    some = (
        "import threading\ndef add(a, b):\n    found = []\n"
        "    t = threading.Thread(target=lambda: found.append(a + b))\n    t.start()\n"
        "    t.join()\n    return found[0]"
    )
    assert run(some) == 1


@pytest.mark.parametrize(
    "expression",
    [
        "bytearray(10 * 2**30)",
        "[0] * 10**10",
        "'x' * 10**10",
        "list(range(10**9))",
        "'%10000000000d' % 1",
    ],
)
def test_ten_gigabytes_of_memory_are_refused(expression: str) -> None:
    found = score(f"{GOOD}\ndef take():\n    return len({expression})", "assert take()\n" + TESTS)
    assert found.value == pytest.approx(2 / 3)
    assert "MemoryError" in found.feedback


def test_files_are_neither_read_nor_deleted(tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text("secret-귤")
    tmp_path.chmod(0o777)
    library = Path(os.__file__).stat().st_size
    harm = (
        "import os, shutil\nerrors = []\n"
        f"path = {str(kept)!r}\n"
        "def attempt(function, *args):\n"
        "    try:\n        errors.append(str(function(*args)))\n"
        "    except OSError as error:\n        errors.append(error.errno)\n"
        "attempt(open, path)\nattempt(open, path, 'w')\nattempt(os.remove, path)\n"
        "attempt(os.rename, path, path + '2')\nattempt(os.chmod, path, 0)\n"
        "attempt(os.utime, path)\nattempt(os.truncate, path, 0)\n"
        f"attempt(os.open, {os.__file__!r}, os.O_RDONLY | os.O_TRUNC)\n"
        f"attempt(os.truncate, {os.__file__!r}, 0)\n"
        "attempt(os.link, path, 'a')\n"
        "attempt(os.listdir, '/')\nattempt(os.listdir, '/home')\nattempt(open, '/etc/passwd')\n"
        "attempt(os.mkdir, '/tmp/x-apo')\nattempt(os.symlink, '/', '/tmp/x-apo')\n"
        "attempt(open, '/proc/self/environ')\nattempt(os.rmdir, os.path.dirname(path))\n"
        f"shutil.rmtree({str(tmp_path)!r}, ignore_errors=True)\n"
        "shutil.rmtree('/', ignore_errors=True)\n"
        "shutil.rmtree(os.path.expanduser('~'), ignore_errors=True)\n"
    )
    tests = (
        "import errno\nrefused = errno.EPERM, errno.EACCES, errno.EXDEV, errno.EINVAL\n"
        "hidden = errno.ENOENT, errno.EROFS\n"  # In bubblewrap it is not there, or only to read.
        "assert [e for e in errors if e not in refused + hidden] == []\nassert len(errors) == 17"
    )
    found = score(harm + GOOD, tests)
    assert found.value == 1, found.feedback
    assert kept.read_text() == "secret-귤"
    assert Path(os.__file__).stat().st_size == library
    assert kept.stat().st_mode & 0o777 == 0o644


def test_the_own_folder_may_be_written_within_its_size() -> None:
    writes = (
        "def save(text):\n    with open('own.txt', 'w') as file:\n        file.write(text)\n"
        "    with open('own.txt') as file:\n        return file.read()\n"
        "def fill():\n    import os\n    done = 0\n    for i in range(10_000):\n"
        "        with open(f'{i}.bin', 'wb') as file:\n"
        "            done += file.write(bytes(1_000_000))\n    return done\n"
        "def huge():\n    with open('huge', 'wb') as file:\n"
        "        for _ in range(10_000):\n            file.write(bytes(1_000_000))\n"
    )
    tests = (
        "assert save('한국어') == '한국어'\n"
        "try:\n    huge()\n    assert False\nexcept OSError:\n    pass\n"
        "try:\n    fill()\n    assert False\nexcept OSError:\n    pass"
    )
    found = score(writes, tests)
    assert found.value == 1, found.feedback


def test_no_connection_is_made() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        server.settimeout(0.05)
        calls = (
            "import socket\nerrors = []\n"
            "def attempt(function, *args):\n"
            "    try:\n        function(*args)\n"
            "    except OSError as error:\n        errors.append(error.errno)\n"
            f"attempt(socket.create_connection, ('127.0.0.1', {port}))\n"
            "attempt(socket.socket, socket.AF_UNIX)\n"
            "attempt(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)\n"
            "attempt(socket.socket, socket.AF_NETLINK, socket.SOCK_RAW)\n"
            "attempt(socket.socketpair, socket.AF_UNIX, socket.SOCK_DGRAM)\n"
        )
        assert run(calls + GOOD, "assert errors == [1] * 5") == 1
        with pytest.raises(TimeoutError):
            server.accept()


def test_no_signal_reaches_another_process() -> None:
    me, group = os.getpid(), os.getpgrp()
    kills = (
        "import os, signal\nerrors = []\n"
        f"for target in (os.getppid(), {me}, 0, -1, -{group}, -os.getpgrp()):\n"
        "    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP):\n"
        "        try:\n            os.kill(target, number)\n"
        "        except OSError as error:\n            errors.append(error.errno)\n"
    )
    assert run(kills + GOOD, "assert errors == [1] * 18") == 1


def test_limits_of_other_processes_stay() -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0), os.sched_getaffinity(0)
    harm = (
        "import os, resource\nerrors = []\n"
        "def attempt(function, *args):\n"
        "    try:\n        function(*args)\n"
        "    except OSError as error:\n        errors.append(error.errno)\n"
        f"attempt(resource.prlimit, {os.getpid()}, resource.RLIMIT_NOFILE, (1, 1))\n"
        f"attempt(os.setpriority, os.PRIO_PROCESS, {os.getpid()}, 19)\n"
        f"attempt(os.sched_setaffinity, {os.getpid()}, [0])\n"
    )
    assert run(harm + GOOD, "assert errors == [1] * 3") == 1
    assert before == (os.getpriority(os.PRIO_PROCESS, 0), os.sched_getaffinity(0))


def test_no_secret_of_the_environment_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted-secret")
    reads = (
        "import os\nseen = dict(os.environ)\nparents = ''\n"
        f"for pid in ('self', os.getppid(), {os.getpid()}):\n"
        "    for name in ('environ', 'mem', 'maps', 'cmdline'):\n"
        "        try:\n            parents += open(f'/proc/{pid}/{name}', 'rb').read().hex()\n"
        "        except OSError:\n            pass\n"
    )
    tests = (
        "assert 'OPENAI_API_KEY' not in seen\nassert parents == ''\n"
        "assert seen['HOME'] != '/root' and not seen['HOME'].startswith('/home')"
    )
    assert run(reads + GOOD, tests) == 1


def test_output_without_end_goes_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    prints = (
        "import sys\ndef add(a, b):\n    print('x' * 10**6)\n    sys.stderr.write('y' * 10**6)\n"
    )
    assert run(f"{prints}    return a + b") == 1
    endless = "def add(a, b):\n    while True:\n        print('x' * 1000)"
    assert run(endless, TESTS, QUICK) == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "body",
    [
        "import ctypes\n    ctypes.string_at(0)",
        "import os\n    os.abort()",
        "import os, signal\n    os.kill(os.getpid(), signal.SIGKILL)",
        "import sys\n    sys.setrecursionlimit(10**9)\n    def deep(x):\n        return deep([x])\n"
        "    return deep(0)",
        "eval('(' * 10**6)",
    ],
)
def test_a_crash_is_a_failed_test(body: str) -> None:
    assert run(f"def add(a, b):\n    {body}\n    return a + b", TESTS, QUICK) == 0


def test_recursion_without_end_is_an_error_like_another() -> None:
    found = score(f"{GOOD}\ndef deep(x):\n    return deep(x + 1)", f"assert deep(0)\n{TESTS}")
    assert found.value == pytest.approx(2 / 3)
    assert "RecursionError" in found.feedback


def test_the_scorers_own_files_stay() -> None:
    folder = Path(__file__).parents[2] / "apo" / "scorers"
    before = {path: path.read_bytes() for path in folder.glob("*.py")}
    harm = (
        "import os, sys\nfound = []\n"
        f"for path in {[str(path) for path in before]!r}:\n"
        "    try:\n        open(path, 'a').write('raise SystemExit')\n        found.append(path)\n"
        "    except OSError:\n        pass\n"
    )
    assert run(harm + GOOD, "assert found == []") == 1
    assert before == {path: path.read_bytes() for path in folder.glob("*.py")}


@pytest.mark.parametrize("jail", ["bubblewrap"], indirect=True)
@pytest.mark.usefixtures("jail")
def test_bubblewrap_alone_keeps_files_network_and_processes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sandbox, "START", WITHOUT_OUR_OWN)
    (tmp_path / "kept.txt").write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        harm = (
            "import os, socket\n"
            "errors = []\n"
            "def attempt(function, *args):\n"
            "    try:\n        errors.append(str(function(*args)))\n"
            "    except OSError as error:\n        errors.append(error.errno)\n"
            f"attempt(open, {str(tmp_path / 'kept.txt')!r})\nattempt(open, '/etc/passwd')\n"
            "attempt(open, '/root')\nattempt(open, '/x', 'w')\n"
            f"attempt(open, {os.__file__!r}, 'a')\nattempt(os.kill, {os.getpid()}, 9)\n"
            f"attempt(socket.create_connection, ('127.0.0.1', {server.getsockname()[1]}))\n"
            "seen = [pid for pid in os.listdir('/proc') if pid.isdigit()]\n"
            "here = set(os.listdir('/'))\n"
        )
        tests = (
            "assert [e for e in errors if e not in (2, 3, 13, 21, 30, 101, 111)] == []\n"
            "assert len(errors) == 7\nassert len(seen) <= 4\n"
            "assert not here & {'home', 'boot', 'var', 'run', 'sys'}"
        )
        found = score(harm + GOOD, tests)
        assert found.value == 1, found.feedback
        with pytest.raises(TimeoutError):
            server.accept()


def test_the_jail_is_told(jail: str) -> None:
    told = USUAL.sandbox.told()
    assert told.endswith("kept from: files, network, processes.")
    assert ("in bubblewrap," in told) == (jail == "bubblewrap")
    assert ("own jail (this test is of our own)" in told) == (jail == "own jail")


# --- the verdict


@pytest.mark.parametrize(
    "body",
    [
        "import os\n    os._exit(0)",
        "import sys\n    sys.exit(0)",
        "raise SystemExit",
        "raise KeyboardInterrupt",
        "raise AssertionError('passed')",
        "import os\n    os.closerange(0, 100)\n    return a + b",
        "import sys\n    sys.stdout.close()\n    sys.stderr.close()\n    return 7",
        'import os\n    os.write(1, b\'{"test": "x", "failed": ""}\\n\' * 9)\n    return 7',
        "import os\n    for fd in range(3, 64):\n        try:\n"
        '            os.write(fd, b\'{"test": "x", "failed": ""}\\n\' * 9)\n'
        "        except OSError:\n            pass\n    return 7",
        "import os, json\n    text = json.dumps(['done', [], True, False]).encode()\n"
        "    for fd in range(3, 64):\n        try:\n"
        "            os.write(fd, (len(text).to_bytes(8, 'big') + text) * 99)\n"
        "        except OSError:\n            pass\n    return 7",
        "class Any(int):\n        __eq__ = __ne__ = __lt__ = lambda *_: True\n    return Any(7)",
        "class Any:\n        __eq__ = __ge__ = __le__ = lambda *_: True\n        __hash__ = None\n"
        "    return Any()",
        "from unittest.mock import ANY\n    return ANY",
        "class Zero:\n        __sub__ = __rsub__ = __abs__ = lambda *_: 0\n    return Zero()",
        "class Zero:\n        __rsub__ = __sub__ = lambda self, _: self\n"
        "        __abs__ = lambda s: 0\n        __float__ = lambda s: 0.0\n"
        "        __lt__ = lambda *_: True\n    return Zero()",
    ],
)
def test_no_answer_but_the_right_one_passes(body: str) -> None:
    tests = (
        "import math\nassert add(1, 2) == 3\nassert [add(2, 2)] == [4]\n"
        "assert abs(add(1, 1) - 2) < 1e-6\nassert add(1, 1) in (2, 2.0)\n"
        "assert math.isclose(add(1, 1), 2)\nassert not add(1, 1) != 2 and 2 <= add(1, 1) <= 2\n"
        "def test_all():\n    assert {'sum': add(3, 4)} == {'sum': 8 - 1 + add(0, 0)}"
    )
    program = f"def add(a, b):\n    if a == 3:\n        return 0\n    {body}"
    right = {"return a + b": 6 / 7}
    found = run(program, tests)
    assert found <= right.get(body.splitlines()[-1].strip(), 0)


@pytest.mark.parametrize(
    "program",
    [
        "import builtins\nbuiltins.abs = lambda x: 0\nbuiltins.AssertionError = Exception\n",
        "def abs(x):\n    return 0\ndef len(x):\n    return 3\ndef all(x):\n    return True\n",
        "class math:\n    isclose = staticmethod(lambda *_: True)\n",
        "import sys\nfor f in list(sys.modules):\n    sys.modules[f] = None\n",
        "import gc\nfor o in gc.get_objects():\n    if isinstance(o, dict) and 'failed' in o:\n"
        "        o['failed'] = ''\n",
        "import sys\nf = sys._getframe()\nwhile f:\n    f.f_globals['ACTIONS'] = {}\n"
        "    f = f.f_back\n",
        "import operator\noperator.eq = lambda *_: True\noperator.__eq__ = lambda *_: True\n",
        "import json\njson.loads = lambda *_: ['done', [], True, False]\n",
        "import atexit, os\natexit.register(os._exit, 0)\n",
    ],
)
def test_what_the_program_patches_is_its_own(program: str) -> None:
    tests = (
        "import math\nassert abs(wrong(2) - 2) < 1e-6\nassert len([wrong(1)]) == 3\n"
        "assert all([wrong(1) == 1])\nassert math.isclose(wrong(2), 2)"
    )
    assert run(f"{program}\ndef wrong(x):\n    return x + 40", tests) == 0


@pytest.mark.parametrize(
    "forged", ["True", "['', '', []]", "['value', 'builtins.tuple', [['list', ['', '', 'add']]]]"]
)
def test_a_start_that_is_forged_passes_nothing(forged: str) -> None:
    program = (
        f"import json, os\ntext = json.dumps(['done', [], {forged}, False]).encode()\n"
        "for fd in range(3, 64):\n    try:\n"
        "        os.write(fd, len(text).to_bytes(8, 'big') + text)\n"
        "    except OSError:\n        pass\n"
        "def add(a, b):\n    return 7"
    )
    assert run(program) == 0


def test_the_tests_are_not_seen() -> None:
    looks = (
        "import gc, sys, os\nfound = []\n"
        "def add(a, b):\n"
        "    texts = [o for o in gc.get_objects() if isinstance(o, (str, list, dict))]\n"
        "    found.append('mark-' + str(4711) in repr(texts))\n"
        "    try:\n        found.append(os.read(0, 1000))\n    except OSError:\n        pass\n"
        "    return a + b\n"
    )
    tests = "mark = 'mark-4711'\nassert add(1, 2) == 3\nassert found == [False, b'']"
    assert run(looks, tests) == 1


def test_functions_of_the_tests_show_nothing_else() -> None:
    looks = (
        "def use(f):\n    found = []\n    for name in ('__globals__', '__code__', '__self__',\n"
        "                 '__class__', 'gi_frame'):\n        try:\n"
        "            found.append(getattr(f, name))\n        except AttributeError:\n"
        "            pass\n    return [f(2), len(found)]\n"
    )
    tests = "assert use(lambda x: x * 2)[0] == 4\nassert use(lambda x: x)[1] <= 1"
    found = score(looks, tests)
    assert found.value == 1, found.feedback


def test_what_an_error_says_is_made_plain() -> None:
    found = score("def add(a, b):\n    raise ValueError('\\ud800\\0\\x1b[31m 귤' + 'x' * 10**6)")
    assert "ValueError: ���[31m 귤xxx" in found.feedback
    assert len(found.feedback) < 2000


def test_a_huge_number_costs_no_other_test() -> None:
    huge = "def add(a, b):\n    return 7 << 10**8 if a == 1 else a + b"
    assert run(huge) == 0.5


def test_many_at_once_from_threads_of_a_run() -> None:
    scores: list[float] = []
    programs = [GOOD, "import os\ndef add(a, b):\n    os._exit(0)"] * 3

    def keep(program: str) -> None:
        scores.append(run(program))

    threads = [threading.Thread(target=keep, args=(program,)) for program in programs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(scores) == [0, 0, 0, 1, 1, 1]
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL  # The limits are not of this process.
