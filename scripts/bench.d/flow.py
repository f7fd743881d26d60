"""Requests at an even pace, whatever becomes of the ones before: an open loop."""

import asyncio
import json
import time
from dataclasses import dataclass

BODY = json.dumps(
    {
        "model": "claude-sonnet-4-5",
        "max_tokens": 64,
        "messages": [{"role": "user", "content": "How long does this take?"}],
    }
).encode()
SESSIONS = 20
# A request that takes longer than this has failed.
PATIENCE = 30


@dataclass
class Sample:
    """When a request was due, on the clock of `time.monotonic`, how long it took from then, and whether it failed."""

    due: float
    took: float
    failed: bool


class Flow:
    def __init__(self, port, key, per_second):
        self.port, self.key, self.per_second = port, key, per_second
        self.samples, self.idle, self.running = [], [], set()
        self.first_error = None

    def head(self, number):
        return (
            f"POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: {self.key}\r\n"
            f"anthropic-version: 2023-06-01\r\nx-session-id: flow-{number % SESSIONS}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(BODY)}\r\n\r\n"
        ).encode()

    async def run(self, stop):
        """Sends until the event is set, and waits for what is under way."""
        begun, number = time.monotonic(), 0
        while not stop.is_set():
            due = begun + number / self.per_second
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            task = asyncio.create_task(self.request(due, number))
            self.running.add(task)
            task.add_done_callback(self.running.discard)
            number += 1
        if self.running:
            await asyncio.wait(self.running)
        for _, writer in self.idle:
            writer.close()

    async def request(self, due, number):
        failed = False
        try:
            await asyncio.wait_for(self.ask(number), PATIENCE)
        except (OSError, ValueError, EOFError, asyncio.TimeoutError) as error:
            failed, self.first_error = True, self.first_error or repr(error)
        self.samples.append(Sample(due, time.monotonic() - due, failed))

    async def ask(self, number):
        connection = self.idle.pop() if self.idle else await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = connection
        writer.write(self.head(number) + BODY)
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        fields = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        if "content-length" in fields:
            body = await reader.readexactly(int(fields["content-length"]))
        else:
            body = await read_chunks(reader)
        self.idle.append(connection)
        if status != 200:
            raise ValueError(f"{status}: {body[:300]!r}")


async def read_chunks(reader):
    body = b""
    while size := int((await reader.readline()).strip(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body
