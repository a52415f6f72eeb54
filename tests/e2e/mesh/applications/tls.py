"""A client with a certificate of its own.

Reads {"host", "port", "certificates", "key", "protocol"} from standard input as JSON, sends one HTTP request over TLS,
and writes {"answer", "error"}: the first line that came back, or why none did.
"""

import json
import ssl
import sys
import tempfile
from pathlib import Path
from socket import create_connection
from typing import Any

REQUEST = b"GET / HTTP/1.1\r\nhost: echo\r\nconnection: close\r\n\r\n"


def main() -> None:
    call = json.load(sys.stdin)
    try:
        said = {"answer": exchanged(call), "error": ""}
    except OSError as error:
        said = {"answer": "", "error": f"{type(error).__name__}: {error}"}
    json.dump(said, sys.stdout)


def exchanged(call: dict[str, Any]) -> str:
    """The first line of the answer. The server's certificate is not looked at: here the client is on trial."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([call["protocol"]])
    with tempfile.TemporaryDirectory() as folder:
        chain, key = Path(folder, "chain.pem"), Path(folder, "key.pem")
        chain.write_text(call["certificates"])
        key.write_text(call["key"])
        context.load_cert_chain(chain, key)
    with create_connection((call["host"], call["port"]), timeout=5) as plain, context.wrap_socket(plain) as secured:
        secured.sendall(REQUEST)
        first = secured.recv(4096).decode(errors="replace").partition("\r\n")[0]
    if not first:
        raise ConnectionError("closed without an answer")
    return first


if __name__ == "__main__":
    main()
