"""Times whole processes: what the README promises, each figure beside something else of the same run.

`make bench` prints the tables. These are measurements, not tests: a busy machine moves them.
"""
