"""Codes of findings on single objects. They are stable for ever: a code that is given up is not used again."""

INVALID = "IST0106"
"""A value that the API does not allow; the object counts as absent (Istio: SchemaValidationError)."""

INEFFECTIVE = "IST0133"
"""Valid, but it does not do what it looks like (Istio: SchemaWarning)."""

DEPRECATED = "IST0002"
"""A field that the API's authors have replaced (Istio: Deprecated)."""

NOT_FOUND = "IST0101"
"""A reference to an object that does not exist (Istio: ReferencedResourceNotFound)."""

UNSUPPORTED = "WEFT0101"
"""The API has this field or value, and Weft does not do it yet."""

UNKNOWN_FIELD = "WEFT0102"
"""A field that the API does not have, in an object that is used all the same."""

DELEGATE_CONFLICT = "WEFT0103"
"""A rule of a delegate that its root's match contradicts."""

UNKNOWN_KIND = "WEFT0201"
"""No kind, or no version of it, has that name, though a known one is near."""

IGNORED_KIND = "WEFT0202"
"""A kind of object that means nothing to the mesh."""

UNREADABLE_FILE = "WEFT0203"
"""A file that can't be read or is no YAML or JSON."""

DUPLICATE_OBJECT = "WEFT0204"
"""Two files, or two places of one, say what the same object is."""

TOO_MANY_OBJECTS = "WEFT0205"
"""A folder holds more objects than are read."""

UNWATCHED_FOLDER = "WEFT0206"
"""A folder that can't be read or followed."""

INVALID_ANNOTATION = "IST0125"
"""An annotation whose value is none of those allowed; it counts as absent (Istio: InvalidAnnotation)."""

NO_IMPACT = "IST0167"
"""A policy that changes nothing (Istio: IneffectivePolicy)."""

FAILS_CLOSED = "WEFT0301"
"""What a security policy that can't be read refuses."""

NO_PROVIDER = "WEFT0302"
"""A policy that leaves the decision to an external authorizer; what it matches is refused."""

CONDITION_NOT_JUDGED = "WEFT0303"
"""A condition on an attribute that the mesh does not know."""

NO_TOKENS = "WEFT0304"
"""A policy about tokens of requests, which are not checked."""

REQUEST_RULE_ON_BYTES = "WEFT0305"
"""A rule about requests is in force at a port that is not HTTP."""

PAST_PROXY = "WEFT0306"
"""A policy on who may call, at workloads that can be called past their proxies."""

NO_ADDRESS = "WEFT0401"
"""A pod, a service or a host that there is no address for."""

ADDRESS_TAKEN = "WEFT0402"
"""A stated address that another object has."""

MISSING_VARIABLE = "WEFT0403"
"""A variable of a container whose value can't be found."""

IMAGE_FOLDER = "WEFT0404"
"""A folder that shall stand for images and can't."""

IMAGE_NAMED_TWICE = "WEFT0405"
"""Two objects say which folder stands for the same images."""

PORT_TAKEN = "WEFT0406"
"""A port of a gateway that another process of the machine listens on."""

HOST_PORT_TAKEN = "WEFT0407"
"""A port of the machine that several pods of its network ask for."""

MACHINE_LIMIT = "WEFT0408"
"""A limit of the machine that the mesh is larger than."""

OVERRULED = "WEFT0501"
"""An object of which another one for the same host leaves nothing, or not all, in force."""

UNMANAGED_PORT = "WEFT0502"
"""A port of a service that clients reach past their proxies' rules."""

UNCAPTURED_PORT = "WEFT0503"
"""A port of a service that requests do not lead to where nothing is redirected to proxies."""

RAISED_PORT = "WEFT0504"
"""A port that a gateway may not open, and another one that it opens instead."""

NOT_BUILT = "WEFT0601"
"""A part of a proxy's configuration that could not be made from what objects say."""
