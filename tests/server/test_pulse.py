"""The event loop's pulse is heard as long as it turns."""

from __future__ import annotations

import asyncio
import time

from pointsman.server.pulse import Pulse


async def test_a_loop_that_is_held_up_is_heard_to_be_late() -> None:
    lags: list[float] = []
    heard = asyncio.Event()

    def hear(lag_s: float) -> None:
        lags.append(lag_s)
        heard.set()

    pulse = Pulse(hear)
    pulse.start()
    pulse.start()
    await asyncio.sleep(0)
    time.sleep(0.3)  # noqa: ASYNC251 - whatever holds up a loop
    silent_s = pulse.silence()
    await heard.wait()
    await pulse.close()
    await pulse.close()

    assert silent_s >= 0.3
    assert lags[0] == pulse.lag_s
    assert lags[0] > 0.1
