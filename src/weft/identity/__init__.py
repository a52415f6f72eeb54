"""Who workloads are and how they prove it: SPIFFE ids, the certificate authority, its roots and their rotation.

Everything here is values and pure functions; the time is a parameter. Files, streams and timers are in `weft.serve.ca`.
"""
