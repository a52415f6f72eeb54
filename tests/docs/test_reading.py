"""Pages are read as a reader follows them."""

from pathlib import Path

import pytest
from tests.docs.pages import Command, File, PageError, fences, front_matter, read_page, steps

PAGE = """\
# Title

```yaml title="a/b.yaml"
kind: Pod
```

Text.

```console exit="3" within="5"
$ weft get pods
NAME
one
$ curl -s \\
    http://greeter/
```

```console norun="it needs a terminal"
$ weft demo
```

```yaml
kind: Shown
```
"""


def test_files_and_commands_come_in_the_order_of_the_page() -> None:
    found = list(steps(fences(PAGE)))
    assert found == [
        File("a/b.yaml", "kind: Pod\n", 3),
        Command("weft get pods", ("NAME", "one"), 3, 5, 10),
        Command("curl -s \\\n    http://greeter/", (), 3, 5, 13),
    ]


def test_blocks_in_lists_lose_their_indentation() -> None:
    (found,) = fences("1. First\n\n    ```console\n    $ ls\n    ```\n")
    assert found.text == "$ ls\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```console\n$ ls\n", "line 1: the block has no end"),
        ("```console\nls\n```\n", "line 2: this is no command"),
        ("```console\n```\n", "line 1: there is no command"),
        ('```console run="no"\n$ ls\n```\n', "line 1: unknown attribute run"),
        ('```yaml title="../x"\n```\n', "line 1: ../x is outside of the reader's folder"),
    ],
)
def test_a_page_that_is_written_wrongly_is_refused(text: str, message: str) -> None:
    with pytest.raises(PageError, match=message):
        list(steps(fences(text)))


def test_a_page_starts_with_the_files_that_another_one_makes_before_its_first_command(tmp_path: Path) -> None:
    first, second = tmp_path / "first.md", tmp_path / "second.md"
    first.write_text('```yaml title="a"\n1\n```\n```console\n$ ls\n```\n```yaml title="b"\n2\n```\n')
    second.write_text("---\nfiles_from: first.md\n---\n# Second\n```console\n$ cat a\n```\n")
    assert front_matter(second.read_text()) == {"files_from": "first.md"}
    assert [type(step) for step in read_page(second).steps] == [File, Command]


def test_pages_and_blocks_tell_what_isolation_they_take(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    text = '# Page\n```console\n$ ls\n```\n```console isolation="netns"\n$ ip link\n```\n'
    page.write_text(text)
    assert read_page(page).isolation == "userns", "machines of pages are made of namespaces"
    assert [command.isolation for command in read_page(page).commands] == ["", "netns"]
    page.write_text(f"---\nisolation: netns\n---\n{text}")
    assert read_page(page).isolation == "netns"
