"""The files of a mesh: docs/reference/state.md."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from tools.reference.markdown import code, sections, table


class Entry(Struct, frozen=True):
    """Files of the state folder: a pattern of their paths, who writes them, and what for.

    `*` in the pattern stands for a name. `secret` marks what lets its reader pose as somebody else.
    """

    pattern: str
    writer: str
    purpose: str
    secret: bool = False


ENTRIES: Final[Sequence[Entry]] = (
    Entry("up.pid", "weft up", "process id of the one that keeps the mesh, and its command; locked while it runs"),
    Entry("isolation", "weft up", "how pods are kept apart"),
    Entry("holder.json", "weft up", "without root: the process that holds the namespaces"),
    Entry("forwarder.lock", "forwarder", "without root: held by the one that leads into the namespaces"),
    Entry("forwards.json", "forwarder", "without root: which ports of gateways are open outside"),
    Entry("controller.sock", "controller", "its API, for commands and for the node process"),
    Entry("logs/*.log", "weft up", "output of controller and node, and of `weft up -d` itself"),
    Entry(
        "controller/state.db*",
        "controller",
        "SQLite: pods, addresses, what was applied by command, last good text of files",
    ),
    Entry(
        "controller/authority.json",
        "controller",
        "certificate authority: certificates, and the signer's key",
        secret=True,
    ),
    Entry("controller/token.key", "controller", "key that signs pods' tokens", secret=True),
    Entry("node/lock", "node", "held while a node process runs"),
    Entry(
        "node/orders.json",
        "node",
        "last orders of the controller; they hold the environment of containers",
        secret=True,
    ),
    Entry("node/network.json", "node", "addresses that the mesh has"),
    Entry("node/envoy", "node", "copy of Envoy, where the original can't be run by every user"),
    Entry("node/names/*/hosts", "node", "hosts file of the pods of a namespace"),
    Entry("node/names/*/resolv.conf", "node", "how they resolve names"),
    Entry("node/names/nsswitch.conf", "node", "the machine's, with hosts before DNS"),
    Entry("node/removed/*.json", "node", "last report of a removed pod, until the controller has it"),
    Entry("node/pods/*/pod.json", "node", "a pod: its order, and its network", secret=True),
    Entry("node/pods/*/proxy.json", "node", "its Envoy: process id, start time, restarts"),
    Entry("node/pods/*/containers/*.json", "node", "its containers: the same of each"),
    Entry("node/pods/*/credentials.json", "node", "when its token was issued and when it ends"),
    Entry(
        "node/pods/*/logs/*.log*",
        "node",
        "output of containers, and of Envoy as `istio-proxy.log`; cut and kept in parts",
    ),
    Entry("node/pods/*/proxy/envoy", "node", "place for the mount of the Envoy binary"),
    Entry("node/pods/*/proxy/bootstrap.json", "node", "Envoy's bootstrap, where it is too long for a command line"),
    Entry("node/pods/*/proxy/admin.sock", "Envoy", "its admin interface", secret=True),
    Entry(
        "node/pods/*/proxy/credentials/**",
        "node",
        "its token, and the roots that it trusts the controller by",
        secret=True,
    ),
)
"""Everything that a running mesh keeps."""

_INTRODUCTION: Final = """\
# The state folder

A mesh keeps everything that it knows in one folder: `/var/lib/weft/<mesh>`, or what `--state-dir` or
`WEFT_STATE_DIR` names. It is for its owner alone (mode 0700). Every file is written to the side and then put in
place, so a kill at any point leaves the old or the new one.

`weft down` removes the folder. Nothing of a mesh is kept elsewhere, but for network namespaces and links while it
runs.

Private keys of workloads are in no file. They are made in the controller's memory, sent to the Envoy that they are
for over its encrypted stream, and forgotten."""


def state_page() -> str:
    """The page."""
    rows = [(code(e.pattern), code(e.writer), f"{e.purpose}{' **secret**' if e.secret else ''}") for e in ENTRIES]
    return sections(_INTRODUCTION, table(("file", "written by", "what it is"), rows))
