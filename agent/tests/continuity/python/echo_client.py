"""WebSockets by one proxy, whose messages are counted there and back until the standard input ends.

Arguments: proxy, URL, how many. Each line of the output says how many messages have come back; the last one is `ok`.
"""

import asyncio
import sys

from websockets.asyncio.client import connect

UNDER_WAY = 16
proxy, url, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
stopped = asyncio.Event()
returned = 0


def message(number):
    return f"{number}:".ljust(8 + number % 1500, "x")


async def expect(socket, number):
    global returned
    got = await socket.recv()
    assert got == message(number), f"expected message {number}, got {got[:20]}"
    returned += 1


async def talk():
    async with connect(url, proxy=proxy, ping_interval=None, open_timeout=120, close_timeout=120) as socket:
        sent = 0
        while not stopped.is_set():
            await socket.send(message(sent))
            sent += 1
            if sent > UNDER_WAY:
                await expect(socket, sent - 1 - UNDER_WAY)
            await asyncio.sleep(0.025)
        for number in range(max(0, sent - UNDER_WAY), sent):
            await expect(socket, number)
    assert socket.close_code == 1000, socket.close_code


async def report():
    while True:
        print(returned, flush=True)
        await asyncio.sleep(0.2)


async def main():
    reporting = asyncio.create_task(report())
    asyncio.get_running_loop().run_in_executor(None, sys.stdin.read).add_done_callback(lambda _: stopped.set())
    await asyncio.gather(*(talk() for _ in range(count)))
    reporting.cancel()
    print("ok", flush=True)


asyncio.run(main())
