from __future__ import annotations

from pathlib import Path

import pytest

from slipway.errors import UsageError
from slipway.service.environment import understood
from slipway.service.opening import placed
from slipway.service.settings import ServiceSettings, env_name, load
from slipway.settings import declared
from slipway.settings import load as load_user


def test_later_places_win(tmp_path: Path) -> None:
    config = tmp_path / ".config/slipway/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(
        'workers = 3\n[service]\nport = 1\nhost = "a"\ns3_endpoint = "file"\nrecipes_bucket = "file"\n'
    )
    environ = {
        "HOME": str(tmp_path),
        "S3_ENDPOINT": "original",
        "S3_IMS_BUCKET": "original",
        env_name("s3_endpoint"): "ours",
        env_name("port"): "2",
    }
    settings, ignored = load(environ)
    assert (settings.port, settings.host) == (2, "a")
    assert (settings.s3_endpoint, settings.recipes_bucket) == ("ours", "original")
    assert settings.with_(port=3, host=None).port == 3
    assert ignored == ()
    assert load_user(environ).workers == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[service]\nprot = 1\n", "unknown setting 'prot'"),
        ("service = 1\n", "not a table"),
        ("[service]\nport = 'x'\n", "port"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    config = tmp_path / ".config/slipway/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(text)
    with pytest.raises(UsageError, match=said):
        load({"HOME": str(tmp_path)})


def test_uploads_are_kept_for_a_day_at_least() -> None:
    assert ServiceSettings(keep_uploads=0).keep_uploads == 0
    with pytest.raises(UsageError, match="less than a day"):
        ServiceSettings(keep_uploads=3600)


def test_secrets_come_from_files_and_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hush-hush\n")
    environ = {"HOME": str(tmp_path), "SLIPWAY_SERVICE_S3_SECRET_KEY_FILE": str(tmp_path / "key")}
    settings, _ = load(environ)
    assert settings.s3_secret_key == "hush-hush"
    assert "hush" not in repr(settings)
    with pytest.raises(UsageError, match="SLIPWAY_SERVICE_DATABASE_FILE"):
        load({"HOME": str(tmp_path), "SLIPWAY_SERVICE_DATABASE_FILE": str(tmp_path / "none")})


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": 70000},
        {"log_level": "loud"},
        {"issuer": "https://sso.example.org"},
        {"tls_key": "key.pem"},
        {"rate": -1.0},
    ],
)
def test_what_cannot_be_meant(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        ServiceSettings(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("host", "near"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("ims", False)],
)
def test_loopback(host: str, near: bool) -> None:
    assert ServiceSettings(host=host).loopback is near


def test_the_original_environment() -> None:
    values = understood(
        {
            "S3_ENDPOINT": "https://rgw",
            "S3_SSL_VALIDATE": "/etc/ca.pem",
            "JOB_ENABLE_DKMS": "False",
            "DEFAULT_IMS_IMAGE_SIZE": "30",
            "LOG_LEVEL": "WARN",
            "FLASK_ENV": "production",
            "S3_STS_SECRET_KEY": "x",
        }
    )
    texts = {name: text for name, (_, text) in values.values.items()}
    assert texts == {
        "s3_endpoint": "https://rgw",
        "artifacts": "s3",
        "s3_ca": "/etc/ca.pem",
        "job_dkms": "false",
        "default_image_size": "30",
        "log_level": "warning",
    }
    assert values.ignored == ("S3_STS_SECRET_KEY", "FLASK_ENV")
    assert understood({"S3_SSL_VALIDATE": "false"}).values["s3_verify"] == ("S3_SSL_VALIDATE", "false")
    assert understood({"LOG_LEVEL": "chatty"}).values == {}


def test_a_wrong_value_names_the_variable_of_the_original() -> None:
    with pytest.raises(UsageError, match="S3_URL_EXPIRATION"):
        load({"HOME": "/nonexistent", "S3_URL_EXPIRATION": "soon"})


def test_all_understood_names_are_settings() -> None:
    from slipway.service import environment

    assert set(environment.NAMES.values()) <= {f.name for f in declared(ServiceSettings)}


def test_places() -> None:
    found = placed(ServiceSettings(), Path("/home/me/store"))
    assert (found.data, found.artifacts) == ("/home/me/service", "/home/me/service/artifacts")
    assert found.database == "sqlite:////home/me/service/service.db"
    assert placed(ServiceSettings(artifacts="s3"), Path("/x/store")).artifacts == "s3"
