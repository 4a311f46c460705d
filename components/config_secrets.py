"""The secrets of the stack's config that a fleet needs, checked before anything is registered."""

import re

import pulumi
from pulumi.runtime.config import get_config

from model import audit_webhook
from model.fleet import Fleet

# RFC 7617: a user has no colon, and neither has control characters.
LOGIN = re.compile(r"[^:\x00-\x1f\x7f]+:[^\x00-\x1f\x7f]+")


def config_secrets(config: pulumi.Config, fleet: Fleet) -> dict[str, pulumi.Output[str]]:
    """Return the secrets by name; a preview reaches no host and does without those not set."""
    keys = {name: _secret(config, name, " < KEY_FILE") for name in fleet.private_key_names}
    passwords = {name: _secret(config, name) for name in fleet.sudo_password_names}
    logins = {name: _login(config, name) for name in fleet.mirror_credential_names}
    webhooks = {name: _kubeconfig(config, name) for name in fleet.audit_webhook_names}
    return keys | passwords | logins | webhooks


def _secret(config: pulumi.Config, name: str, source: str = "") -> pulumi.Output[str]:
    if (value := config.get_secret(name)) is not None:
        return value
    key, set_it = config.full_key(name), _command(name, source)
    if not pulumi.runtime.is_dry_run():
        raise pulumi.RunError(f"{key} is not set: {set_it}")
    pulumi.warn(f"{key} is not set; an `up` will need it: {set_it}")
    return pulumi.Output.secret("")


def _login(config: pulumi.Config, name: str) -> pulumi.Output[str]:
    """Return a secret in the form `user:password`."""
    text = get_config(config.full_key(name))
    if text is not None and not LOGIN.fullmatch(text):
        raise pulumi.RunError(
            f"{config.full_key(name)} is not a login for a mirror: set one line with the user, a "
            f"colon and the password: {_command(name)}"
        )
    return _secret(config, name)


def _kubeconfig(config: pulumi.Config, name: str) -> pulumi.Output[str]:
    """Return the kubeconfig of a server for audit events, without which no API server starts."""
    text = get_config(config.full_key(name))
    if text is not None and (problem := audit_webhook.problem(text)):
        raise pulumi.RunError(
            f"{config.full_key(name)} is not a kubeconfig for audit events: {problem}. Set another "
            f"one: {_command(name, ' < KUBECONFIG')}"
        )
    return _secret(config, name, " < KUBECONFIG")


def _command(name: str, source: str = "") -> str:
    return f"`fleet pulumi --stack {pulumi.get_stack()} config set --secret {name}{source}`"
