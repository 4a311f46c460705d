"""The security of a cluster: one section, whose defaults are the strict ones.

A setting that is weaker than its default is an exception (model/security_exceptions.py).
"""

from pydantic import Field

from model.config.audit import Audit
from model.config.pod_security import PodSecurity
from model.config.secrets_encryption import SecretsEncryption
from model.config.strict import Strict


class Security(Strict):
    """Security settings. The defaults are strict; `fleet status` lists what is weaker."""

    secrets_encryption: SecretsEncryption = Field(
        default_factory=SecretsEncryption, description="Encryption of Secrets in etcd."
    )
    audit: Audit = Field(default_factory=Audit, description="The audit log.")
    pod_security: PodSecurity = Field(default_factory=PodSecurity, description="What pods may do.")
