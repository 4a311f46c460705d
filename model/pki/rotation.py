"""What signs and what is trusted while a CA or a service-account key is replaced.

Of the two that there are meanwhile, one signs: the predecessor in `prepare`, the successor in
`switch`. Both keys are kept until `finish`, so that either step can be taken back. What signs comes
first in the bundle of what is trusted: kubeadm uses the first certificate of a file, and its key.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from model import rotation_phases
from model.rotation_phases import PREPARE, SWITCH


@dataclass(frozen=True)
class Half:
    """A certificate, or a public key, and the private key to it; both PEM."""

    public: str
    private: str = field(repr=False)


@dataclass(frozen=True)
class Rotation:
    """What signs, and the `other` that is trusted beside it while a rotation is under way."""

    phase: str
    signing: Half
    other: Half | None = None

    def to(self, phase: str, successor: Callable[[], Half]) -> "Rotation":
        """Return the rotation in another phase, which must be allowed to follow this one."""
        assert not rotation_phases.refusal(self.phase, phase), "the transition was not checked"
        if self.other is None:
            other = successor() if phase == PREPARE else None
            return Rotation(phase, self.signing, other)
        if {self.phase, phase} == {PREPARE, SWITCH}:
            return Rotation(phase, self.other, self.signing)
        return Rotation(phase, self.signing, self.other if phase == self.phase else None)

    @property
    def bundle(self) -> str:
        """All that is trusted, as one PEM text."""
        return self.signing.public + (self.other.public if self.other else "")
