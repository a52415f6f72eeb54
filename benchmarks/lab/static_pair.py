"""The peer to compare with: two Envoys with a fixed configuration that do mutual TLS with HTTP/2, and nothing else.

They have no routes but one, no policy, no access log, no discovery and no redirect: clients connect to the first one's
ports. Statistics are what Envoy has by default.
"""

import datetime
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.lab import backend
from benchmarks.lab.meshes import Pod
from benchmarks.lab.processes import CommandError, in_network
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CLIENT_SIDE: Final = 10_000
SERVER_SIDE: Final = 20_000
"""What is added to a port of the server for the port of each Envoy."""

_TYPES: Final = "type.googleapis.com/envoy.extensions"
_HTTP: Final = f"{_TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager"
_NAMES: Final = ("client", "server")
_ONE_DAY: Final = datetime.timedelta(days=1)
_LIMIT: Final = 20.0

Json = dict[str, Any]


@contextmanager
def running(client: Pod, server: Pod, envoy: Path, folder: Path) -> Iterator[tuple[int, int]]:
    """Runs the pair in the networks of two pods; its values are the process ids."""
    folder.mkdir()
    _write_certificates(folder)
    sides = {"client": (client, client_side(server.address, folder)), "server": (server, server_side(folder))}
    processes = []
    try:
        for name, (pod, configuration) in sides.items():
            file = folder / f"{name}.json"
            file.write_text(json.dumps({"static_resources": configuration, **_admin(folder, name)}))
            command = in_network(pod.process, [str(envoy), "-c", str(file), *backend.envoy_options()])
            with (folder / f"{name}.log").open("wb") as log:
                # A session of its own, as Envoys of the mesh have: the scheduler shares processors among sessions.
                processes.append(subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True))
        _await(folder)
        yield processes[0].pid, processes[1].pid
    finally:
        for process in processes:
            process.send_signal(signal.SIGKILL)
            process.wait()


def client_side(server: str, folder: Path) -> Json:
    """Returns the resources of the client's Envoy, which sends all to the address `server`."""
    tls = _tls("UpstreamTlsContext", folder, "client")
    return {
        "listeners": [_listener(port, CLIENT_SIDE, "127.0.0.1", None) for port in backend.PORTS],
        "clusters": [_cluster(port, server, port + SERVER_SIDE, tls, http2=True) for port in backend.PORTS],
    }


def server_side(folder: Path) -> Json:
    """Returns the resources of the server's Envoy, which sends all to the ports of its own network."""
    tls = _tls("DownstreamTlsContext", folder, "server")
    return {
        "listeners": [_listener(port, SERVER_SIDE, "0.0.0.0", tls) for port in backend.PORTS],
        "clusters": [_cluster(port, "127.0.0.1", port, None, http2=port not in (8080, 7000)) for port in backend.PORTS],
    }


def _listener(port: int, offset: int, host: str, tls: Json | None) -> Json:
    name = f"port_{port}"
    typed = _tcp_proxy(name) if port == 7000 else _manager(name)
    chain = {"filters": [{"name": "only", "typed_config": typed}], **({"transport_socket": tls} if tls else {})}
    place = {"socket_address": {"address": host, "port_value": port + offset}}
    return {"name": name, "address": place, "filter_chains": [chain]}


def _manager(cluster: str) -> Json:
    route = {"match": {"prefix": "/"}, "route": {"cluster": cluster, "timeout": "0s"}}
    return {
        "@type": _HTTP,
        "stat_prefix": cluster,
        "codec_type": "AUTO",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{_TYPES}.filters.http.router.v3.Router"}}],
    }


def _tcp_proxy(cluster: str) -> Json:
    typed = f"{_TYPES}.filters.network.tcp_proxy.v3.TcpProxy"
    return {"@type": typed, "stat_prefix": cluster, "cluster": cluster}


def _cluster(port: int, address: str, to: int, tls: Json | None, *, http2: bool) -> Json:
    name = f"port_{port}"
    versions: Json = {"explicit_http_config": {"http2_protocol_options" if http2 else "http_protocol_options": {}}}
    typed = f"{_TYPES}.upstreams.http.v3.HttpProtocolOptions"
    endpoint = {"endpoint": {"address": {"socket_address": {"address": address, "port_value": to}}}}
    options = {} if port == 7000 else {typed.rpartition("/")[2]: {"@type": typed, **versions}}
    unlimited = {"max_connections": 2**20, "max_pending_requests": 2**20, "max_requests": 2**20}
    return {
        "name": name,
        "type": "STATIC",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "circuit_breakers": {"thresholds": [unlimited]},
        "typed_extension_protocol_options": options,
        **({"transport_socket": _with_alpn(tls, port)} if tls else {}),
    }


def _with_alpn(tls: Json, port: int) -> Json:
    """Bytes are offered as nothing: the server's one listener for them expects nothing."""
    typed = tls["typed_config"]
    common = {**typed["common_tls_context"], **({} if port == 7000 else {"alpn_protocols": ["h2"]})}
    return {**tls, "typed_config": {**typed, "common_tls_context": common}}


def _tls(kind: str, folder: Path, name: str) -> Json:
    """Mutual TLS 1.2 or 1.3, each side with a certificate of one root, of P-256, as Weft's."""
    files = {
        "certificate_chain": {"filename": str(folder / f"{name}.pem")},
        "private_key": {"filename": str(folder / f"{name}.key")},
    }
    context: Json = {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLSv1_3"},
        "tls_certificates": [files],
        "validation_context": {"trusted_ca": {"filename": str(folder / "root.pem")}},
    }
    if kind.startswith("Down"):
        context["alpn_protocols"] = ["h2", "http/1.1"]
    typed: Json = {"@type": f"{_TYPES}.transport_sockets.tls.v3.{kind}", "common_tls_context": context}
    if kind.startswith("Down"):
        typed["require_client_certificate"] = True
    return {"name": "tls", "typed_config": typed}


def _write_certificates(folder: Path) -> None:
    root_key = ec.generate_private_key(ec.SECP256R1())
    root = _certificate("root", root_key, "root", root_key)
    (folder / "root.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    for name in _NAMES:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(name, key, "root", root_key)
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        (folder / f"{name}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, issuer_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(
        issuer_name=_name(issuer),
        subject_name=_name(name),
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - _ONE_DAY,
        not_valid_after=now + _ONE_DAY,
    )
    constraints = x509.BasicConstraints(ca=name == issuer, path_length=None)
    return builder.add_extension(constraints, critical=True).sign(issuer_key, hashes.SHA256())


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _admin(folder: Path, name: str) -> Json:
    return {"admin": {"address": {"pipe": {"path": str(_socket(folder, name)), "mode": 0o600}}}}


def _socket(folder: Path, name: str) -> Path:
    return folder / f"{name}.sock"


def _await(folder: Path) -> None:
    """Waits until both serve. Raises CommandError."""
    end = time.monotonic() + _LIMIT
    while not all(_socket(folder, name).exists() for name in _NAMES):
        if time.monotonic() > end:
            raise CommandError("\n".join((folder / f"{name}.log").read_text() for name in _NAMES))
        time.sleep(0.05)
