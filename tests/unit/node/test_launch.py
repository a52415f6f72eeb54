"""weft.node.namespace_chain: nothing from outside is read as shell text, an option or a variable."""

import os

import pytest
from msgspec.structs import replace

from weft.node.launch import Launch, LaunchError
from weft.node.namespace_chain import NamespaceChain
from weft.node.processes import record_of
from weft.node.tools import Tools

TOOLS = Tools({name: f"/bin/{name}" for name in ("nsenter", "unshare", "sh", "setpriv", "env")})
LAUNCH = Launch(
    command=("app", "$(reboot)", "; reboot"),
    folder="/srv/app $(reboot)",
    user=1000,
    group=1001,
    hidden="/var/lib/weft",
    mark="weft-demo",
    environment=(("A", "$(reboot) \n'\""),),
    namespace="/run/netns/x",
    hostname="pod-1",
    mounts=(("/a", "/etc/hosts"),),
)


def test_what_comes_from_outside_is_only_ever_an_argument() -> None:
    vector = NamespaceChain(TOOLS).start(LAUNCH)
    script = vector[vector.index("-c") + 1]
    assert "reboot" not in script
    places = ["/var/lib/weft", "/run/netns", "/srv/app $(reboot)", ""]
    script_arguments = ["weft-launch", "weft-demo", *places, "pod-1", "/a", "/etc/hosts", "--"]
    assert vector[vector.index("-c") + 2 :][:10] == script_arguments
    assert vector[-4:] == ["A=$(reboot) \n'\"", "app", "$(reboot)", "; reboot"]


def test_privileges_are_given_up_before_the_applications_environment_is_used() -> None:
    vector = NamespaceChain(TOOLS).start(LAUNCH)
    assert vector.index("/bin/setpriv") < vector.index("/bin/env") < vector.index("A=$(reboot) \n'\"")
    for expected in ("--no-new-privs", "--clear-groups", "--inh-caps=-all", "--ambient-caps=-all"):
        assert expected in vector
    (bounding,) = (word for word in vector if word.startswith("--bounding-set="))
    assert "-all" in bounding
    assert "sys_admin" not in bounding
    assert "mknod" not in bounding


def test_on_the_machines_network_neither_network_nor_hostname_change() -> None:
    vector = NamespaceChain(TOOLS).start(replace(LAUNCH, namespace=None, hostname=""))
    assert vector[0] == "/bin/unshare"
    assert "--uts" not in vector


@pytest.mark.parametrize("command", [(), ("",), ("a=b",), ("-i",), ("app", "zero\0byte")])
def test_a_command_that_would_be_misread_is_refused(command: tuple[str, ...]) -> None:
    with pytest.raises(LaunchError):
        NamespaceChain(TOOLS).start(replace(LAUNCH, command=command))


@pytest.mark.parametrize("name", ["", "-i", "A=B", "1A", "A B"])
def test_a_variable_that_would_be_misread_is_refused(name: str) -> None:
    with pytest.raises(LaunchError, match="environment variable"):
        NamespaceChain(TOOLS).start(replace(LAUNCH, environment=((name, "x"),)))


def test_without_another_user_only_privileges_are_given_up() -> None:
    vector = NamespaceChain(TOOLS).start(replace(LAUNCH, user=None, group=None))
    assert not {"--reuid", "--regid", "--clear-groups"} & set(vector)
    assert "--no-new-privs" in vector


def test_a_tag_is_in_the_environment_after_everything_that_a_pod_sets_itself() -> None:
    vector = NamespaceChain(TOOLS).start(replace(LAUNCH, tag="weft-x/p/c"))
    assert vector.index("WEFT_PROCESS=weft-x/p/c") > vector.index("A=$(reboot) \n'\"")


def test_a_command_in_a_pod_of_ours_enters_no_user_namespace() -> None:
    vector = NamespaceChain(TOOLS).execute(record_of(os.getpid()), LAUNCH, ("id",))
    assert vector[:6] == ["/bin/nsenter", "--target", str(os.getpid()), "--mount", "--net", "--uts"]
    assert vector[-1] == "id"
