"""Stands before a server on loopback and passes its answers on late: `delay_proxy.py SERVER_PORT`.

Tells its own port on standard output; reads from standard input how many milliseconds late, a line each time.
"""

import asyncio
import sys


class Delay:
    seconds = 0.0


async def copy_now(reader, writer):
    try:
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def copy_late(reader, writer):
    """Each piece is late by itself: those behind it do not wait for its delay as well."""
    loop = asyncio.get_running_loop()
    queue = asyncio.Queue(10_000)

    async def send():
        while True:
            due, piece = await queue.get()
            if piece is None:
                break
            await asyncio.sleep(max(0.0, due - loop.time()))
            writer.write(piece)
            await writer.drain()

    sender = asyncio.create_task(send())
    try:
        while piece := await reader.read(65536):
            await queue.put((loop.time() + Delay.seconds, piece))
    except ConnectionError:
        pass
    await queue.put((0, None))
    try:
        await sender
    except ConnectionError:
        pass
    writer.close()


async def main(server_port):
    async def accept(reader, writer):
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", server_port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(copy_now(reader, up_writer), copy_late(up_reader, writer))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    orders = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    # The end of the input is the end of the proxy.
    while line := await orders.readline():
        Delay.seconds = int(line) / 1000


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
