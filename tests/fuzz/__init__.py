"""Generated requests and socket frames over every address: `make fuzz` (FUZZ_REQUESTS, FUZZ_SEED).

No request may cause a 500, take long, or leave anything behind. Hypothesis shrinks what it finds
to the smallest request that shows it.
"""
