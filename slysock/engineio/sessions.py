"""The sessions of a server: how one is opened, found, and forgotten."""

import secrets
from collections.abc import Callable
from typing import Final, final

from slysock.config import Config
from slysock.engineio.polling import LINGER_SECONDS, PollingTransport
from slysock.engineio.receiver import Receiver
from slysock.engineio.session import Session
from slysock.engineio.timers import Timer, Timers
from slysock.engineio.transport import Transport
from slysock.engineio.unjoined import Crowd, Unjoined
from slysock.http.addresses import AddressGroups
from slysock.ids import SessionId
from slysock.request import EngineRequest
from slysock_protocol.engineio import Outgoing, open_packet

_SESSION_ID_BYTES: Final = 15  # 120 random bits, 20 characters, as Node's server has


@final
class Sessions:
    """The table of sessions.

    Args:
        config: limits.
        timers: the server's.
        accept: given each new session, returns the layer above it.
        leaving: counts clients that have left while something of theirs is still being handled.
        groups: what addresses are counted under.

    Attributes:
        accepting: whether new ones are let in; False once the server stops.
    """

    def __init__(
        self,
        config: Config,
        timers: Timers,
        accept: Callable[[Session], Receiver],
        leaving: Callable[[], int],
        groups: AddressGroups,
    ) -> None:
        self.accepting = True
        self._unjoined = Unjoined(config, groups)
        self._leaving = leaving
        self._config = config
        self._timers = timers
        self._accept = accept
        self._open: dict[str, Session] = {}
        # id of a closed session -> what polls may still get, and until when
        self._last_words: dict[str, tuple[PollingTransport, Timer]] = {}

    def __len__(self) -> int:
        """Count those that are open."""
        return len(self._open)

    @property
    def is_full(self) -> bool:
        """Whether there is no room for another one."""
        return len(self._open) + self._leaving() >= self._config.max_connections

    def crowd(self, opening: EngineRequest) -> Crowd | None:
        """Say why there is no room for one more whose client has joined nothing; None: there is."""
        return self._unjoined.crowd(opening)

    @property
    def unjoined(self) -> int:
        """How many there are of those."""
        return len(self._unjoined)

    @property
    def lingering(self) -> int:
        """How many closed ones have something to say to another poll."""
        return len(self._last_words)

    def all(self) -> list[Session]:
        """List those that are open, oldest first."""
        return list(self._open.values())

    def find(self, sid: str | None) -> Session | None:
        """Find one that is open."""
        return None if sid is None else self._open.get(sid)

    def is_known(self, sid: str) -> bool:
        """Tell whether a request may name this session, which is open or has last words."""
        return sid in self._open or sid in self._last_words

    def has_last_words(self, sid: str) -> bool:
        """Tell whether a closed session still has something to say to polls."""
        transport, _ = self._last_words.get(sid, (None, None))
        return transport is not None and transport.lingering  # they may have gone over to a WebSocket

    def take_last_words(self, sid: str) -> tuple[bytes, PollingTransport] | None:
        """Take the next answer of a closed session that still has something to say; `delivering` is to count it."""
        transport, until = self._last_words.get(sid, (None, None))
        if transport is None or until is None or transport.delivers:
            return None
        words = transport.take() if transport.lingering else None
        if not transport.lingering:  # said, or gone over to a WebSocket
            until.cancel()
            del self._last_words[sid]
        return None if words is None else (words, transport)

    def open(self, request: EngineRequest, transport: Transport) -> Session:
        """Make a session, announce it to its client and to the layer above."""
        session = Session(
            SessionId(secrets.token_urlsafe(_SESSION_ID_BYTES)),
            request,
            transport,
            config=self._config,
            timers=self._timers,
            on_joined=self._unjoined.discard,
            on_closed=self._forget,
        )
        self._open[session.id] = session
        self._unjoined.add(session.id, request)
        session.send(self._open_packet(session))
        session.attach(self._accept(session))
        return session

    def _open_packet(self, session: Session) -> Outgoing:
        config = self._config
        may_upgrade = session.transport.name == "polling" and config.allow_upgrades and "websocket" in config.transports
        return open_packet(
            session.id,
            upgrades=["websocket"] if may_upgrade else [],
            ping_interval_seconds=config.ping_interval_seconds,
            ping_timeout_seconds=config.ping_timeout_seconds,
            max_payload_bytes=config.max_payload_bytes,
        )

    def _forget(self, session: Session) -> None:
        """Take a closed session out; what it still has to say waits a while for polls."""
        del self._open[session.id]
        self._unjoined.discard(session.id)
        transport = session.transport
        if isinstance(transport, PollingTransport) and transport.lingering:
            sid = session.id  # the timer keeps this, not the session
            until = self._timers.call_later(LINGER_SECONDS, lambda: self.forget_words(sid))
            self._last_words[sid] = (transport, until)

    def forget_words(self, sid: str) -> None:
        """Forget what a closed session still had to say, if anything: nobody will come for it."""
        if sid in self._last_words:
            words, until = self._last_words.pop(sid)
            until.cancel()
            words.hand_over()
