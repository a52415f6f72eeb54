"""Waiting with an end. (`asyncio.wait_for` of Python 3.11 can lose a cancellation that comes with the event.)"""

import asyncio


async def wait_at_most(seconds: float, event: asyncio.Event) -> bool:
    """Waits until the event is set, at most so long, and returns whether it is."""
    try:
        async with asyncio.timeout(max(0, seconds)):
            await event.wait()
    except TimeoutError:
        pass
    return event.is_set()
