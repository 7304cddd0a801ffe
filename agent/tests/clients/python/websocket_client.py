"""websockets: echoes through a tunnel by one proxy. Arguments: proxy, URL."""

import sys

from websockets.sync.client import connect

proxy, url = sys.argv[1:]
with connect(url, proxy=proxy, max_size=None) as socket:
    for size in (0, 1, 125, 126, 65_535, 65_536, 3_000_000):
        socket.send(b"x" * size)
        assert socket.recv(timeout=60) == b"x" * size, size
    for number in range(300):
        socket.send(f"message {number}")
    for number in range(300):
        assert socket.recv(timeout=60) == f"message {number}"
    assert socket.ping().wait(timeout=60), "a pong"
assert socket.close_code == 1000, socket.close_code
print("ok")
