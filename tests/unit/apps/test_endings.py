"""How processes end at a signal."""

import subprocess
import sys

ENDED_TWICE = """
import asyncio, os, signal
from weft.apps.endings import signals_call

async def serve():
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    close_pipe = loop._close_self_pipe
    def close():
        close_pipe()
        os.kill(os.getpid(), signal.SIGTERM)
    loop._close_self_pipe = close
    with signals_call(ended.set):
        os.kill(os.getpid(), signal.SIGTERM)
        await ended.wait()
        print("ended")

asyncio.run(serve())
"""


def test_a_second_signal_to_a_process_that_is_ending_is_no_error() -> None:
    done = subprocess.run([sys.executable, "-c", ENDED_TWICE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ended\n", "")
