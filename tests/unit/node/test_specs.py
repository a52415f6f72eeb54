"""weft.node.specs: what an order means for processes, and which orders can't be carried out."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from weft.model.local import ContainerOrder, PodOrder, ProxyOrder, RedirectOrder
from weft.node.kubelet import must_be_new
from weft.node.sandbox import told_by_mark
from weft.node.specs import PodPlace, container_spec, proxy_spec
from weft.node.users import Account

APP = ContainerOrder(name="app", image="shop/app:1", command=("python3", "app.py"))
PROXY = ProxyOrder(bootstrap="{}", redirect=RedirectOrder())
POD = PodOrder(
    uid="u",
    namespace="shop",
    name="app-1",
    service_account="app",
    addresses=("10.1.0.9",),
    containers=(APP,),
    proxy=PROXY,
)


@pytest.fixture
def place(tmp_path: Path) -> PodPlace:
    return PodPlace(
        namespace="/run/netns/x",
        names=(("/hosts", "/etc/hosts"),),
        mark="weft-shop",
        hidden=tmp_path / "state",
        proxy=tmp_path / "state/pod/proxy",
        envoy=Path("/usr/bin/envoy"),
        search_path="/usr/bin:/bin",
    )


def test_an_image_without_a_command_is_refused_with_the_way_out(place: PodPlace) -> None:
    spec = container_spec(POD, replace(APP, command=()), place)
    assert spec.launch is None
    assert spec.refusal[0] == "ErrImagePull"
    assert "image 'shop/app:1' is not pulled in standalone mode: give the container a command" in spec.refusal[1]


def test_a_mapped_folder_must_exist_and_be_visible(place: PodPlace, tmp_path: Path) -> None:
    gone = container_spec(POD, replace(APP, folder=str(tmp_path / "gone")), place)
    assert gone.refusal[0] == "ErrImagePull"
    (tmp_path / "state/app").mkdir(parents=True)
    hidden = container_spec(POD, replace(APP, folder=str(tmp_path / "state/app")), place)
    assert "which no container may see" in hidden.refusal[1]
    (tmp_path / "app").mkdir()
    assert container_spec(POD, replace(APP, folder=str(tmp_path / "app")), place).launch is not None


def test_an_application_may_not_be_envoys_user(place: PodPlace) -> None:
    spec = container_spec(POD, replace(APP, user=1337), place)
    assert spec.refusal[0] == "CreateContainerConfigError"
    assert container_spec(replace(POD, proxy=None), replace(APP, user=1337), place).launch is not None


def test_the_containers_own_environment_wins(place: PodPlace) -> None:
    launch = container_spec(POD, replace(APP, environment=(("PATH", "/mine"), ("B", "c"))), place).launch
    assert launch is not None
    found = dict(launch.environment)
    assert (found["PATH"], found["B"], found["HOSTNAME"]) == ("/mine", "c", "app-1")


def test_a_user_without_a_group_gets_the_group_of_the_same_number(place: PodPlace) -> None:
    launch = container_spec(POD, replace(APP, user=4242), place).launch
    assert launch is not None
    assert (launch.user, launch.group) == (4242, 4242)


def test_only_what_a_restart_can_change_changes_the_digest(place: PodPlace) -> None:
    before = container_spec(POD, APP, place).digest
    assert container_spec(replace(POD, termination_grace=1), APP, place).digest == before
    assert container_spec(POD, replace(APP, command=("other",)), place).digest != before
    envoy = proxy_spec(POD, PROXY, place).digest
    assert proxy_spec(POD, PROXY, replace(place, envoy=Path("/other"))).digest == envoy
    assert proxy_spec(POD, replace(PROXY, redirect=None), place).digest == envoy
    assert proxy_spec(POD, replace(PROXY, bootstrap="[]"), place).digest != envoy


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests, all capabilities can be handed on."""
    monkeypatch.setattr("weft.node.specs.is_permitted", lambda _: True)


@pytest.mark.usefixtures("root")
def test_envoy_holds_a_capability_that_no_application_can_get(place: PodPlace) -> None:
    envoy, app = proxy_spec(POD, PROXY, place).launch, container_spec(POD, APP, place).launch
    assert envoy is not None
    assert app is not None
    assert set(envoy.kept) - set(app.capabilities)


@pytest.mark.usefixtures("root")
def test_only_with_tproxy_may_envoy_take_addresses_of_others(place: PodPlace) -> None:
    clear = replace(PROXY, user=1338, redirect=RedirectOrder(interception="tproxy"))
    launch = proxy_spec(replace(POD, proxy=clear), clear, place).launch
    assert launch is not None
    assert "net_admin" in launch.kept
    assert (launch.user, launch.group) == (1338, 1337)
    launch = proxy_spec(POD, PROXY, place).launch
    assert launch is not None
    assert "net_admin" not in launch.kept


@pytest.mark.usefixtures("root")
def test_a_gateway_on_the_machine_may_open_low_ports(place: PodPlace) -> None:
    launch = proxy_spec(replace(POD, host_network=True), PROXY, place).launch
    assert launch is not None
    assert "net_bind_service" in launch.kept
    assert launch.hostname == ""


def test_what_can_t_be_changed_in_place_needs_a_new_pod() -> None:
    assert must_be_new(POD, replace(POD, addresses=("10.1.0.10",)))
    assert must_be_new(POD, replace(POD, proxy=None))
    assert must_be_new(POD, replace(POD, containers=(APP, replace(APP, name="b"))))
    assert not must_be_new(POD, replace(POD, containers=(replace(APP, command=("x",)),)))
    assert not must_be_new(POD, replace(POD, proxy=replace(PROXY, redirect=None)))
    once = replace(POD, restart="Never")
    assert must_be_new(once, replace(once, containers=(replace(APP, command=("x",)),)))


def test_without_root_only_the_users_own_number_is_taken(place: PodPlace) -> None:
    alone = replace(place, only_user=Account(4242, 4243))
    for container in (APP, replace(APP, user=4242), replace(APP, user=4242, group=4243)):
        launch = container_spec(POD, container, alone).launch
        assert launch is not None
        assert launch.user is None
    for container in (replace(APP, user=0), replace(APP, user=1000), replace(APP, group=1)):
        reason, message = container_spec(POD, container, alone).refusal
        assert reason == "CreateContainerConfigError"
        assert "every process belongs to user 4242" in message


def test_without_root_envoy_is_no_user_of_its_own(place: PodPlace) -> None:
    launch = proxy_spec(POD, PROXY, replace(place, only_user=Account(4242, 4242), tag="weft-x/p")).launch
    assert launch is not None
    assert launch.user is None
    assert launch.tag == "weft-x/p/istio-proxy"


def test_questions_of_an_envoy_that_is_told_by_its_mark_do_not_come_back_to_it() -> None:
    order = told_by_mark(RedirectOrder(capture_dns=True, capture_all_dns=True), 0x539)
    assert order.proxy_mark == 0x539
    assert not order.capture_all_dns
    assert order.dns_servers == ("127.0.0.1",)
    assert told_by_mark(RedirectOrder(), 0x539) == RedirectOrder(proxy_mark=0x539)


def test_a_pod_may_have_another_hostname_than_its_name(place: PodPlace) -> None:
    named = replace(POD, hostname="db-0")
    launch = container_spec(named, named.containers[0], place).launch
    assert launch is not None
    assert launch.hostname == "db-0"
    assert dict(launch.environment)["HOSTNAME"] == "db-0"
