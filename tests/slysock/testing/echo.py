"""What the clients that are offered for testing are tried on."""

from slysock import Router, Socket


def echoing() -> Router:
    root = Router()

    @root.on("echo")
    async def echo(socket: Socket, *args: object) -> tuple[object, ...]:
        socket.emit("echo", *args)
        return args

    return root
