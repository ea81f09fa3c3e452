"""`make soak`: everything at once, for minutes, with every fault the architecture names; at the end nothing is wrong.

A real Postgres, two workers, two web processes and a LangGraph server that lies. Runs of every kind in `kinds.py` are
launched through the form; what goes wrong on the wire belongs to the kind, so that for each run it is known which ends
are right. `faults.py` kills, freezes and restarts processes and the database meanwhile, in an order that the seed
decides. `pages.py` are the open pages, `verdict.py` says whether all was right.

Environment: `SOAK_MINUTES` (10), `SOAK_SEED` (drawn and printed; the same seed gives the same kinds and faults).
"""
