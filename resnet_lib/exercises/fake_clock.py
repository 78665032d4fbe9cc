"""A test stand for timers: works that take as long as they are told to, on a clock of their own.

While a learner's function runs on it, the clocks of the module `time` show the stand's time, which only its works and
`sleep` move on. So what a timer gives does not depend on how fast or how busy the machine is.
"""

import threading
import time
import timeit
from contextlib import contextmanager

TICK = 1e-6  # seconds that reading the clock takes
PROCESSOR_CLOCKS = {getattr(time, f"CLOCK_{of}_CPUTIME_ID", None) for of in ("PROCESS", "THREAD")}
DISTURBED = 3  # the number of that run
THREADS = 2  # that each work keeps busy: a processor's time counts them all


class Stand:
    """lengths: name → seconds of a run. The first run of each takes ten times as long, and the later ones a little
    longer or shorter than one another, so that every run is known by its time; one of them, in which another program
    was busy, four times as long: it is a run like the others.

    works: name → function without arguments. runs: (name, seconds), in the order in which they ran. reads: how often
    a clock was asked, and reads_of_day, how often the one that shows the time of day.
    """

    def __init__(self, lengths):
        self.lengths, self.runs, self._now = lengths, [], 1000.0
        self.reads = self.reads_of_day = 0
        self.works = {name: lambda name=name: self._run(name) for name in lengths}

    def _run(self, name):
        before = sum(n == name for n, _ in self.runs)
        seconds = self.lengths[name] * (10 if before == 0 else 1 + (before // 8 * 8 + 5 * before % 8) / 64)
        seconds *= 4 if before == DISTURBED else 1
        self.runs.append((name, seconds))
        self.sleep(seconds)

    def sleep(self, seconds):
        self._now += seconds

    def read(self):
        """What a clock on the wall shows, in seconds."""
        self.reads += 1
        self._now += TICK
        return self._now

    def read_of_day(self):
        """What time it is, in seconds. On a real machine it is set now and then, and jumps."""
        self.reads_of_day += 1
        return self.read()

    def read_processor(self):
        """What a processor has worked, in seconds, all threads together."""
        return THREADS * self.read()

    @contextmanager
    def clocks(self, f):
        """Inside, in this thread, the module `time`, what f's own module took from it, and `timeit` show this time."""
        shown = {"perf_counter": self.read, "monotonic": self.read, "time": self.read_of_day}
        shown |= dict.fromkeys(("process_time", "thread_time"), self.read_processor)
        of_system = dict.fromkeys(PROCESSOR_CLOCKS, self.read_processor)
        of_system[getattr(time, "CLOCK_REALTIME", None)] = self.read_of_day
        shown["clock_gettime"] = lambda clock: of_system.get(clock, self.read)()
        shown |= {f"{name}_ns": lambda *clock, read=read: round(read(*clock) * 1e9) for name, read in shown.items()}
        shown["sleep"] = self.sleep
        here = threading.get_ident()

        def in_this_thread(real, ours):
            return lambda *given: (ours if threading.get_ident() == here else real)(*given)

        # Known by identity: what a learner's names hold need not be hashable.
        ours = {id(real): in_this_thread(real, shown[n]) for n, real in list(vars(time).items()) if n in shown}
        names = [
            (space, name, value)
            for space in (vars(time), vars(timeit), getattr(f, "__globals__", {}))
            for name, value in list(space.items())
            if id(value) in ours
        ]
        functions = [f, timeit.timeit, timeit.repeat, timeit.Timer.__init__]
        defaults = [(g, g.__defaults__) for g in functions if getattr(g, "__defaults__", None)]
        try:
            for space, name, value in names:
                space[name] = ours[id(value)]
            for g, values in defaults:
                g.__defaults__ = tuple(ours.get(id(v), v) for v in values)
            yield
        finally:
            for space, name, value in names:
                space[name] = value
            for g, values in defaults:
                g.__defaults__ = values
