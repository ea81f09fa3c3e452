"""Generated requests and socket frames over every address: `make fuzz` (FUZZ_REQUESTS, FUZZ_SEED).

Whatever anybody sends: no answer is a 500, none takes long, and nothing stays behind. Hypothesis shrinks what it finds
to the smallest request that shows it.
"""
