"""Secrets, keys and certificates: found, made, kept, refused."""

import stat
from pathlib import Path

import pytest

from slysock.cli.keys import database_file, find_secret, load_key, load_tls, make_folder, secret_file
from slysock.cli.settings import SettingsError, TokenSettings
from slysock.identity import RemoteKeys


@pytest.mark.parametrize(
    ("store", "database", "secret"),
    [
        ("sqlite:///var/slysock.db", "var/slysock.db", "var/slysock.db.jwt-secret"),
        ("sqlite:////srv/chat.db", "/srv/chat.db", "/srv/chat.db.jwt-secret"),
        ("sqlite://", None, "var/slysock.jwt-secret"),
        ("sqlite:///:memory:", None, "var/slysock.jwt-secret"),
        ("mongodb://h/chat", None, "var/slysock.jwt-secret"),
    ],
)
def test_the_secret_is_kept_beside_the_database(store: str, database: str | None, secret: str) -> None:
    assert database_file(store) == (None if database is None else Path(database))
    assert secret_file(store) == Path(secret)


def store_in(folder: Path) -> TokenSettings:
    return TokenSettings(store=f"sqlite:///{folder}/new/chat.db")


def test_a_made_secret_is_private_and_stays(tmp_path: Path) -> None:
    made = find_secret(store_in(tmp_path))
    assert made.is_new
    assert made.file is not None
    assert stat.S_IMODE(made.file.stat().st_mode) == 0o600
    assert len(made.text) >= 43
    assert made.text not in repr(made)
    assert made.text not in str(made)
    again = find_secret(store_in(tmp_path))
    assert (again.text, again.is_new) == (made.text, False)
    assert [file.name for file in made.file.parent.iterdir()] == ["chat.db.jwt-secret"]


def test_a_set_secret_is_not_kept(tmp_path: Path) -> None:
    settings = TokenSettings(store=f"sqlite:///{tmp_path}/chat.db", jwt_secret="given")
    assert find_secret(settings).file is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("content", "mode"), [(b"", 0o600), (b"\xff", 0o600), (b"secret", 0o644)])
def test_a_kept_secret_that_is_none_or_not_private_is_refused(tmp_path: Path, content: bytes, mode: int) -> None:
    file = tmp_path / "chat.db.jwt-secret"
    file.write_bytes(content)
    file.chmod(mode)
    with pytest.raises(SettingsError, match="secret"):
        find_secret(TokenSettings(store=f"sqlite:///{tmp_path}/chat.db"))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot create the folder"):
        make_folder(tmp_path / "file" / "chat.db")
    (tmp_path / "file").unlink()


def test_unreadable_keys_are_named(tmp_path: Path) -> None:
    assert isinstance(load_key(TokenSettings(jwt_jwks_url="https://login.example/keys"), None), RemoteKeys)
    missing = TokenSettings(jwt_public_key=tmp_path / "none.pem")
    with pytest.raises(SettingsError, match="cannot read"):
        load_key(missing, None)
    broken = tmp_path / "broken.pem"
    broken.write_text("x")
    with pytest.raises(SettingsError, match="not a public key"):
        load_key(TokenSettings(jwt_public_key=broken), None)


def test_a_certificate_needs_both_halves(tmp_path: Path) -> None:
    assert load_tls(None, None) is None
    with pytest.raises(SettingsError, match="needs --certfile"):
        load_tls(None, tmp_path / "key.pem")
    with pytest.raises(SettingsError, match="cannot read"):
        load_tls(tmp_path / "none.pem", None)
    broken = tmp_path / "broken.pem"
    broken.write_text("x")
    with pytest.raises(SettingsError, match="cannot be used"):
        load_tls(broken, None)
