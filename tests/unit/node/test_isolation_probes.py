"""weft.node.isolation_probes: what does not work is said in words that lead to the cause."""

import pytest

from weft.node.isolation_probes import failure, forbidding_setting


def never(_: str) -> str:
    raise AssertionError("the namespaces were not the problem")


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"user/max_user_namespaces": "0"}, "user namespaces are off: sysctl user.max_user_namespaces is 0"),
        (
            {"user/max_user_namespaces": "100", "kernel/unprivileged_userns_clone": "0"},
            "user namespaces are for root only: sysctl kernel.unprivileged_userns_clone is 0",
        ),
        (
            {"kernel/apparmor_restrict_unprivileged_userns": "1"},
            (
                "AppArmor keeps ordinary users from using user namespaces: "
                "sysctl kernel.apparmor_restrict_unprivileged_userns is 1"
            ),
        ),
        ({"user/max_user_namespaces": "100", "kernel/apparmor_restrict_unprivileged_userns": "0"}, ""),
    ],
)
def test_the_kernel_setting_that_forbids_is_named(settings: dict[str, str], text: str) -> None:
    assert forbidding_setting(lambda path: settings.get(path, "")) == text


def test_the_step_that_failed_is_told_with_what_the_tool_said() -> None:
    assert failure("bridge", "Error: Unknown device type.", never) == (
        "the kernel has no bridges (Error: Unknown device type.)"
    )


def test_without_namespaces_the_cause_is_looked_for() -> None:
    assert failure("start", "unshare failed", lambda complaint: f"because: {complaint}") == "because: unshare failed"


def test_every_step_of_the_script_has_words() -> None:
    for step in ("mount", "namespace", "veth", "bridge", "setting", "iptables", "nft", "user"):
        assert failure(step, "", never) != step
