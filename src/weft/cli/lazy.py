"""Commands whose code is imported when they are used, so that `weft get` does not wait for what others need."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import click

from weft.cli.errors import FAILED, INTERRUPTED, MISUSED, print_error


def load(target: str) -> Any:
    """What `<module>:<name>` names, imported now."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


class LazyCommand(click.Command):
    """Stands for a command until it is used. `target` is `<module>:<name>` of the command."""

    def __init__(self, name: str, target: str, short_help: str = "", *, hidden: bool = False) -> None:
        super().__init__(name, short_help=short_help, hidden=hidden)
        self._target = target

    def load(self) -> click.Command:
        """The command itself."""
        command = load(self._target)
        if not isinstance(command, click.Command):
            raise TypeError(f"{self._target} is no command")
        return command

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The context of the command itself, which is then invoked in this one's place."""
        return self.load().make_context(info_name, args, parent, **extra)


class Group(click.Group):
    """A group that knows other names of its commands, and says what went wrong in Weft's way."""

    def __init__(self, *arguments: Any, aliases: Mapping[str, str] | None = None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._aliases = dict(aliases or {})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name or other name."""
        return super().get_command(ctx, self._aliases.get(cmd_name, cmd_name))

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Runs a command line; ends the process with the exit code of the command, unless told otherwise."""

        def run() -> Any:
            return super(Group, self).main(args, prog_name, complete_var, standalone_mode=False, **extra)

        if not standalone_mode:
            return run()
        raise SystemExit(_exit_code(run))


def _exit_code(run: Callable[[], Any]) -> int:
    try:
        result = run()
        sys.stdout.flush()
    except click.UsageError as error:
        return _report_misuse(error)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return INTERRUPTED
    except BrokenPipeError:
        _write_to_nobody()
        return FAILED
    return result if isinstance(result, int) else 0


def _write_to_nobody() -> None:
    """Whoever read our output has gone, and what is left of it must not become an error when Python ends
    (https://docs.python.org/3/library/signal.html#note-on-sigpipe)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report_misuse(error: click.UsageError) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return MISUSED
    hint = f"see `{error.ctx.command_path} --help`" if error.ctx else ""
    print_error(error.format_message(), hint)
    return MISUSED
