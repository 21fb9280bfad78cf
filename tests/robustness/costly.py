"""A server in a process of its own, for tests that look at the memory of a whole process. Says its port, and serves."""

import trio

from slysock import Config, ConnectionRefused, Listening, Router, Server, Socket

root = Router("/")


@root.on("echo")
def echo(socket: Socket, *args: object) -> tuple[object, ...]:
    """Answer with what has come."""
    return args


@root.on("slow")
async def slow(socket: Socket, *args: object) -> None:
    """Take long."""
    await trio.sleep(1000)


gate = Router("/gate")


@gate.use
def refuse(socket: Socket) -> None:
    """Let nobody in."""
    raise ConnectionRefused("not you")


async def main() -> None:
    """Serve until killed."""
    others = [Router(f"/{number}") for number in range(5)]
    server = Server(root, gate, *others, config=Config(ping_interval_seconds=10_000))
    async with trio.open_nursery() as nursery:
        listening: Listening = await nursery.start(server.serve, "127.0.0.1", 0)
        print(listening.port, flush=True)


if __name__ == "__main__":
    trio.run(main)
