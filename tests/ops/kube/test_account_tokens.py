"""Tokens in Secrets, by the key that signed them."""

import base64
import json

from model.pki import account_tokens, certificates
from ops.kube import client
from ops.kube.account_tokens import of_other_keys
from tests.ops.kube.api_server import Api

PUBLIC = certificates.new_service_account_key()[1]


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def token(kid: str) -> str:
    return f"{encoded(json.dumps({'alg': 'ES256', 'kid': kid}))}.{encoded('{}')}.c2ln"


def secret(name: str, text: str | None) -> dict[str, object]:
    data = {} if text is None else {"token": base64.b64encode(text.encode()).decode()}
    return {"metadata": {"namespace": "ci", "name": name}, "data": data}


def test_a_token_names_the_hash_of_its_key() -> None:
    """The value was computed with openssl: pkey -pubin -outform DER, dgst -sha256, basenc."""
    public = (
        "-----BEGIN PUBLIC KEY-----\n"
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n"
        "6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n"
        "-----END PUBLIC KEY-----\n"
    )
    assert account_tokens.key_id(public) == "XNJS-wzokyQ2-vjM0QQJgbie5K1rn-niorfnGqyyfNM"


def test_secrets_with_tokens_of_other_keys_are_named(api: Api) -> None:
    current = account_tokens.key_id(PUBLIC)
    secrets = [
        secret("former", token("former")),
        secret("current", token(current)),
        secret("foreign", "no token"),
        secret("empty", None),
    ]
    api.answers["GET /api/v1/secrets"] = (200, {"items": secrets})
    found = of_other_keys(client.of(api.kubeconfig), current)
    assert found == ["ci/former", "ci/foreign"]
