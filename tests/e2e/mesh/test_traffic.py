"""Routing by weights through the mesh, and changes while requests flow."""

import pytest
from tests.e2e.mesh.harness.mesh import RunningMesh

pytestmark = pytest.mark.root


def test_first(mesh: RunningMesh) -> None:
    client = mesh.client("client")
    r = client.call("http://echo/")
    print(r)
    assert r.status == 200
    print(mesh.client("stranger").call("http://echo.shop/"))
    print(client.call("http://old.plain/"))
    print(client.call("http://echo:82/"))
    print(client.call("tcp://echo:9000", body="x\n"))
    print(client.call("tcp://echo:9001", body="x\n"))
    with mesh.load("client", "http://echo/") as load:
        import time
        time.sleep(5)
        print(load.check())
    print(mesh.log(mesh.api.pods(app="echo")[0])[-1000:])
