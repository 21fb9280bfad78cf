"""Handlers that note when they run."""

import trio

from slysock import Router, Socket


def recorder(router: Router) -> list[str]:
    """Register two kinds of handlers that note when they run."""
    log: list[str] = []

    @router.on("slow")
    async def slow(socket: Socket, name: str, seconds: float = 1) -> str:
        log.append(f"{name} begins")
        await trio.sleep(seconds)
        log.append(f"{name} ends")
        return name

    @router.on("quick")
    def quick(socket: Socket, name: str) -> str:
        log.append(name)
        return name

    return log
