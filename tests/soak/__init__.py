"""`make soak`: everything at once, for minutes, with every fault the architecture names; at the end nothing is wrong.

A real Postgres, two workers, two web processes and a LangGraph server that lies. Runs of every kind in `kinds.py` are
launched through the form; what goes wrong on the wire belongs to the kind, so that for each run it is known which ends
are right. `faults.py` kills, freezes and restarts processes and the database meanwhile, in an order that the seed
decides; one web process is connected through `relay.py`, which can fall silent. `pages.py` are the open pages,
`verdict.py` says whether all was right; `tests/unit/soak` lies to it.

A soak of five minutes or more also has states of 24 and 64 MB and a minute without Postgres.

Environment: `SOAK_MINUTES` (10), `SOAK_SEED` (drawn and printed; the same seed gives the same kinds and faults).
"""
