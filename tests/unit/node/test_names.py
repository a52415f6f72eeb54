"""weft.node.names: the files that pods resolve names by."""

from pathlib import Path

import pytest

from weft.model.local import HostEntry
from weft.node.names import Names, switch_text

REVIEWS = HostEntry(("10.96.0.1",), ("reviews", "reviews.default.svc.cluster.local"))


def make(tmp_path: Path) -> Names:
    switch = tmp_path / "switch"
    switch.write_text("passwd: files\nhosts: resolve [!UNAVAIL=return] files dns\n")
    (tmp_path / "names").mkdir()
    return Names(tmp_path / "names", "cluster.local", switch)


def test_names_are_changed_in_the_same_file(tmp_path: Path) -> None:
    found = make(tmp_path)
    mounts = {target: Path(source) for source, target in found.mounts("default")}
    hosts = mounts["/etc/hosts"]
    found.write("default", [REVIEWS])
    inode = hosts.stat().st_ino
    found.write("default", [HostEntry(("10.96.0.2",), ("ratings",))])
    assert hosts.stat().st_ino == inode
    used = [line for line in hosts.read_text().splitlines() if not line.startswith("#")]
    assert "10.96.0.2 ratings" in used
    assert not any("reviews" in line for line in used)
    assert "127.0.0.1 localhost" in used


def test_an_unused_file_is_made_anew(tmp_path: Path) -> None:
    found = make(tmp_path)
    for number in range(50):
        found.write("default", [HostEntry((f"10.96.0.{number}",), ("reviews",))])
    found.write("default", [REVIEWS], unused=True)
    assert len((tmp_path / "names/default/hosts").read_text().splitlines()) == 4


def test_a_bad_name_changes_nothing(tmp_path: Path) -> None:
    found = make(tmp_path)
    found.write("default", [REVIEWS])
    with pytest.raises(ValueError, match="can't be the name of a host"):
        found.write("default", [HostEntry(("10.96.0.9",), ("evil\n10.0.0.1 localhost",))])
    assert "reviews" in (tmp_path / "names/default/hosts").read_text()


@pytest.mark.parametrize("namespace", ["..", "a/b", "", "A", "a" * 64])
def test_a_namespace_is_never_a_path(tmp_path: Path, namespace: str) -> None:
    with pytest.raises(ValueError, match="no valid name"):
        make(tmp_path).mounts(namespace)


def test_pods_search_names_as_in_a_cluster(tmp_path: Path) -> None:
    mounts = {target: Path(source) for source, target in make(tmp_path).mounts("shop")}
    assert mounts["/etc/resolv.conf"].read_text().splitlines()[0] == (
        "search shop.svc.cluster.local svc.cluster.local cluster.local"
    )


def test_pods_ask_the_hosts_file_before_anything_of_the_machine() -> None:
    assert switch_text("passwd: files\nhosts: mymachines resolve files\n") == "passwd: files\nhosts: files dns\n"
    assert switch_text("passwd: files").endswith("\nhosts: files dns\n")
