"""The authority of a mesh: who signs and which roots are trusted, and how both are replaced without an outage.

A root is replaced in three steps, each of which must have reached every proxy before the next: `prepare` (the new root
is trusted too), `switch` (the new signer signs; what the old one signed is still good), `retire` (the old root goes,
once nothing that it signed is in use).
"""

from cryptography import x509
from msgspec import Struct
from msgspec.structs import replace

from weft.identity.signer import AuthorityError, Signer, certificates_pem
from weft.identity.spiffe import check_trust_domain


class Authority(Struct, frozen=True):
    """The state of a mesh's authority. `standby` is the signer that `switch` will put to work."""

    trust_domain: str
    signer: Signer
    roots: tuple[x509.Certificate, ...]
    standby: Signer | None = None

    @property
    def bundle(self) -> bytes:
        """All trusted roots, PEM."""
        return certificates_pem(*self.roots)

    def prepare(self, standby: Signer) -> "Authority":
        """Trusts the root of the next signer beside the present ones."""
        if self.standby is not None:
            raise AuthorityError("a rotation is under way: switch to its signer, or abandon it, first")
        roots = self.roots if standby.root in self.roots else (*self.roots, standby.root)
        return replace(self, standby=standby, roots=roots)

    def switch(self) -> "Authority":
        """Signs with the standby signer from now on; all roots stay trusted."""
        if self.standby is None:
            raise AuthorityError("no signer stands by: prepare one first")
        return replace(self, signer=self.standby, standby=None)

    def retire(self) -> "Authority":
        """Trusts the signer's own root only. Also abandons a rotation that was prepared."""
        return replace(self, roots=(self.signer.root,), standby=None)


def new_authority(trust_domain: str, signer: Signer) -> Authority:
    """Returns the authority of a mesh that trusts the signer's root; SpiffeError if the domain may not be named so."""
    return Authority(check_trust_domain(trust_domain), signer, (signer.root,))
