"""The neutral model of a mesh. Dialects compile to it, the proxy layer reads nothing else.

Rules for every type (cited in code and tests as G1 to G7):

- G1: frozen, compared by value, sequences are tuples, sets are sorted tuples. Nothing volatile is inside.
- G2: None means "not constrained"; an empty tuple matches nothing.
- G3: in settings None means "not said"; an explicit off is a value (0, False, "off").
- G4: times are integer milliseconds, ratios 0 to 1, ports 1 to 65535; host names are lower case, absolute and
  without a final dot.
- G5: secrets are references, never bytes. A regular expression is RE2 and a full match.
- G6: what has no place here becomes an issue on its object, never a silence.
- G7: names are those of networking, not of a product.
"""
