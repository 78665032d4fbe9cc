"""What holds a submission's process: limits of the system, no network, no other processes, no files but its own.

On Linux the system itself holds it (a network of its own without any device, Landlock for files, seccomp for calls).
Elsewhere there are the limits of time and memory, and Python's own doors are closed; code that knows how can get around
those, so run the grader there under an account that owns nothing of value.
"""

import ctypes
import os
import platform
import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
# Folders that a submission has no business in; the lessons lie inside the library where a wheel brought both.
CLOSED = [HERE / "exercises", HERE / "grading", HERE / "notebooks", HERE.parent / "notebooks", HERE.parent / "tests"]

NEW_USER, NEW_NET, NEW_IPC = 0x10000000, 0x40000000, 0x08000000
# Calls of the system by number, for the two usual processors.
CALLS = {
    "x86_64": (
        0xC000003E,
        dict(fork=57, vfork=58, execve=59, execveat=322, socket=41, connect=42, bind=49, ptrace=101, kill=62),
        dict(process_vm_readv=310, process_vm_writev=311, pidfd_send_signal=424, pidfd_open=434, io_uring_setup=425),
        dict(
            memfd_create=319, shmget=29, mq_open=240, add_key=248, keyctl=250, bpf=321, perf_event_open=298, mount=165
        ),
        dict(unshare=272, setns=308, rt_sigqueueinfo=129, tkill=200, userfaultfd=323, setpriority=141, chroot=161),
        dict(sched_setscheduler=144, sched_setparam=142, sched_setattr=314, ioprio_set=251, move_pages=279),
        dict(clone=56, clone3=435, tgkill=234, prlimit=302, sched_setaffinity=203),
    ),
    "aarch64": (
        0xC00000B7,
        dict(execve=221, execveat=281, socket=198, connect=203, bind=200, ptrace=117, kill=129),
        dict(process_vm_readv=270, process_vm_writev=271, pidfd_send_signal=424, pidfd_open=434, io_uring_setup=425),
        dict(
            memfd_create=279, shmget=194, mq_open=180, add_key=217, keyctl=219, bpf=280, perf_event_open=241, mount=40
        ),
        dict(unshare=97, setns=268, rt_sigqueueinfo=138, tkill=130, userfaultfd=282, setpriority=140, chroot=51),
        dict(sched_setscheduler=119, sched_setparam=118, sched_setattr=274, ioprio_set=30, move_pages=239),
        dict(clone=220, clone3=435, tgkill=131, prlimit=261, sched_setaffinity=122),
    ),
}
ALLOW, REFUSE, UNKNOWN = 0x7FFF0000, 0x00050000 | 1, 0x00050000 | 38  # errno EPERM, ENOSYS
THREAD = 0x00010000
NAMES, READ = 8, 1 | 4 | 8  # Landlock's: to list a folder; to list it, and to read and run what is in it


def limit(memory, seconds, folder):
    """Hold this process to so many MB beyond what it has, and seconds of processor time. Windows has no such limits."""
    try:
        import resource
    except ImportError:
        return
    for what, most in [
        ("RLIMIT_AS", addresses() + memory * 2**20),
        ("RLIMIT_CPU", int(seconds) + 1),
        ("RLIMIT_FSIZE", 20 * 2**20 if folder else resource.RLIM_INFINITY),
        ("RLIMIT_CORE", 0),
        ("RLIMIT_NOFILE", 256),
        ("RLIMIT_NPROC", 512),
    ]:
        try:
            resource.setrlimit(getattr(resource, what), (most, most))
        except (AttributeError, ValueError, OSError):
            pass  # macOS knows some of them by name only; the grader watches memory and time from outside as well


def addresses():
    """Bytes of address space in use. A torch for GPUs takes many GB of it and uses few."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 2**34


def close(folder):
    """Shut this process in: only `folder` may be written to. Returns what the system could not close, in words."""
    missing = []
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(1, 9)  # it ends with the process that started it
        if libc.unshare(NEW_USER | NEW_NET | NEW_IPC) and libc.unshare(NEW_NET):
            missing.append("the network")
        libc.prctl(38, 1, 0, 0, 0)  # no new privileges, which both of the following ask for
        if not _landlock(libc, folder):
            missing.append("files")
        if not _seccomp(libc):
            missing.append("processes")
        elif "the network" in missing:
            missing.remove("the network")  # without sockets there is none
    else:
        missing = ["the network", "files", "processes"]
    if missing:
        sys.addaudithook(_doors(str(folder)))
    return missing


def readable(place, closed, seen):
    """(path, rights) of all that may be read in a place. What is allowed of a folder is so of all below it: one that
    holds a closed folder, as Python's own does where the library is installed, is opened part by part."""
    place = place.resolve()
    if place in seen or place in closed:
        return
    seen.add(place)
    if any(place in other.parents for other in closed if other.exists()):
        yield place, NAMES
        for part in sorted(place.iterdir()):
            yield from readable(part, closed, seen)
    else:
        yield place, READ


def _landlock(libc, folder):
    """Allow reading Python, its packages and the library, and writing in the folder; nothing else of the files."""
    abi = libc.syscall(444, None, 0, 1)
    if abi < 1:
        return False
    files = (1 << (13 if abi < 2 else 14 if abi < 3 else 15 if abi < 5 else 16)) - 1
    net, scope = (3 if abi >= 4 else 0), (3 if abi >= 6 else 0)
    attributes = struct.pack("QQQ", files, net, scope)[: 24 if abi >= 6 else 16 if abi >= 4 else 8]
    rules = libc.syscall(444, attributes, len(attributes), 0)
    if rules < 0:
        return False
    read_file = 1 | 4
    system = [sys.prefix, sys.base_prefix, "/usr", "/lib", "/lib64", "/etc", "/dev/urandom", "/sys/devices/system/cpu"]
    allowed, seen = [], set()
    for place in (*system, HERE):
        allowed += readable(Path(place), CLOSED, seen)
    allowed += [(Path(folder), files), (Path("/dev/null"), read_file | 2), (Path("/dev/zero"), read_file)]
    for path, rights in allowed:
        try:
            at = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        rights = rights if path.is_dir() else rights & (read_file | 2)
        libc.syscall(445, rules, 1, struct.pack("=Qi", rights & files, at), 0)
        os.close(at)
    done = libc.syscall(446, rules, 0) == 0
    os.close(rules)
    return done


def _seccomp(libc):
    """Refuse calls of the system that start or disturb processes, open sockets, or leave something behind."""
    if platform.machine() not in CALLS:
        return False
    architecture, *refused, special = CALLS[platform.machine()]
    program = []

    def step(code, k, yes=0, no=0):
        program.append(struct.pack("HBBI", code, yes, no, k & 0xFFFFFFFF))

    load, equal, bits, give = 0x20, 0x15, 0x45, 0x06
    step(load, 4)
    step(equal, architecture, 1, 0)
    step(give, 0x80000000)  # another kind of calls: end
    step(load, 0)
    step(0x35, 0x40000000, 0, 1)  # x32's calls
    step(give, REFUSE)
    for number in [n for group in refused for n in group.values()]:
        step(equal, number, 0, 1)
        step(give, REFUSE)
    step(equal, special["clone3"], 0, 1)
    step(give, UNKNOWN)  # then clone is taken, whose flags can be read
    own = (("tgkill", equal, os.getpid()), ("prlimit", equal, 0), ("sched_setaffinity", equal, 0))
    for name, condition, k in (("clone", bits, THREAD), *own):
        step(equal, special[name], 0, 4)
        step(load, 16)  # the first argument
        step(condition, k, 1, 0)
        step(give, REFUSE)
        step(give, ALLOW)
    step(give, ALLOW)
    code = ctypes.create_string_buffer(b"".join(program))
    filter_ = struct.pack("HxxxxxxP", len(program), ctypes.addressof(code))
    return libc.prctl(22, 2, ctypes.create_string_buffer(filter_), 0, 0) == 0


def _doors(folder):
    """Python's own doors, where the system cannot hold a process."""
    started = (
        "subprocess.",
        "os.system",
        "os.exec",
        "os.fork",
        "os.posix_spawn",
        "os.spawn",
        "os.startfile",
        "os.kill",
    )
    network = ("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "ctypes.dlopen", "ctypes.dlsym")
    changes = (
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.link",
        "os.symlink",
        "os.truncate",
        "os.chmod",
        "shutil.rmtree",
    )
    here, real = os.path.realpath(folder) + os.sep, os.path.realpath
    closed = tuple(str(place) + os.sep for place in CLOSED)

    def hook(event, found):
        if event.startswith(started + network):
            raise PermissionError(f"the grader refuses {event}")
        if event == "open" and isinstance(found[0], str | bytes):
            where, writes = real(os.fsdecode(found[0])), isinstance(found[1], str) and set(found[1]) & set("wax+")
            if (writes or (found[2] or 0) & 3) and not where.startswith(here) and where != os.devnull:
                raise PermissionError(f"the grader refuses to write {where}")
            if where.startswith(closed):
                raise PermissionError(f"the grader refuses to read {where}")
        elif event.startswith(changes):
            for path in found:
                if isinstance(path, str | bytes) and not real(os.fsdecode(path)).startswith(here):
                    raise PermissionError(f"the grader refuses {event}")

    return hook
