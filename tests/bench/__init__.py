"""`make bench`: speed and scale as ratios against a baseline that the same run measured.

Nothing here fails for being slow, only for being wrong: a wait that was lost, a change that did not reach a page.
The table shows bounds as met or NOT MET. Environment: `BENCH_FULL=1` measures at full size (5,000 waits, runs of a
minute, a million runs of history), `BENCH_HOLD_S` is how long waits are held, `BENCH_HISTORY` how many runs are seeded.
"""
