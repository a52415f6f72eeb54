"""The copy of the example differs from it in the gateway's port and in where the programs are, and in nothing else."""

from pathlib import Path

import pytest
import yaml

from weft.apps.demo.example import GATEWAY_PORT, adjusted, copy_example, packaged_example

EXAMPLE = packaged_example()


def changed_lines(path: Path, port: int) -> list[str]:
    before = path.read_text()
    after = adjusted(before, port=port, folder=EXAMPLE)
    return [new for old, new in zip(before.splitlines(), after.splitlines(), strict=True) if old != new]


def test_the_gateway_gets_the_other_port_in_all_its_objects_and_nothing_else_changes() -> None:
    found = {path.name: changed_lines(path, 9099) for path in EXAMPLE.glob("*.yaml")}
    assert found.pop("weft.yaml")
    assert {name: len(lines) for name, lines in found.items() if lines} == {"12-gateway.yaml": 2, "20-traffic.yaml": 1}
    assert all(str(GATEWAY_PORT) not in line for lines in found.values() for line in lines)


def test_the_copy_is_whole(tmp_path: Path) -> None:
    copy_example(EXAMPLE, tmp_path / "copy", GATEWAY_PORT)
    names = {path.relative_to(EXAMPLE) for path in EXAMPLE.rglob("*") if path.suffix in (".yaml", ".md")}
    assert {path.relative_to(tmp_path / "copy") for path in (tmp_path / "copy").rglob("*.*")} == names
    for name in names - {Path("weft.yaml")}:
        assert (tmp_path / "copy" / name).read_text() == (EXAMPLE / name).read_text()


def test_images_lead_to_the_folder_of_the_programs(tmp_path: Path) -> None:
    copy_example(EXAMPLE, tmp_path, GATEWAY_PORT)
    images = yaml.safe_load((tmp_path / "weft.yaml").read_text())["spec"]["images"]
    assert {Path(folder) for folder in images.values()} == {EXAMPLE}
    assert (EXAMPLE / "bookshop" / "productpage.py").is_file()


def test_a_folder_with_a_strange_name_stays_one_value(tmp_path: Path) -> None:
    strange = tmp_path / 'a "b": c #d'
    text = (EXAMPLE / "weft.yaml").read_text()
    images = yaml.safe_load(adjusted(text, port=1, folder=strange))["spec"]["images"]
    assert list(images.values()) == [str(strange)]


@pytest.mark.parametrize("text", ["", "# nothing\n", "a: [", "- 8080\n", "kind: Gateway\nspec: 8080\n", "---\n---\n"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert adjusted(text, port=9099, folder=EXAMPLE) == text


def test_other_ports_of_the_gateways_namespace_stay() -> None:
    text = "kind: Service\nmetadata: {namespace: bookshop-ingress}\nspec: {ports: [{port: 80, targetPort: 8080}]}\n"
    assert adjusted(text, port=9099, folder=EXAMPLE) == text.replace("8080", "9099")
