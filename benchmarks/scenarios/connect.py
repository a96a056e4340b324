"""How long from ``connect(kernel)`` to the first answer?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from harness.sheet import Row, middle

if TYPE_CHECKING:
    from harness.bench import Bench

#: Milliseconds that it may take.
BOUND = 100.0
#: Seconds between loading the extension and the first link: a user has another cell to run.
THEN = 1.0


def run(bench: Bench) -> None:
    """Measure the first link of a kernel and later ones, to the answer to ``block.put``."""
    first: list[float] = []
    later: list[float] = []
    for _ in range(min(3, bench.repeat)):
        with bench.kernel("ours") as kernel:
            time.sleep(THEN)
            first.append(bench.call("connectTime", connection=kernel.connection))
            later += [bench.call("connectTime", connection=kernel.connection) for _ in range(bench.repeat)]
    for what, times in (("the first of a kernel", first), ("a later one", later)):
        name = f"{bench.client.name}: connect() to the first answer, {what}"
        bench.add(Row(name, "ms", "lower", middle(times), BOUND, "bound", 1, samples={"samples": times}))
