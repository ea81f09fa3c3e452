"""Every protection of the three promises, removed to see that a test notices: `make protections`.

The status shown is the truth; no run is lost or launched twice; the page is never stale. What keeps these promises is
often one line, and a line that no test needs is soon gone from the code. So each is listed here (`breaks.py`)
with the text that is the protection, the text that is left without it, and the tests of which one must then fail.
"""
