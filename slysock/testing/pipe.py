"""A pair of streams in memory, with the one property of a network that servers stumble over: it can be full."""

import trio
import trio.testing


def open_pipe() -> tuple[trio.abc.Stream, trio.abc.Stream]:
    """Make the two ends of a connection, the client's and the server's.

    What the server sends waits until the client takes it, so that a client that does not read is felt at once. What the
    client sends is buffered, so that a test can send without a task of its own.
    """
    from_client, to_server = trio.testing.memory_stream_one_way_pair()
    from_server, to_client = trio.testing.lockstep_stream_one_way_pair()
    return trio.StapledStream(from_client, to_client), trio.StapledStream(from_server, to_server)
