"""`slysock token`: what it prints, and what the token says."""

from pathlib import Path

import jwt
import pytest

from slysock.systems import SYSTEMS
from tests.slysock.cli.running import run_main


def test_token_prints_the_token_only_and_keeps_its_secret(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main("token", "--user", "5", "--role", "VENDOR", "--name", "Ada", "--expires", "7d") == 0
    out, err = capsys.readouterr()
    assert out.count(".") == 2
    assert out.count("\n") == 1
    assert "made a secret, kept in var/slysock.db.jwt-secret" in err
    claims = claims_of(out.strip(), Path("var/slysock.db.jwt-secret").read_text().strip())
    expires_at, issued_at = claims.pop("exp"), claims.pop("iat")
    assert isinstance(expires_at, int)
    assert isinstance(issued_at, int)
    assert expires_at - issued_at == 7 * 86_400
    assert claims == {"userId": 5, "role": "VENDOR", "name": "Ada"}
    assert run_main("token", "--user", "u-1") == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert claims_of(out.strip(), Path("var/slysock.db.jwt-secret").read_text().strip())["userId"] == "u-1"


def claims_of(token: str, secret: str) -> dict[str, object]:
    claims: dict[str, object] = jwt.decode(token, secret, algorithms=["HS256"])
    return claims


def test_the_help_has_the_roles_that_the_systems_declare(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main("token", "--help") == 0
    out = capsys.readouterr().out.split("Roles, in upper or lower case:")[1]
    lines = [line.split(maxsplit=1) for line in out.strip().splitlines()]
    assert [name for name, _ in lines] == [*SYSTEMS, "/manage"]
    assert all(roles for _, roles in lines)
