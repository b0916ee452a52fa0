"""What keeps a program that nobody trusts from the machine; runs in the process that it limits.

Three layers, each with what the kernel gives to an ordinary user: limits (`setrlimit`), a file
system that is hidden (Landlock) or private (a mount namespace), and system calls that are refused
(seccomp). It imports nothing of apo, since it also runs in containers that have no apo.
"""

import ctypes
import os
import platform
import resource
import struct
import sys

_x86, _arm = 0xC000003E, 0xC00000B7  # AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64
_LAST = 451
"""The last system call that is known here (cachestat, Linux 6.5); later ones are refused."""

_REFUSED = {
    # Numbers on x86-64, on aarch64 (-1 where it has none): asm/unistd_64.h, asm-generic/unistd.h.
    "other processes": "57,-1 58,-1 59,221 322,281 101,117 310,270 311,271 440,440 448,448 312,272"
    " 200,130 129,138 297,240 424,424 434,434 438,438 112,157 109,154",
    "their priority": "141,140 203,122 144,119 142,118 314,274 251,30 256,238 279,239",
    "network": "41,198 42,203 49,200 50,201 43,202 288,242",
    "owners, modes, times, lengths": "76,45 90,-1 91,52 268,53 92,-1 93,55 94,-1 260,54"
    " 132,-1 235,-1 280,88"
    " 261,-1 188,5 189,6 190,7 197,14 198,15 199,16",
    "mounts, namespaces": "165,40 166,39 155,41 161,51 272,97 308,268 442,442 429,429 428,428"
    " 430,430 431,431 432,432 433,433 303,264 304,265",
    "memory outside of the limit": "319,279 447,447 29,194 30,196 68,186 64,190 240,180 241,181",
    "the kernel": "321,280 298,241 250,219 248,217 249,218 425,425 426,426 427,427 323,282 175,105"
    " 313,273 176,106 246,104 320,294 169,142 167,224 168,225 170,161 171,162 164,170 227,112"
    " 305,266 159,171 163,89 179,60 443,443 103,116 135,92 172,-1 173,-1 154,-1 180,42 212,18"
    " 153,58 300,262 126,91 437,437"
    " 253,-1 294,26",
}

DEVICES = {"/dev/null": 6, "/dev/zero": 4, "/dev/urandom": 4, "/dev/random": 4}
"""Devices that a program may use, with Landlock's rights to them."""


def limit(seconds: float, memory: int, disk: int) -> None:
    """Set the limits of this process and of those that it starts.

    Args:
        seconds: of CPU, rounded up.
        memory: bytes of address space.
        disk: bytes of one file.
    """
    cpu = max(1, int(-(-seconds // 1)))
    wanted = {
        resource.RLIMIT_CPU: cpu,
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_FSIZE: disk,
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in wanted.items():
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(kind, (value, value))
        except (ValueError, OSError):  # macOS refuses some limits of address space.
            if sys.platform == "linux":
                raise


def private_folder(folder: str, disk: int) -> bool:
    """Lay a file system of the given size over a folder, in memory, for this process alone.

    It takes user and mount namespaces, which some machines and most containers refuse.

    Returns:
        Whether it is there; if not, nothing may be written at all.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(0x10000000 | 0x20000 | 0x8000000):  # NEWUSER, NEWNS, NEWIPC
        return False
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        try:
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
        except OSError:
            return False
    private = libc.mount(None, b"/", None, 0x4000 | 0x40000, None)  # REC, PRIVATE
    kind, options = b"tmpfs", f"size={disk},nr_inodes=1000,mode=700".encode()
    return not private and not libc.mount(kind, os.fsencode(folder), kind, 2 | 4 | 8, options)


def close(folder: str, packages: list[str], *, writable: bool) -> set[str]:
    """Give up what this process may do, for good.

    Args:
        folder: the only one that it may write to.
        packages: folders that it may read, beside Python's own.
        writable: whether it may do so.

    Returns:
        What it is kept from from now on: "network", "files", "processes".
    """
    if sys.platform != "linux":
        return set[str]()
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(1, 9, 0, 0, 0)  # PDEATHSIG: the end of the parent kills.
    libc.prctl(4, 0, 0, 0, 0)  # DUMPABLE: no other process may look into this one.
    header, nothing = struct.pack("Ii", 0x20080522, 0), bytes(24)
    libc.capset(header, nothing)
    if libc.prctl(38, 1, 0, 0, 0):  # NO_NEW_PRIVS
        return set[str]()
    files = _hide_files(libc, folder, packages, writable=writable)
    calls = _refuse_calls(libc)
    held = {"network": calls, "processes": calls, "files": files and calls}
    return {name for name, holds in held.items() if holds}


def _hide_files(libc: ctypes.CDLL, folder: str, packages: list[str], *, writable: bool) -> bool:
    """Landlock (landlock(7)): only libraries can be read, only the folder written."""
    version = libc.syscall(444, None, 0, 1)
    if version < 1:
        return False
    everything = (1 << (13 + min(version, 3) - 1 + (version >= 5))) - 1
    network, scoped = (3 if version >= 4 else 0), (1 if version >= 6 else 0)
    attributes = struct.pack("QQQ", everything, network, scoped)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = libc.syscall(444, attributes, size, 0)
    if rules < 0:
        return False
    read, write = 1 << 2 | 1 << 3, everything & ~(1 | 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 15)
    allowed = dict.fromkeys([*libraries(), *packages], read) | DEVICES
    allowed[folder] = write if writable else read
    for path, rights in allowed.items():
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        rights = rights if os.path.isdir(path) else rights & ~(1 << 3)
        failed = libc.syscall(445, rules, 1, struct.pack("=Qi", rights, fd), 0)
        os.close(fd)
        if failed:
            return False
    failed = libc.syscall(446, rules, 0)
    os.close(rules)
    return not failed


def libraries() -> list[str]:
    """What Python reads of the machine; some of it may not be there."""
    prefixes = dict.fromkeys((sys.prefix, sys.base_prefix, "/usr", "/usr/local", "/"))
    folders = [os.path.join(p, name) for p in prefixes for name in ("lib", "lib64")]
    return [*folders, "/usr/share/zoneinfo", "/etc/localtime", "/etc/ld.so.cache"]


def _refuse_calls(libc: ctypes.CDLL) -> bool:
    """A seccomp filter (seccomp(2)): one process with threads, no sockets, no signals to others."""
    column = {"x86_64": 0, "aarch64": 1}.get(platform.machine())
    if column is None or sys.maxsize < 2**32:
        return False
    allow, refuse, unknown = 0x7FFF0000, 0x00050001, 0x00050026  # EPERM, ENOSYS
    load, equal, at_least, has, leave = 0x20, 0x15, 0x35, 0x45, 0x06
    code = [
        (load, 0, 0, 4),
        (equal, 1, 0, (_x86, _arm)[column]),
        (leave, 0, 0, 0x80000000),  # Calls of another architecture have other numbers: the end.
        (load, 0, 0, 0),
        (at_least, 0, 1, _LAST + 1),
        (leave, 0, 0, unknown),
        (equal, 0, 1, 435),  # clone3 hides its flags; without it, clone is used.
        (leave, 0, 0, unknown),
    ]
    for numbers in " ".join(_REFUSED.values()).split():
        number = int(numbers.split(",")[column])
        if number >= 0:
            code += [(equal, 0, 1, number), (leave, 0, 0, refuse)]

    def depends(
        number: int, argument: int, test: int, values: list[int], *, good: bool, mask: int = -1
    ) -> None:
        """Allow a call when an argument is one of the values, or (good=False) is none of them."""
        if number < 0:
            return
        tests = [(test, len(values) - i, 0, value) for i, value in enumerate(values)]
        ends = [(leave, 0, 0, refuse if good else allow), (leave, 0, 0, allow if good else refuse)]
        masked = (0x54, 0, 0, mask & 0xFFFFFFFF)
        body = [(load, 0, 0, 16 + 8 * argument), masked, *tests, *ends]
        code.extend([(equal, 0, len(body), number), *body])

    own = os.getpid()
    depends((56, 220)[column], 0, has, [0x10000], good=True)  # clone: a thread
    depends((62, 129)[column], 0, equal, [own], good=True)  # kill
    depends((234, 131)[column], 0, equal, [own], good=True)  # tgkill
    depends((302, 261)[column], 0, equal, [0, own], good=True)  # prlimit64
    depends((53, 199)[column], 1, equal, [1, 0x80001, 0x801, 0x80801], good=True)  # pairs: STREAM
    depends((157, 167)[column], 0, equal, [1, 4], good=False)  # prctl: PDEATHSIG, DUMPABLE
    depends((72, 25)[column], 1, equal, [8, 10, 15], good=False)  # fcntl: signals to an owner
    depends((16, 29)[column], 1, equal, [0x8901, 0x8902, 0x5412], good=False)  # ioctl: the same
    # Before Linux 6.2 Landlock lets files that can be read be cut when they are opened.
    depends((2, -1)[column], 1, equal, [0x200], good=False, mask=0x203)  # open: RDONLY and TRUNC
    depends((257, 56)[column], 2, equal, [0x200], good=False, mask=0x203)  # openat
    code.append((leave, 0, 0, allow))
    filled = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
    program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(filled))
    return not libc.prctl(22, 2, program, 0, 0)
