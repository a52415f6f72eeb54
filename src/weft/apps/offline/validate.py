"""`weft validate`: all that is wrong with objects in files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import cast

import click

from weft.apps.offline.files import read_files
from weft.apps.offline.mesh import MeshOptions, offline_mesh
from weft.cli.errors import FAILED, Misuse
from weft.cli.issues import SEVERITIES, print_issue
from weft.cli.options import files_options
from weft.cli.output import Structured, structured


@click.command("validate")
@files_options(required=True)
@click.option("-o", "--output", type=click.Choice(["json", "yaml"]), help="Write a list of findings instead of lines.")
def validate(filename: Sequence[str], recursive: bool, output: str | None) -> int:
    """Check objects in files: each alone, and all of them together.

    Nothing has to run. Errors make the exit code 1; warnings don't.
    """
    files = read_files(filename, recursive=recursive)
    if files.empty:
        hint = "" if recursive else "-R reads the folders below, too"
        raise Misuse(f"there are no objects in {', '.join(filename)}", hint=hint)
    found = offline_mesh(files, MeshOptions()).issues(across=True)
    counts = Counter(located.issue.severity for located in found)
    if output is not None:
        click.echo(structured(found, cast(Structured, output)))
    else:
        for located in found:
            print_issue(located, err=False)
    objects = len(files.pods) + len(files.other.upserts)
    said = ", ".join(_count(counts[severity], severity) for severity in SEVERITIES[:2])
    click.echo(f"{_count(objects, 'object')}: {said}", err=output is not None)
    return FAILED if counts["error"] else 0


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
