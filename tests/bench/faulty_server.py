"""A server that acknowledges and publishes as the benchmark's application does, and makes one kind of mistake.

argv: lose, repeat, swap, garble, forget, absent, leak, slow, mute, die, or none.
One thread, blocking writes, few clients.
"""

import json
import selectors
import socket
import sys
import time
from collections.abc import Iterator

SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
OPEN = b'0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'
AT = 20  # the number of the message or request that goes wrong


class Faulty:
    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.clients: dict[socket.socket, bytes] = {}  # -> what is incomplete
        self.published = 0
        self.asked = 0
        self.kept: bytes | None = None
        self.rooms: dict[str, list[socket.socket]] = {}

    def receive(self, client: socket.socket) -> bool:
        data = client.recv(65536)
        if not data:
            return False
        data = self.clients[client] + data
        if data.startswith(b"GET "):
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self.clients[client] = head
                return True
            client.sendall(SWITCH + frame(OPEN))
        messages = list(split(data))
        self.clients[client] = messages.pop()
        for message in messages:
            self.handle(client, message)
        return True

    def handle(self, client: socket.socket, message: bytes) -> None:
        if message == b"40":
            client.sendall(frame(b'40{"sid":"s"}'))
        elif message.startswith(b'42["pub"'):
            self.publish(message.replace(b"pub", b"msg", 1))
        elif message.startswith(b'42["say"'):
            _, room, data = json.loads(message[2:])
            self.say(room, data)
        elif message.startswith(b"42"):
            start = message.index(b"[")
            event, *data = json.loads(message[start:])
            if event in ("join", "leave"):
                self.move(client, event, data[0])
            self.acknowledge(client, message[2:start], data)

    def acknowledge(self, client: socket.socket, ack: bytes, data: list[str]) -> None:
        self.asked += 1
        if self.asked == AT and self.fault == "forget":
            return
        if self.asked == AT and self.fault == "garble":
            data = [data[0].replace("a", "z")]
        client.sendall(frame(b"43" + ack + json.dumps(data, separators=(",", ":")).encode()))

    def move(self, client: socket.socket, event: str, rooms: list[str]) -> None:
        for room in rooms:
            members = self.rooms.setdefault(room, [])
            if event == "leave" and client in members:
                members.remove(client)
            elif event == "join" and self.fault != "absent":
                members.append(client)

    def say(self, room: str, data: str) -> None:
        message = frame(b'42["msg","' + data.encode() + b'"]')
        for client in self.clients if self.fault == "leak" else self.rooms[room]:
            client.sendall(message)

    def publish(self, message: bytes) -> None:
        self.published += 1
        if self.fault == "mute":
            return
        if self.fault == "die" and self.published == AT:
            sys.exit("the last words")
        if self.fault == "slow":
            time.sleep(0.1)
        messages = [message]
        if self.fault == "swap" and self.published == AT:
            self.kept, messages = message, []
        elif self.kept is not None:
            messages, self.kept = [message, self.kept], None
        for number, client in enumerate(self.clients):
            for one in messages:
                self.deliver(client, one, is_first=number == 0)

    def deliver(self, client: socket.socket, message: bytes, *, is_first: bool) -> None:
        hit = is_first and self.published == AT
        if not (hit and self.fault == "lose"):
            client.sendall(frame(message))
        if hit and self.fault == "repeat":
            client.sendall(frame(message))


def frame(payload: bytes) -> bytes:
    size = len(payload)
    return (bytes((0x81, size)) if size < 126 else b"\x81\x7e" + size.to_bytes(2, "big")) + payload


def split(data: bytes) -> Iterator[bytes]:
    """The complete messages, then what is left."""
    while len(data) >= 6:
        size, offset = data[1] & 127, 2
        if size == 126:
            size, offset = int.from_bytes(data[2:4], "big"), 4
        if len(data) < offset + 4 + size:
            break
        mask = data[offset : offset + 4]
        body = data[offset + 4 : offset + 4 + size]
        yield bytes(byte ^ mask[index % 4] for index, byte in enumerate(body))
        data = data[offset + 4 + size :]
    yield data


def main() -> None:
    server = Faulty(sys.argv[1])
    listener = socket.create_server(("127.0.0.1", 0))
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                client, _ = listener.accept()
                server.clients[client] = b""
                selector.register(client, selectors.EVENT_READ)
            elif isinstance(key.fileobj, socket.socket) and not server.receive(key.fileobj):
                selector.unregister(key.fileobj)
                del server.clients[key.fileobj]
                key.fileobj.close()


if __name__ == "__main__":
    main()
