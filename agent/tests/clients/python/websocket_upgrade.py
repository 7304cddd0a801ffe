"""websockets without a tunnel: the upgrade is asked of the proxy in absolute form. Arguments: proxy's port, URL."""

import socket
import sys

from websockets.client import ClientProtocol
from websockets.frames import Opcode
from websockets.uri import parse_uri

port, url = sys.argv[1:]
protocol = ClientProtocol(parse_uri(url), max_size=None)
request = protocol.connect()
request.path = url.replace("ws:", "http:", 1)
protocol.send_request(request)
with socket.create_connection(("127.0.0.1", int(port)), timeout=60) as stream:
    received = []

    def exchange(wanted):
        for data in protocol.data_to_send():
            stream.sendall(data) if data else stream.shutdown(socket.SHUT_WR)
        while not wanted():
            data = stream.recv(65_536)
            protocol.receive_data(data) if data else protocol.receive_eof()
            received.extend(protocol.events_received())
            for answer in protocol.data_to_send():
                stream.sendall(answer) if answer else stream.shutdown(socket.SHUT_WR)

    exchange(lambda: received)
    assert received.pop(0).status_code == 101
    for number in range(100):
        protocol.send_text(f"message {number}".encode() * number)
    exchange(lambda: sum(frame.opcode is Opcode.TEXT for frame in received) == 100)
    for number, frame in enumerate(received):
        assert frame.data == f"message {number}".encode() * number, number
    protocol.send_close(1000)
    exchange(lambda: protocol.close_expected() is False or protocol.close_rcvd is not None)
    assert protocol.close_rcvd.code == 1000, protocol.close_rcvd
print("ok")
