"""Clients that carry tokens in all kinds of places."""

from collections.abc import Mapping

from slysock import Handshake


def handshake(
    auth: Mapping[str, object] | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    cross_origin: bool = False,
) -> Handshake:
    return Handshake(
        auth=auth or {},
        headers=headers or {},
        query=query or {},
        address="",
        secure=False,
        cross_origin=cross_origin,
        url="/socket.io/",
        issued=0,
    )
