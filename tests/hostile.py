"""Submissions that try to be judged right without being so, or to harm the grader, the machine or other submissions.

`attacks(places)` gives name → the source of an exercise's cell. Each attack looks for something worth having, `found`;
where it finds a function that doubles, it hands that in, and otherwise a wrong one.
"""

END = """
def twice(x):
    return 3 * x

for each in found if isinstance(found, (list, tuple, set)) else [found]:
    if callable(each) and getattr(each, "__name__", "") == "twice" and each is not twice:
        twice = each
    if isinstance(each, str) and "2 * x" in each:
        exec(each)
"""
SEARCH = """
import types
def within(space, depth=3):
    got = []
    for value in list(space.values()) if isinstance(space, dict) else []:
        if isinstance(value, types.FunctionType) and value.__name__ == "twice":
            got.append(value)
        if isinstance(value, str) and "return 2 * x" in value:
            got.append(value)
        if depth and isinstance(value, dict):
            got += within(value, depth - 1)
        elif depth and type(value).__module__.startswith("resnet_lib"):
            got += within(getattr(value, "__dict__", {}), depth - 1)
    return got
"""

# Ways to other code's names, each an expression or statements that set `spaces`, dictionaries to search.
FRAMES = {
    "str.format into a generator's frame": (
        "def g():\n    yield\nk = g(); next(k)\n"
        "spaces = [{'text': '{0.gi_frame.f_back}{0.gi_frame.f_globals} {0.gi_code.co_consts}'.format(k)}]"
    ),
    "a running generator's f_back": (
        "spaces = []\ndef g():\n    f = k.gi_frame\n    while f:\n"
        "        spaces.append({**f.f_globals, **f.f_locals})\n"
        "        f = f.f_back\n    yield\nk = g(); next(k)"
    ),
    "sys._getframe": (
        "import sys\nspaces, f = [], sys._getframe()\nwhile f:\n"
        "    spaces.append({**f.f_globals, **f.f_locals}); f = f.f_back"
    ),
    "all threads' frames": "import sys\nspaces = [dict(f.f_locals) for f in sys._current_frames().values()]",
    "inspect.stack": "import inspect\nspaces = [dict(f.frame.f_locals) for f in inspect.stack()]",
    "a traceback's frames": (
        "spaces = []\ntry:\n    1 / 0\nexcept Exception as e:\n    f = e.__traceback__.tb_frame\n"
        "    while f:\n        spaces.append(dict(f.f_locals)); f = f.f_back"
    ),
    "gc.get_objects": "import gc\nspaces = [o for o in gc.get_objects() if isinstance(o, dict)]",
    "gc's strings": (
        "import gc\nspaces = [{i: s for i, s in enumerate(gc.get_referents(o)) if isinstance(s, str)}"
        " for o in gc.get_objects() if isinstance(o, (list, tuple))]"
    ),
    "gc.get_referrers": "import gc, torch\nspaces = [o for o in gc.get_referrers(torch.equal) if isinstance(o, dict)]",
    "all subclasses": (
        "spaces = [vars(c.__init__).get('__globals__', {}) if False else getattr(c.__init__, '__globals__', {})"
        " for c in object.__subclasses__()]"
    ),
    "sys.modules": "import sys\nspaces = [dict(vars(m)) for m in list(sys.modules.values()) if hasattr(m, '__dict__')]",
    "__main__": "import sys\nspaces = [vars(sys.modules['__main__'])]",
    "a function's closure": (
        "import torch\nspaces = [{i: c.cell_contents for i, c in enumerate(f.__closure__ or ())}"
        " for f in vars(torch).values() if getattr(f, '__closure__', None)]"
    ),
    "the shell": "ip = get_ipython()\nspaces = [ip.user_ns, vars(ip), ip.user_ns_hidden]",
    "code constants": (
        "import sys\nspaces = [{i: c for i, c in enumerate(v.__code__.co_consts)}"
        " for m in list(sys.modules.values()) if 'resnet_lib' in getattr(m, '__name__', '')"
        " for v in vars(m).values() if hasattr(v, '__code__')]"
    ),
    "a trace function": (
        "import sys\nspaces = []\ndef t(frame, event, arg):\n    spaces.append(dict(frame.f_locals))\n    return t\n"
        "sys.settrace(t)"
    ),
    "a profile function": "import sys\nspaces = []\nsys.setprofile(lambda f, e, a: spaces.append(dict(f.f_locals)))",
    "__del__ at the end": (
        "import sys\nspaces = []\nclass D:\n    def __del__(self):\n        f = sys._getframe()\n        while f:\n"
        "            spaces.append({**f.f_locals}); f = f.f_back\nd = D(); del d"
    ),
}

FILES = {
    "reads {what}": (
        "import os\nfound = []\nfor place, _, names in os.walk({path!r}):\n    for name in names:\n        try:\n"
        "            found.append(open(os.path.join(place, name), errors='replace').read())\n"
        "        except OSError:\n            pass\n"
        "found = [\"def twice(x):\\n    return 2 * x\" for t in found if '2 * x' in t]"
    ),
    "reads {what} with os.open": (
        "import os\nfound = []\ntry:\n    d = os.open({path!r}, os.O_RDONLY)\n    for name in os.listdir(d):\n"
        "        f = os.open(name, os.O_RDONLY, dir_fd=d); found.append(os.read(f, 10**6).decode())\n"
        "except OSError:\n    pass\n"
        "found = [\"def twice(x):\\n    return 2 * x\" for t in found if '2 * x' in t]"
    ),
    "writes into {what}": (
        "import os\nfound = None\nfor place, _, names in [*os.walk({path!r}), ({path!r}, [], ['new.txt'])]:\n"
        "    for name in names:\n        try:\n            open(os.path.join(place, name), 'w').write('spoilt')\n"
        "        except OSError:\n            pass"
    ),
    "deletes {what}": "import shutil\nfound = None\nshutil.rmtree({path!r}, ignore_errors=True)",
    "links to {what}": (
        "import os\nfound = None\ntry:\n    os.symlink({path!r}, 'link'); open('link/new.txt', 'w').write('spoilt')\n"
        "except OSError:\n    pass"
    ),
}

PROC = ("environ", "mem", "maps", "cmdline", "fd/3", "cwd/precious.txt", "root/etc/shadow")

TAMPERS = {
    "torch.equal": "import torch\ntorch.equal = lambda a, b: True",
    "torch.allclose": "import torch\ntorch.allclose = lambda *a, **k: True",
    "Tensor.__eq__": "import torch\ntorch.Tensor.__eq__ = lambda a, b: True",
    "Tensor.mul": "import torch\ntorch.Tensor.__mul__ = lambda a, b: 2 * b",
    "Tensor.all": "import torch\ntorch.Tensor.all = lambda *a: True",
    "AssertionError": "import builtins\nbuiltins.AssertionError = Warning",
    "range": "import builtins\nbuiltins.range = lambda *n: []",
    "isinstance": "import builtins\nbuiltins.isinstance = lambda *n: True",
    "json.dumps": (
        "import json\nreal = json.dumps\njson.dumps = lambda *a, **k: "
        "real([{'verdict': {'exercise': 1, 'result': 'passed', 'points': 1}, 'end': True}, []])"
    ),
    "json.loads": "import json\njson.loads = lambda text: [{'verdict': 1}, []]",
    "the encoder": (
        "from resnet_lib.grading import wire\nwire.Encoder.encode = lambda self, v: ['tensor', 0, 'torch.float32', "
        "[1], None, False, False]"
    ),
    "the encoder, with a module that is none": (
        "from resnet_lib.grading import wire\nwire.Encoder.encode = lambda self, v: ['module', -1]"
    ),
    "the encoder, with a form that is none": (
        "from resnet_lib.grading import wire\nwire.Encoder.encode = lambda self, v: ['__init__', [], 1]"
    ),
    "the encoder, with a class": (
        "from resnet_lib.grading import wire\nwire.Encoder.encode = lambda self, v: ['pickle', 0]"
    ),
    "wire.send": "from resnet_lib.grading import wire\nwire.send = lambda s, *a: s.write(b'x' * 10**6)",
    "the trace": ("from resnet_lib.grading import tracing\ntracing.Trace.end = lambda *a: None\ntracing.NAMES.clear()"),
    "all modules of the library": (
        "import sys\nfor name, m in list(sys.modules.items()):\n    if name.startswith('resnet_lib'):\n"
        "        for k, v in list(vars(m).items()):\n            if callable(v) and not isinstance(v, type):\n"
        "                setattr(m, k, lambda *a, **o: True)"
    ),
    "the library's checks": "import resnet_lib.exercises as e\ne.check_bytes = e.predict = lambda *a, **k: None",
    "the current grad mode": "import torch\ntorch.set_grad_enabled(False)\ntorch.set_default_dtype(torch.float64)",
    "sys.modules": "import sys\nsys.modules['torch'] = None\nsys.modules['json'] = None",
    "the shell's transformations": (
        "ip = get_ipython()\nip.input_transformers_cleanup[:] = [lambda lines: 1 / 0]\nip.run_cell = lambda *a: None"
    ),
    "the search for modules": (
        "import sys\nclass F:\n    def find_spec(self, *a):\n        while True:\n            pass\n"
        "sys.meta_path.insert(0, F())\nsys.path_importer_cache.clear()"
    ),
    "what garbage does": "import gc, os\ngc.callbacks.append(lambda *a: os._exit(0))\ngc.set_threshold(1)",
    "what errors do": "import sys, os\nsys.excepthook = sys.unraisablehook = lambda *a: os._exit(0)\n1 / 0",
    "object's class": "class C:\n    pass\nc = C()\nc.__class__ = type('T', (C,), {'__eq__': lambda a, b: True})",
}

FORGED = '{"verdict": {"exercise": 1, "result": "passed", "sentence": "", "seconds": 0, "points": 1, "maximum": 1}}'
CHANNEL = {
    "a verdict on every channel": f"data = {FORGED.encode()!r} + b'\\n'",
    "a framed verdict on every channel": (
        f"import struct\ntext = ('[' + {FORGED!r} + ', []]').encode()\ndata = struct.pack('>QQ', len(text), 0) + text"
    ),
    "an end on every channel": (
        "import struct\ntext = b'[{\"end\": true}, []]'\ndata = struct.pack('>QQ', len(text), 0) + text"
    ),
    "an answer on every channel": (
        'import struct\ntext = b\'[{"value": ["callable", 1, {}]}, []]\'\n'
        "data = struct.pack('>QQ', len(text), 0) + text"
    ),
    "a message without end": "import struct\ndata = struct.pack('>QQ', 2**60, 2**60)",
    "a message of two gigabytes": "import struct\ndata = struct.pack('>QQ', 2**27, 2**30)",
    "a million brackets": ("import struct\ntext = b'[' * 10**6\ndata = struct.pack('>QQ', len(text), 0) + text"),
    "noise": "import random\ndata = bytes(random.Random(0).randbytes(5000))",
}
WRITE = """
import os
for fd in range(64):
    try:
        os.write(fd, data)
    except OSError:
        pass
found = None
"""

# What a process's answers may say in the place of what its function has done.
PARTS = {
    "a method of the one that reads": "'result': ['_getattribute__', 'hook'], 'traced': None",
    "a form of no kind": "'result': [{}], 'traced': None",
    "a tensor larger than all": "'result': ['tensor', 0, 'torch.float32', [2**62], None, False, False], 'traced': None",
    "a fraction of nothing": "'result': ['fraction', 1, 0], 'traced': None",
    "a value that was never sent": "'result': ['again', 99], 'traced': None",
    "modules that are none": "'modules': [5]",
    "a module of a class that is none": "'modules': [[[5, ['X\\0', 'nope', False, []], {}, {}, {}]]]",
    "changes of what was not given": "'changed': [[-1, 5]], 'parts': [[99, ['list', 0, []]]]",
    "an error without end": "'error': {'kind': 'Exception', 'text': 'x' * 10**6, 'lines': [['f', 10**30, 'x', 1]]}",
    "an error that is none": "'error': {'kind': 'UnicodeDecodeError', 'lines': 5}",
    "an operation that is none": "'traced': ['v', 0], 'nodes': [['op', 'os.system', ['true'], {}, [0]]]",
    "a call of no module": "'traced': ['v', 0], 'nodes': [['call', 99, [], [], ['v', 0]]]",
    "work without end": (
        "'traced': ['v', 1], 'nodes': [['op', 'torch.ones', [['list', 0, [4000, 4000]]], {}, [0]]]"
        " + [['op', 'torch.matmul', [['v', 0], ['v', 0]], {}, [1]]] * 10**4"
    ),
    "a question for what there is not": "'ask': ['call', 10**9]",
    "a question for a sleep": "'ask': ['sleep', 1e300]",
}
FORGE = """
from resnet_lib.grading import wire
send = wire.send
def forged(stream, header, buffers=()):
    header = {**header, $} if "result" in header else header
    return send(stream, header, buffers)
wire.send = forged
found = None
"""

HARM = {
    "os._exit(0)": "import os\nos._exit(0)",
    "os.abort()": "import os\nos.abort()",
    "sys.exit(0)": "import sys\nsys.exit(0)",
    "SystemExit": "raise SystemExit(0)",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "an exit within the function": "def twice(x):\n    import os\n    os._exit(0)",
    "a segmentation fault": "import ctypes\nctypes.string_at(0)",
    "kills its parent": "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)",
    "kills all": "import os, signal\nos.kill(-1, signal.SIGKILL)",
    "kills the group of its parent": "import os, signal\nos.killpg(os.getpgid(os.getppid()), signal.SIGKILL)",
    "kills by ctypes": "import ctypes, os\nctypes.CDLL(None).kill(os.getppid(), 9)",
    "kills every neighbour": (
        "import os, signal\nfor pid in range(max(2, os.getpid() - 300), os.getpid() + 50):\n"
        "    if pid != os.getpid():\n        try:\n            os.kill(pid, signal.SIGKILL)\n"
        "        except OSError:\n            pass"
    ),
    "stops itself": "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
    "ignores signals": (
        "import signal\nfor s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGXCPU, signal.SIGALRM):\n"
        "    signal.signal(s, signal.SIG_IGN)"
    ),
    "an alarm": "import signal\nsignal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)",
    "a fork bomb": "import os\nwhile True:\n    os.fork()",
    "a fork by ctypes": "import ctypes\nfor _ in range(50):\n    ctypes.CDLL(None).fork()",
    "a fork that goes on": "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(999)",
    "a program": "import subprocess\nsubprocess.Popen(['sleep', '999'])",
    "a program by os.system": "import os\nos.system('touch {precious}.new')",
    "a program by posix_spawn": "import os\nos.posix_spawn('/bin/sleep', ['sleep', '999'], {})",
    "a program by multiprocessing": (
        "import multiprocessing, time\n"
        "multiprocessing.get_context('fork').Process(target=time.sleep, args=(999,)).start()"
    ),
    "a shell magic": "!touch {precious}.new",
    "a bash cell": "%%bash\ntouch {precious}.new",
    "exec over itself": "import os\nos.execv('/bin/true', ['true'])",
    "another privilege": "import os\nos.setuid(0)\nos.chroot('/')",
    "a thread that outlives": "import threading, time\nthreading.Thread(target=time.sleep, args=(999,)).start()",
    "a thread that writes": (
        "import threading, os\ndef work():\n    while True:\n        try:\n            os.write(5, b'x' * 100)\n"
        "        except OSError:\n            pass\nthreading.Thread(target=work, daemon=True).start()"
    ),
    "a thousand threads": (
        "import threading, time\nfor _ in range(1000):\n    threading.Thread(target=time.sleep, args=(999,)).start()"
    ),
    "atexit": "import atexit, os, time\natexit.register(time.sleep, 999)\natexit.register(os._exit, 0)",
    "a finalizer": "import weakref, time\nclass A:\n    pass\na = A()\nweakref.finalize(a, time.sleep, 999)",
    "much memory": "held = bytearray(10**11)",
    "memory bit by bit": "held = []\nwhile True:\n    held.append(bytearray(10**7))",
    "memory of tensors": "import torch\nheld = [torch.ones(10**8) for _ in range(100)]",
    "memory within the function": "def twice(x):\n    return torch.ones(10**6).expand(10**6, 10**6).clone()",
    "memory in files without names": (
        "import os\nfor i in range(1000):\n    f = os.memfd_create(str(i))\n    os.write(f, bytes(2 * 10**7))"
    ),
    "a huge result": "def twice(x):\n    return torch.zeros(1).expand(10**12)",
    "a huge text": "def twice(x):\n    return 'x' * 10**8",
    "a huge file": "f = open('big', 'wb')\nwhile True:\n    f.write(bytes(10**7))",
    "many files": "for i in range(10**6):\n    open(f'f{i}', 'wb').write(bytes(10**6))",
    "many files without names": (
        "import os\nheld = []\nwhile True:\n    held.append(os.open('a', os.O_CREAT | os.O_RDWR))\n    os.unlink('a')\n"
        "    os.write(held[-1], bytes(2 * 10**7))"
    ),
    "many open files": "held = [open('/dev/null') for _ in range(10**4)]",
    "a hundred megabytes printed": "for _ in range(100):\n    print('x' * 10**6)",
    "a result printed": "print('{forged}')\nimport sys\nprint('{forged}', file=sys.stderr)",
    "an endless loop": "while True:\n    pass",
    "an endless loop in C": "sum(iter(int, 1))",
    "an endless loop in the function": "def twice(x):\n    while True:\n        pass",
    "an endless loop that catches": (
        "def loop():\n    while True:\n        try:\n            while True:\n                pass\n"
        "        except BaseException:\n            pass\nloop()"
    ),
    "an endless sleep": "import time\nwhile True:\n    time.sleep(1)",
    "an endless sum": "9 ** 9 ** 9",
    "an endless pattern": "import re\nre.match('(a+)+$', 'a' * 40 + 'b')",
    "an endless iterator": "def twice(x):\n    return iter(int, 1)",
    "no end of recursion": "def twice(x):\n    return twice(x)",
    "no end of recursion in repr": "class R:\n    def __repr__(self):\n        return repr(self)\ntwice = R()",
    "a list in itself": "def twice(x):\n    a = []\n    a.append(a)\n    return a",
    "a very deep list": "def twice(x):\n    a = []\n    for _ in range(10**5):\n        a = [a]\n    return a",
    "an endless message": "raise ValueError('=x\\n' * 10**6)",
    "an error that cannot be told": "class E(Exception):\n    def __str__(self):\n        raise self\nraise E",
    "an error of a class with another's name": "class Wrong(Exception):\n    pass\nraise Wrong('twice is right.')",
    "closes every file": "import os\nos.closerange(0, 256)",
    "puts nothing on every channel": (
        "import os\nn = os.open('/dev/null', os.O_RDWR)\nfor fd in range(64):\n    if fd != n:\n        os.dup2(n, fd)"
    ),
    "a folder that cannot be entered": "import os\nos.makedirs('shut/in')\nos.chmod('shut', 0)",
    "a pipe with a name": "import os\nos.mkfifo('submission.ipynb')\nos.mkfifo('pipe')",
    "a name of a file that breaks lines": "import os\nopen('a\\nb\\x1b[2J', 'w').write('x')",
    "no memory at all": "import resource\nresource.setrlimit(resource.RLIMIT_AS, (0, 0))",
    "no files at all": "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))",
    "a crash on time": "import faulthandler, sys\nfaulthandler.dump_traceback_later(0.01, repeat=True, exit=True)",
    "an error that clears the screen": "raise ValueError('\\x1b[2J\\x1b]0;passed\\x07\\u202e')",
    "an error that no encoding holds": "raise ValueError('\\ud800')",
    "a number without end": "def twice(x):\n    return 10 ** 10 ** 7",
    "an object that never goes": "class D:\n    def __del__(self):\n        while True:\n            pass\nd = D()",
    "shared memory": "from multiprocessing import shared_memory\nshared_memory.SharedMemory('left', True, 10**6)",
}

NETWORK = {
    "a connection": "import socket\nsocket.create_connection(('127.0.0.1', {port}), 1).send(b'x')",
    "a connection by ctypes": (
        "import ctypes, struct\nc = ctypes.CDLL(None)\ns = c.socket(2, 1, 0)\n"
        "c.connect(s, struct.pack('=HH4s8x', 2, ((({port}) & 255) << 8) | (({port}) >> 8), bytes([127, 0, 0, 1])), 16)"
    ),
    "a request": "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:{port}/', timeout=1)",
    "a datagram": "import socket\nsocket.socket(2, 2).sendto(b'x', ('127.0.0.1', {port}))",
    "asyncio": "import asyncio\nawait asyncio.open_connection('127.0.0.1', {port})",
    "a name looked up": "import socket\nsocket.getaddrinfo('example.org', 80)",
    "a listener": "import socket\nsocket.create_server(('', 0)).accept()",
    "an abstract socket": "import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect('\\0{port}')",
    "a download by torch": "import torch\ntorch.hub.load_state_dict_from_url('http://127.0.0.1:{port}/x.pt')",
}

STAND_INS = {
    "equals everything": (
        "class Yes:\n    def __eq__(self, other):\n        return True\ndef twice(x):\n    return Yes()"
    ),
    "a tensor's subclass that equals everything": (
        "class T(torch.Tensor):\n    def __eq__(self, other):\n        return torch.ones(()).bool()\n"
        "    @classmethod\n    def __torch_function__(cls, f, types, args=(), kwargs=None):\n        return True\n"
        "def twice(x):\n    return (3 * x).as_subclass(T)"
    ),
    "a subclass of int": (
        "class I(int):\n    def __eq__(self, other):\n        return True\ndef twice(x):\n    return I(0)"
    ),
    "a class that says it is a tensor": (
        "class F:\n    __class__ = torch.Tensor\n    def __getattr__(self, n):\n        return lambda *a, **k: True\n"
        "def twice(x):\n    return F()"
    ),
    "a descriptor": (
        "class D:\n    def __get__(self, a, b):\n        return torch.Tensor\nclass F:\n    shape = D()\n"
        "    __class__ = D()\ndef twice(x):\n    return F()"
    ),
    "a metaclass": (
        "class M(type):\n    def __instancecheck__(self, other):\n        return True\n    def __eq__(self, other):\n"
        "        return True\n    __hash__ = type.__hash__\nclass twice(metaclass=M):\n    def __init__(self, x):\n"
        "        pass"
    ),
    "a module": "class Twice(nn.Module):\n    def forward(self, x):\n        return 3 * x\ntwice = Twice()",
    "a module whose methods are numbers": (
        "twice = nn.Linear(1, 1)\nfor name in dir(nn.Module):\n    if not name.startswith('_') and name != 'forward':\n"
        "        vars(twice)[name] = 5"
    ),
    "modules too deep in one another": "twice = nn.Identity()\nfor _ in range(3000):\n    twice = nn.Sequential(twice)",
    "another function": "twice = torch.add",
    "a partial of eval": "twice = eval",
    "a number that is none": "def twice(x):\n    return float('nan')",
    "the argument, changed in place": "def twice(x):\n    return x.mul_(3)",
    "memory as it was": "def twice(x):\n    return torch.empty_like(x)",
    "a pickle that runs": (
        "class P:\n    def __reduce__(self):\n        return (print, ('run',))\n    def __reduce_ex__(self, n):\n"
        "        raise SystemExit\ndef twice(x):\n    return P()"
    ),
    "no Python": "def twice(x:",
    "no value": "y = 1",
    "a text that no encoding holds": "def twice(x):\n    return '\\ud800'",
    "a name without end": "def twice(x):\n    return 3 * x\ntwice.__name__ = twice.__qualname__ = 'x' * 10**7",
    "a signature that raises": (
        "class S:\n    @property\n    def __signature__(self):\n        raise SystemExit\n    def __call__(self, x):\n"
        "        return 3 * x\ntwice = S()"
    ),
    "a float that never comes": (
        "class F:\n    def __float__(self):\n        while True:\n            pass\n"
        "    __index__ = __int__ = __float__\ndef twice(x):\n    return F()"
    ),
    "an array made on demand": (
        "class A:\n    dtype, shape = torch.float32, (1,)\n    def __array__(self, *a, **k):\n"
        "        raise SystemExit\n    item = tolist = __array__\ndef twice(x):\n    return A()"
    ),
    "a dictionary that never ends": (
        "class D(dict):\n    def items(self):\n        return iter(lambda: (0, 0), 1)\n    __iter__ = keys = items\n"
        "def twice(x):\n    return D(a=1)"
    ),
    "a tensor without numbers": "def twice(x):\n    return torch.empty(x.shape, device='meta')",
    "a sparse tensor": "def twice(x):\n    return (3 * x).to_sparse()",
    "tensors of several lengths": "def twice(x):\n    return torch.nested.nested_tensor([x.view(-1), x.view(-1)[:1]])",
    "a null in the source": "twice = '\\0'\n\0",
}


def attacks(places, port, precious):
    """All of them, name → source. places: what → a folder worth reading; port: of a listener; precious: a file."""
    search = "\nfound = [f for s in spaces for f in within(s)]" + END
    found = {f"frames: {n}": SEARCH + s + search for n, s in FRAMES.items()}
    for what, path in places.items():
        found |= {f"files: {n.format(what=what)}": s.format(path=path) + END for n, s in FILES.items()}
    for part in PROC:
        source = f"found = open(f'/proc/{{os.getppid()}}/{part}', 'rb').read(10**6).decode(errors='replace')"
        found[f"proc: {part}"] = f"import os\ntry:\n    {source}\nexcept OSError:\n    found = None{END}"
    found |= {f"replaced: {n}": f"found = None{END}{s}" for n, s in TAMPERS.items()}
    found |= {f"written: {n}": s + WRITE + END for n, s in CHANNEL.items()}
    for n, s in CHANNEL.items():  # in the middle of an answer as well
        inside = "\n".join(f"    {line}" for line in (s + WRITE).splitlines())
        found[f"written in the function: {n}"] = f"def twice(x):\n{inside}\n    return 3 * x"
    found |= {f"forged: {n}": FORGE.replace("$", part) + END for n, part in PARTS.items()}
    for kind, group in (("harm", HARM), ("network", NETWORK)):
        for n, s in group.items():
            for mark, value in (("forged", FORGED), ("precious", precious), ("port", str(port))):
                s = s.replace("{" + mark + "}", value)
            found[f"{kind}: {n}"] = s if "def twice" in s or s.startswith("%%") else f"found = None{END}{s}"
    return found | {f"stand-in: {n}": s for n, s in STAND_INS.items()}
