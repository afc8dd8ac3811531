import threading
from collections.abc import Callable

import pytest

from viseme.errors import OutputError
from viseme.training.saving import Writer


def fail() -> None:
    raise OutputError("model.safetensors: no room left on the disk")


def test_it_writes_beside_and_one_thing_at_a_time() -> None:
    released, order = threading.Event(), []

    def first() -> None:
        released.wait(5)
        order.append("first")

    with Writer() as writer:
        writer.submit(first)
        order.append("beside")
        released.set()
        writer.submit(lambda: order.append("second"))
        assert order[:2] == ["beside", "first"]
    assert order == ["beside", "first", "second"]


def test_what_could_not_be_written_is_raised_next() -> None:
    writer = Writer()
    writer.submit(fail)
    with pytest.raises(OutputError, match="no room"):
        writer.submit(lambda: None)
    with pytest.raises(OutputError, match="no room"), Writer() as last:
        last.submit(fail)


def stopped(write: Callable[[], None]) -> None:
    with Writer() as writer:
        writer.submit(write)
        raise KeyboardInterrupt


def test_what_was_begun_is_finished_and_hides_no_other_error() -> None:
    written: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        stopped(lambda: written.append(1))
    assert written == [1]
    with pytest.raises(KeyboardInterrupt):
        stopped(fail)
