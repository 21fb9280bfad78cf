"""Everything that `slysock serve` needs to know, from what its options gave."""

from collections.abc import Mapping
from typing import final

import msgspec

from slysock.cli.logs import LogFormat
from slysock.cli.settings import ListenSettings, SettingsError, TokenSettings, choose
from slysock.config import Config
from slysock.systems import SYSTEMS, SystemSettings


@final
class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that `slysock serve` needs to know."""

    config: Config
    tokens: TokenSettings
    listen: ListenSettings
    systems: tuple[str, ...]
    systems_settings: SystemSettings = SystemSettings()
    log_level: str = "INFO"
    log_format: LogFormat = "text"
    metrics: bool = True


def read_settings(values: Mapping[str, object]) -> Settings:
    """Turn what the options gave into settings; the names of lists are plural here.

    Raises:
        SettingsError: values that cannot be used, alone or together.
    """
    lists = {"transports": values["transport"] or None, "cors_origins": _origins(values["cors_origin"])}
    return Settings(
        config=choose(Config, {**values, **lists}),
        tokens=choose(TokenSettings, values),
        listen=choose(ListenSettings, values),
        systems_settings=choose(SystemSettings, values),
        systems=msgspec.convert(values["system"] or tuple(SYSTEMS), tuple[str, ...]),
        log_level=str(values["log_level"]).upper(),
        log_format=msgspec.convert(values["log_format"], LogFormat),
        metrics=bool(values["metrics"]),
    )


def _origins(values: object) -> tuple[str, ...] | None:
    """Take `*` for what it means elsewhere: any origin, which is None here.

    Raises:
        SettingsError: it stands beside others.
    """
    origins = msgspec.convert(values or (), tuple[str, ...])
    if "*" in origins and len(origins) > 1:
        raise SettingsError(
            "--cors-origin is either * or a list of origins: a page's cookies count for listed ones only"
        )
    return None if origins in ((), ("*",)) else origins
