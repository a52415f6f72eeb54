"""`weft completion`."""

from typing import Final

import click
from click.shell_completion import get_completion_class

from weft.cli.errors import Failure

_SHELLS: Final = click.Choice(["bash", "zsh", "fish"])
_PROGRAM: Final = "weft"
_VARIABLE: Final = "_WEFT_COMPLETE"
"""What click looks for when the program `weft` starts."""


@click.command("completion")
@click.argument("shell", type=_SHELLS)
@click.pass_context
def completion(context: click.Context, /, shell: str) -> None:
    """Write the script that completes command lines in a shell.

    \b
    bash: source <(weft completion bash)
    zsh:  source <(weft completion zsh)
    fish: weft completion fish | source
    """
    found = get_completion_class(shell)
    if found is None:
        raise Failure(f"click does not know the shell {shell}")
    click.echo(found(context.find_root().command, {}, _PROGRAM, _VARIABLE).source())
