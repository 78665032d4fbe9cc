"""A connection to another computer, on this one: everything that goes through it arrives later."""

import asyncio
import contextlib
import dataclasses
import threading
from urllib.parse import urlsplit


@contextlib.contextmanager
def slow_line(lab, seconds):
    """The same JupyterLab at another address, where each way takes that much longer."""
    ready, line = threading.Event(), {}

    async def meet(reader, writer):
        with contextlib.suppress(asyncio.CancelledError):  # the end of it all
            their_reader, their_writer = await asyncio.open_connection("127.0.0.1", urlsplit(lab.address).port)
            await asyncio.gather(_carry(reader, their_writer, seconds), _carry(their_reader, writer, seconds))

    async def serve():
        server = await asyncio.start_server(meet, "127.0.0.1", 0)
        line.update(port=server.sockets[0].getsockname()[1], loop=asyncio.get_running_loop(), end=asyncio.Event())
        ready.set()
        await line["end"].wait()  # what is still open then ends with the loop

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    ready.wait()
    try:
        yield dataclasses.replace(lab, address=f"http://127.0.0.1:{line['port']}")
    finally:
        line["loop"].call_soon_threadsafe(line["end"].set)
        thread.join()


async def _carry(source, sink, seconds):
    """Pass on what comes, each piece that much later, in order."""
    clock, waiting = asyncio.get_running_loop().time, asyncio.Queue()

    async def deliver():
        while (due := await waiting.get()) is not None:
            when, data = due
            await asyncio.sleep(max(0, when - clock()))
            sink.write(data)
            await sink.drain()
        sink.close()

    delivering = asyncio.create_task(deliver())
    with contextlib.suppress(ConnectionError):
        while data := await source.read(2**16):
            waiting.put_nowait((clock() + seconds, data))
    waiting.put_nowait(None)
    with contextlib.suppress(ConnectionError):
        await delivering
