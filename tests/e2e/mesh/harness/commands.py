"""Running programs, with their output in the error when they fail."""

import subprocess
from collections.abc import Sequence


class CommandError(AssertionError):
    """A program failed; the message has all that it said."""


def run(command: Sequence[str], *, stdin: str = "", timeout: float = 90.0, code: int = 0) -> str:
    """Runs a program and returns its standard output.

    Raises CommandError if it ends with another exit code than `code`, or takes too long.
    """
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"{' '.join(command)} takes longer than {timeout:g} s: {error.output!r}") from error
    if done.returncode != code:
        raise CommandError(f"{' '.join(command)} failed ({done.returncode}):\n{done.stdout}{done.stderr}")
    return done.stdout
