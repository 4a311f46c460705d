"""pip's configuration on this machine, translated for uv."""

from pathlib import Path

import pytest

from scripts.uv_settings import parse_pip_config, uv_settings


def test_later_sections_win_as_they_do_for_pip_install() -> None:
    listing = "\n".join(
        [
            "global.index-url='https://one.example/simple'",
            "global.cert='/etc/ca.pem'",
            "install.index-url='https://two.example/simple'",
            "freeze.timeout='1'",
            ":env:.cert='/tmp/it\\'s.pem'",
        ]
    )
    assert parse_pip_config(listing) == {
        "index-url": "https://two.example/simple",
        "cert": "/tmp/it's.pem",
    }


def test_each_setting_has_its_name_in_uv(tmp_path: Path) -> None:
    pip = {
        "index-url": "https://mirror.example/simple",
        "extra-index-url": "\nhttps://a.example/simple\nhttps://b.example/simple",
        "find-links": f"{tmp_path}\n{tmp_path}/gone https://links.example/",
        "trusted-host": "mirror.example\na.example",
        "cert": "/etc/ca.pem",
        "client-cert": "/etc/client.pem",
        "proxy": "http://proxy.example:3128",
        "default-timeout": "180",
    }
    assert uv_settings(pip, {}) == {
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "UV_INDEX": "https://a.example/simple https://b.example/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": f"{tmp_path},https://links.example/",
        "UV_INSECURE_HOST": "mirror.example a.example",
        "UV_HTTP_TIMEOUT": "180",
        "SSL_CERT_FILE": "/etc/ca.pem",
        "SSL_CLIENT_CERT": "/etc/client.pem",
        "ALL_PROXY": "http://proxy.example:3128",
    }


def test_settings_for_uv_take_precedence() -> None:
    pip = {"index-url": "https://pip.example/simple"}
    assert uv_settings(pip, {"UV_DEFAULT_INDEX": "https://uv.example/simple"}) == {}


@pytest.mark.parametrize(("value", "expected"), [("true", {"UV_OFFLINE": "1"}), ("false", {})])
def test_no_index_makes_uv_offline(value: str, expected: dict[str, str]) -> None:
    assert uv_settings({"no-index": value}, {}) == expected
