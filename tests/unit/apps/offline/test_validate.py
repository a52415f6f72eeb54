"""`weft validate`: all that is wrong with objects in files, and an exit code that programs can go by."""

import json
from pathlib import Path

import yaml
from tests.unit.apps.offline.files import NAMESPACE, WEB, run, write

BROKEN = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web]
  http:
    - rout: [{destination: {host: web}}]
"""

NOWHERE = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web]
  http:
    - route: [{destination: {host: nowhere}}]
"""


def test_good_files_have_a_summary_and_nothing_else(tmp_path: Path) -> None:
    result = run("validate", "-f", write(tmp_path / "mesh", NAMESPACE, WEB))
    assert result.stdout == "3 objects: 0 errors, 0 warnings\n"
    assert result.stderr == ""


def test_an_unknown_field_is_an_error_with_file_line_field_and_way_out(tmp_path: Path) -> None:
    folder = write(tmp_path / "mesh", NAMESPACE, WEB, BROKEN)
    lines = run("validate", "-f", folder, code=1).stdout.splitlines()
    assert lines[0].startswith(f"error: {folder}/2.yaml:8:7: VirtualService shop/web, spec.http[0].rout: ")
    assert "route" in lines[1]
    assert lines[-1] == "4 objects: 1 error, 0 warnings"


def test_checks_across_objects_count(tmp_path: Path) -> None:
    folder = write(tmp_path / "mesh", NAMESPACE, WEB, NOWHERE)
    found = json.loads(run("validate", "-f", folder, "-o", "json", code=1).stdout)
    (place,) = (each["position"] for each in found if "nowhere" in each["issue"]["message"])
    assert (Path(place["file"]).name, place["line"]) == ("2.yaml", 8)


def test_warnings_alone_are_no_failure(tmp_path: Path) -> None:
    unknown = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\n"
    result = run("validate", "-f", write(tmp_path / "mesh", unknown))
    assert result.stdout.splitlines()[0].startswith("warning: ")
    assert result.stdout.splitlines()[-1] == "0 objects: 0 errors, 1 warning"


def test_lists_are_written_for_programs_and_the_summary_beside(tmp_path: Path) -> None:
    folder = write(tmp_path / "mesh", BROKEN)
    result = run("validate", "-f", folder, "-o", "json", code=1)
    assert [each["issue"]["severity"] for each in json.loads(result.stdout)] == ["error"]
    assert "1 object: 1 error" in result.stderr
    assert yaml.safe_load(run("validate", "-f", folder, "-o", "yaml", code=1).stdout) == json.loads(result.stdout)
    assert json.loads(run("validate", "-f", write(tmp_path / "good", NAMESPACE), "-o", "json").stdout) == []


def test_standard_input_is_read() -> None:
    assert run("validate", "-f", "-", stdin=BROKEN, code=1).stdout.startswith("error: -:8:7: VirtualService shop/web")


def test_folders_below_are_read_only_if_asked(tmp_path: Path) -> None:
    folder = write(tmp_path / "mesh", NAMESPACE)
    write(folder / "below", BROKEN)
    run("validate", "-f", folder)
    run("validate", "-R", "-f", folder, code=1)


def test_misuse_is_told_apart_from_errors(tmp_path: Path) -> None:
    run("validate", code=2)
    run("validate", "-f", tmp_path / "gone", code=2)
    assert "there are no objects" in run("validate", "-f", tmp_path, code=2).stderr


def test_problems_of_networks_are_told_where_the_text_stands(tmp_path: Path) -> None:
    networks = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\n"
        "data: {meshNetworks: 'networks: {west: {endpoints: [{fromCidr: nowhere}]}}'}\n"
    )
    result = run("validate", "-f", write(tmp_path / "mesh", networks), code=1)
    assert "data.meshNetworks.networks.west.endpoints[0].fromCidr" in result.stdout
    assert "0.yaml:4" in result.stdout
