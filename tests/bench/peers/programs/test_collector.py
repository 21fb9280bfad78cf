import gc

from bench.peers.programs.collector import CollectorPauses


def test_collections_are_counted_from_the_last_reset() -> None:
    pauses = CollectorPauses()
    try:
        pauses.answer("reset")
        gc.collect()
        told = pauses.answer("read")
        assert told["count"] == 1
        assert told["longest"] == told["total"] > 0
        assert pauses.answer("reset") == {"count": 0, "total": 0, "longest": 0}
    finally:
        gc.callbacks.pop()
