"""`weft apply`, `delete` and `label` change objects, and say of each what became of it."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.cli.conftest import Run, Serve
from tests.unit.cli.mesh import MemoryMesh, service, virtual_service

from weft.base.issues import Ref

REVIEWS = Ref("Service", "default", "reviews")


def write(path: Path, *bodies: Any) -> Path:
    path.write_text(yaml.safe_dump_all(bodies))
    return path


def test_each_object_says_what_became_of_it(run: Run, serve: Serve, tmp_path: Path) -> None:
    serve(MemoryMesh(service("reviews"), service("details")))
    changed = service("details", type="NodePort")
    file = write(tmp_path / "shop.yaml", service("reviews"), changed, virtual_service("ratings"))
    result = run("apply", "-f", str(file))
    assert result.stdout.splitlines() == [
        "service/reviews unchanged",
        "service/details configured",
        "virtualservice.networking.istio.io/ratings created",
    ]
    assert run("apply", "-f", str(file)).exit_code == 0


def test_a_refused_object_is_placed_in_its_file_and_the_others_are_applied(
    run: Run, serve: Serve, tmp_path: Path
) -> None:
    mesh = serve(MemoryMesh())
    broken = virtual_service("reviews")
    broken["spec"]["http"][0]["rout"] = []
    file = write(tmp_path / "shop.yaml", service("reviews"), broken, service("details"))
    result = run("apply", "-f", str(file))
    assert result.exit_code == 1
    assert result.stdout.splitlines() == ["service/reviews created", "service/details created"]
    line = next(number for number, text in enumerate(file.read_text().splitlines(), 1) if "rout:" in text)
    assert f"error: {file}:{line}:" in result.stderr
    assert "VirtualService default/reviews, spec.http[0].rout: " in result.stderr
    assert "hint: " in result.stderr
    assert len(mesh.bodies) == 2


def test_what_is_no_yaml_is_placed_and_the_rest_goes_on(run: Run, serve: Serve, tmp_path: Path) -> None:
    serve(MemoryMesh())
    file = tmp_path / "shop.yaml"
    file.write_text(f"a: [1\n---\n{yaml.safe_dump(service('reviews'))}---\n- just\n- a list\n")
    result = run("apply", "-f", str(file))
    assert result.exit_code == 1
    assert result.stdout == "service/reviews created\n"
    assert f"error: {file}:2: no YAML" in result.stderr
    assert "this is no object" in result.stderr


def test_folders_standard_input_and_lists_are_read(run: Run, serve: Serve, tmp_path: Path) -> None:
    serve(MemoryMesh())
    folder = tmp_path / "shop"
    (folder / "below").mkdir(parents=True)
    write(folder / "b.yml", service("b"))
    write(folder / "below" / "d.yaml", service("d"))
    (folder / "a.json").write_text(
        json.dumps({"apiVersion": "v1", "kind": "List", "items": [service("a"), service("c")]})
    )
    (folder / "readme.txt").write_text("not read")
    assert run("apply", "-f", str(folder)).stdout.split()[::2] == ["service/a", "service/c", "service/b"]
    assert run("apply", "-R", "-f", str(folder)).stdout.split()[::2][-1] == "service/d"
    assert run("apply", "-f", "-", stdin=yaml.safe_dump(service("e"))).stdout == "service/e created\n"


def test_a_namespace_is_for_objects_that_name_none(run: Run, serve: Serve, tmp_path: Path) -> None:
    mesh = serve(MemoryMesh())
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    elsewhere = service("ratings")
    elsewhere["metadata"]["namespace"] = "other"
    file = write(tmp_path / "shop.yaml", namespace, service("reviews"), elsewhere)
    result = run("apply", "-n", "shop", "-f", str(file))
    assert set(mesh.bodies) == {Ref("Namespace", "", "shop"), Ref("Service", "shop", "reviews")}
    assert "the object is in namespace other, not in shop" in result.stderr
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file"), ("# nothing\n", "no objects"), ("\x00", "not allowed in YAML"), (b"\xff\xfe", "UTF-16")],
)
def test_files_without_objects_are_errors(
    run: Run, serve: Serve, tmp_path: Path, content: str | bytes | None, message: str
) -> None:
    serve(MemoryMesh())
    file = tmp_path / "shop.yaml"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    result = run("apply", "-f", str(file))
    assert result.exit_code == 1
    assert message in result.stderr


def test_a_file_that_is_too_large_is_refused(run: Run, serve: Serve, tmp_path: Path) -> None:
    serve(MemoryMesh())
    file = tmp_path / "shop.yaml"
    file.write_bytes(b"#" * (4 * 2**20 + 1))
    assert "has more than 4 MiB" in run("apply", "-f", str(file)).stderr


def test_an_empty_folder_says_what_is_read(run: Run, serve: Serve, tmp_path: Path) -> None:
    serve(MemoryMesh())
    result = run("apply", "-f", str(tmp_path))
    assert "has no files that end with .json, .yaml, .yml" in result.stderr
    assert "-R" in result.stderr


def test_objects_are_deleted_by_name(run: Run, serve: Serve) -> None:
    mesh = serve(MemoryMesh(service("reviews"), service("details")))
    result = run("delete", "svc", "reviews", "nothing")
    assert result.stdout == 'service "reviews" deleted from default namespace\n'
    assert result.stderr == "error: Service default/nothing was not found\n"
    assert result.exit_code == 1
    assert [ref.name for ref in mesh.bodies] == ["details"]


def test_what_is_gone_already_may_be_ignored(run: Run, serve: Serve) -> None:
    serve(MemoryMesh())
    result = run("delete", "svc/reviews", "--ignore-not-found")
    assert (result.stdout, result.stderr, result.exit_code) == ("", "", 0)


def test_objects_are_deleted_by_file_label_or_all(run: Run, serve: Serve, tmp_path: Path) -> None:
    mesh = serve(MemoryMesh(*(service(name) for name in "abcd"), virtual_service("a")))
    file = write(tmp_path / "a.yaml", service("a"), virtual_service("a"))
    assert run("delete", "-f", str(file)).exit_code == 0
    assert [ref.name for ref in mesh.bodies] == ["b", "c", "d"]
    run("delete", "svc", "-l", "app=b")
    assert [ref.name for ref in mesh.bodies] == ["c", "d"]
    run("delete", "svc", "--all", "-n", "shop")
    assert [ref.name for ref in mesh.bodies] == ["c", "d"]
    run("delete", "svc", "--all")
    assert not mesh.bodies


@pytest.mark.parametrize("arguments", [[], ["svc"], ["svc/a", "-f", "x"]])
def test_nothing_is_deleted_by_accident(run: Run, serve: Serve, arguments: list[str]) -> None:
    mesh = serve(MemoryMesh(service("a")))
    assert run("delete", *arguments).exit_code == 2
    assert len(mesh.bodies) == 1


def test_labels_are_set_and_removed(run: Run, serve: Serve) -> None:
    mesh = serve(MemoryMesh(service("reviews")))
    assert run("label", "svc", "reviews", "tier=web", "app-").stdout == "service/reviews labeled\n"
    assert mesh.bodies[REVIEWS]["metadata"]["labels"] == {"tier": "web"}
    assert run("label", "svc/reviews", "tier=web").stdout == "service/reviews not labeled\n"
    assert run("label", "svc/reviews", "tier-").stdout == "service/reviews unlabeled\n"


def test_a_label_is_replaced_only_if_that_is_asked_for(run: Run, serve: Serve) -> None:
    mesh = serve(MemoryMesh(service("reviews")))
    result = run("label", "svc", "reviews", "app=other")
    assert result.exit_code == 1
    assert "label app has the value 'reviews' already" in result.stderr
    assert mesh.bodies[REVIEWS]["metadata"]["labels"] == {"app": "reviews"}
    assert run("label", "svc", "reviews", "app=other", "--overwrite").exit_code == 0
    assert mesh.bodies[REVIEWS]["metadata"]["labels"] == {"app": "other"}


def test_a_label_that_is_none_is_refused(run: Run, serve: Serve) -> None:
    serve(MemoryMesh(service("reviews")))
    result = run("label", "svc", "reviews", "a b=c")
    assert result.exit_code == 1
    assert "error: Service default/reviews, metadata.labels" in result.stderr


@pytest.mark.parametrize(
    "arguments", [["svc", "a"], ["x=y"], ["svc", "x=y"], ["svc", "a", "x=1", "x-"], ["svc", "a", "=1"]]
)
def test_labels_need_an_object_and_a_change(run: Run, serve: Serve, arguments: list[str]) -> None:
    serve(MemoryMesh())
    assert run("label", *arguments).exit_code == 2
