"""The chat path end to end: `sendMessage` of the marketplace, persisted, acknowledged, delivered.

Each customer sends to a connected vendor of their own; a message counts when it is acknowledged to the one and
delivered to the other. For slysock that is `slysock serve --system marketplace`, whose users may send as fast as they
can.
"""

import json
import time
from pathlib import Path
from typing import Final

import jwt

from bench.generator import Options
from bench.peers.registry import TOKEN_SECRET
from bench.scenarios.model import Point, Scenario

TOKEN_SECONDS: Final = 86_400
PRODUCT: Final = 1
WARMUP_SECONDS: Final = 2.5
RECORD_SEPARATOR: Final = "\x1e"


def _token(role: str, user_id: int) -> str:
    claims = {"userId": user_id, "role": role, "exp": int(time.time()) + TOKEN_SECONDS}
    return jwt.encode(claims, TOKEN_SECRET["SLYSOCK_JWT_SECRET"], algorithm="HS256")


def _line(role: str, user_id: int, recipient_id: int) -> str:
    """Return the script line of one client; generator/script.h has the fields."""
    auth = json.dumps({"token": _token(role, user_id)}, separators=(",", ":"))
    connects = "".join(f"40{namespace},{auth}{RECORD_SEPARATOR}" for namespace in ("/presence", "/chat"))
    between = f'["sendMessage",{{"productId":{PRODUCT},"recipientId":{recipient_id},"text":"bench:'
    return f'{connects}\t42/chat,\t{between}\t"}}]'


def write_script(folder: Path, options: Options) -> Options:
    """Write the script for as many pairs as the options say; return the option that names it."""
    lines: list[str] = []
    for pair in range(1, int(options["requesters"]) + 1):
        lines += (_line("CUSTOMER", pair, pair), _line("VENDOR", pair, pair))
    path = folder / "script"
    path.write_text("\n".join(lines) + "\n")
    return {"script": str(path)}


CHAT: Final = Scenario(
    name="chat",
    title="Chat path: sendMessage stored, acknowledged, delivered; one at a time from each sender",
    counted="requests",
    series="delivery",
    x_title="senders",
    application="marketplace",
    needs=frozenset(),
    prepare=write_script,
    points=[
        Point(
            label=f"{senders} senders",
            x=senders,
            # The warm-up includes the making of every chat; the generator prolongs it until the last one is made.
            options={"clients": 2 * senders, "requesters": senders, "warmup": WARMUP_SECONDS},
            quick=senders == 200,
        )
        for senders in (1, 10, 50, 200, 1000)
    ],
)
