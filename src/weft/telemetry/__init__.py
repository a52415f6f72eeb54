"""What the controller says of itself: metrics in the form of Prometheus, and why something was pushed.

`metrics` declares what there is, `instruments` count, `exposition` writes, `streams` hears of streams and pushes,
`push_log` remembers the last pushes. Values that can be had when somebody asks are not counted before.
"""
