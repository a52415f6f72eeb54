"""When Python looks for cycles of garbage: seldom, and not among what stays.

Nearly all of a controller's memory is values of the mesh, which are no garbage as long as the mesh is there, and go by
their reference counts. To look through them costs a third of the time of a start.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_THRESHOLDS: Final = (20_000, 20, 20)
"""Objects made until the youngest are looked at, and how often those before the next older ones; Python's own are 700
and 10, for programs a hundred times smaller."""


@contextmanager
def undisturbed() -> Iterator[None]:
    """Looks at nothing while inside, and never again at what is there at the end."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(*_THRESHOLDS)
        gc.enable()
