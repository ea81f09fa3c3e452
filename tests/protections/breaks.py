"""Every protection there is."""

from __future__ import annotations

from tests.protections.broken import Break
from tests.protections.connections import CONNECTIONS
from tests.protections.endings import ENDINGS
from tests.protections.evidence import EVIDENCE
from tests.protections.executions import EXECUTIONS
from tests.protections.launches import LAUNCHES
from tests.protections.leases import LEASE_BREAKS
from tests.protections.pages import PAGES
from tests.protections.storing import STORES

BREAKS: tuple[Break, ...] = (*LEASE_BREAKS, *LAUNCHES, *CONNECTIONS, *EVIDENCE, *ENDINGS, *EXECUTIONS, *STORES, *PAGES)
