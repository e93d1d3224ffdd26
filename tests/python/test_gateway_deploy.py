"""The files in deploy/ say what the gateway takes."""

from pathlib import Path

import pytest

from ferrolite import _core

DEPLOY = Path(__file__).parents[2] / "deploy"


def test_the_configuration_has_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LITELLM_MASTER_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, "sk-x")
    assert _core.check_gateway(str(DEPLOY / "config.yaml")) == ([], True)


def test_without_the_key_that_closes_it_it_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LITELLM_MASTER_KEY", raising=False)
    problems, is_good = _core.check_gateway(str(DEPLOY / "config.yaml"))
    assert not is_good
    assert any("LITELLM_MASTER_KEY" in problem for problem in problems)


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml", "kubernetes.yaml"])
def test_health_checks_and_ports_are_the_gateways(name: str) -> None:
    text = (DEPLOY / name).read_text()
    assert "4000" in text
    if name != "compose.yaml":
        assert "/health/readiness" in text
