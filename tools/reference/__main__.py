"""Writes all pages to docs/reference/."""

from pathlib import Path

import click

from tools.reference.pages import FOLDER, pages


def main() -> None:
    """Writes pages that are not as they should be, and names them."""
    for name, text in pages().items():
        path = Path(FOLDER, name)
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            click.echo(f"written: {FOLDER}/{name}")


if __name__ == "__main__":
    main()
