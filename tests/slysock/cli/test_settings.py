"""Settings: what cannot be, alone or together."""

from pathlib import Path

import pytest

from slysock.cli.settings import SettingsError, TokenSettings, choose
from slysock.config import Config


def test_two_answers_to_one_question_are_refused() -> None:
    with pytest.raises(SettingsError, match="choose one"):
        choose(TokenSettings, {"jwt_secret": "a", "jwt_public_key": Path("b")})


@pytest.mark.parametrize(
    ("values", "message"), [({"path": "no-slash"}, "slash"), ({"max_connections": -1}, "between 1 and")]
)
def test_values_that_no_server_could_work_with_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        choose(Config, values)


def test_the_address_of_keys_is_one_of_the_web() -> None:
    with pytest.raises(SettingsError, match="must begin with https"):
        TokenSettings(jwt_jwks_url="login.example/keys")
