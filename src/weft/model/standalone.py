"""Settings of standalone mode, in the folder of the mesh's objects: which local folder stands for which image."""

from msgspec import Struct

from weft.model.objects import Kind


class Standalone(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """`images` maps a pattern of image names to a folder, relative to the file that says it.

    In a pattern `*` stands for any text without a `/`. Where the part behind the last `/` has neither `:` nor `@`, tag
    and digest of the image are left out of the comparison.
    """

    images: dict[str, str] = {}


KINDS: tuple[Kind, ...] = (Kind("weft.dev", "Standalone", "standalones", ("v1alpha1",), Standalone, namespaced=False),)
"""The kinds of this module."""
