"""A program without systems, to be observed."""

import re

from slysock import Config, Refusal, Router, Server, Socket


class TooLate(Refusal):
    """What this program says no with."""


def make_server(config: Config | None = None) -> Server:
    root, rooms = Router("/"), Router(re.compile("/room-.+"))

    @root.on("add")
    @rooms.on("add")
    def add(socket: Socket, a: int, b: int) -> int:
        return a + b

    @root.on("refuse")
    def refuse(socket: Socket) -> None:
        raise TooLate("SECRET")

    return Server(root, rooms, config=config)
