#!/usr/bin/env python3
"""A far API server: a TCP proxy on loopback, where a user sits, for kernels without netem.

  far.py HOST PORT LISTEN delay SECONDS   each byte takes SECONDS each way; a connection costs both
  far.py HOST PORT LISTEN waves FILE      holds all that is sent until nobody sends any more, then all that is
                                          answered: FILE has the number of such waves, which no clock changes

It ends with the process that started it. A kubeconfig for it has `https://127.0.0.1:LISTEN` as its server, and HOST as
the `tls-server-name`.
"""

import asyncio
import os
import sys
from pathlib import Path

QUIET = 0.25  # so long nobody has sent anything: longer than the tool ever thinks between two reads


class Far:
    """Each way takes so long."""

    def __init__(self, seconds):
        self.seconds = float(seconds)

    async def connect(self):
        await asyncio.sleep(2 * self.seconds)

    async def pass_on(self, reader, writer, _answers):
        loop, queue = asyncio.get_running_loop(), asyncio.Queue()

        async def send():
            while True:
                due, data = await queue.get()
                await asyncio.sleep(max(0, due - loop.time()))
                if not data:
                    return
                writer.write(data)
                await writer.drain()

        sender = asyncio.create_task(send())
        while data := await reader.read(1 << 16):
            queue.put_nowait((loop.time() + self.seconds, data))
        queue.put_nowait((loop.time() + self.seconds, b""))
        await sender


class Waves:
    """Nothing goes on before all is sent that can be sent without an answer."""

    def __init__(self, file):
        self.file, self.count = Path(file), 0
        self.held = {False: [], True: []}  # is it an answer?: who gets what
        self.last = 0.0
        self.task = None

    async def connect(self):
        """A connection is a wave of its own only where it is waited for; its bytes are counted."""

    async def pass_on(self, reader, writer, answers):
        self.task = self.task or asyncio.create_task(self.tide())
        loop = asyncio.get_running_loop()
        while True:
            data = await reader.read(1 << 16)
            self.last = loop.time()
            self.held[answers].append((writer, data))
            if not data:
                return

    async def tide(self):
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(0.01)
            if loop.time() - self.last < QUIET or not any(self.held.values()):
                continue
            # What is answered goes back first: whoever gets it may have more to ask.
            answers = bool(self.held[True])
            if not answers:
                self.count += any(data for _, data in self.held[False])
                self.file.write_text(str(self.count))
            held, self.held[answers] = self.held[answers], []
            for writer, data in held:
                try:
                    writer.write(data) if data else writer.write_eof()
                except (OSError, RuntimeError):
                    pass
            self.last = loop.time()


async def serve(host, port, listen, far):
    async def connected(reader, writer):
        await far.connect()
        far_reader, far_writer = await asyncio.open_connection(host, int(port))

        async def both(*way):
            try:
                await far.pass_on(*way)
            except OSError:
                pass

        await asyncio.gather(both(reader, far_writer, False), both(far_reader, writer, True))
        writer.close()
        far_writer.close()

    async with await asyncio.start_server(connected, "127.0.0.1", int(listen)):
        parent = os.getppid()
        while os.getppid() == parent:
            await asyncio.sleep(0.5)


if __name__ == "__main__":
    to_host, to_port, on_port, kind, how = sys.argv[1:]
    asyncio.run(serve(to_host, to_port, on_port, {"delay": Far, "waves": Waves}[kind](how)))
