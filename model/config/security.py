"""The security of a cluster: one section, whose defaults are the strict ones.

A setting that is weaker than its default is an exception (model/security_exceptions.py).
"""

from pydantic import Field

from model.config.audit import Audit
from model.config.image_policy import Images
from model.config.namespaces import Namespace, NamespaceName
from model.config.pod_security import PodSecurity
from model.config.secrets_encryption import SecretsEncryption
from model.config.strict import Strict
from model.config.tls import Tls


class Security(Strict):
    """Security settings. The defaults are strict; `fleet status` lists what is weaker."""

    secrets_encryption: SecretsEncryption = Field(
        default_factory=SecretsEncryption, description="Encryption of Secrets in etcd."
    )
    audit: Audit = Field(default_factory=Audit, description="The audit log.")
    pod_security: PodSecurity = Field(default_factory=PodSecurity, description="What pods may do.")
    tls: Tls = Field(default_factory=Tls, description="TLS of the cluster's components.")
    images: Images = Field(default_factory=Images, description="Where images come from.")
    namespaces: dict[NamespaceName, Namespace] = Field(
        default_factory=dict, description="Namespaces, and the resources that their pods may use."
    )
