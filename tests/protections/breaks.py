"""Every protection there is."""

from __future__ import annotations

from tests.protections.asking import ASKING
from tests.protections.broken import Break
from tests.protections.endings import ENDINGS
from tests.protections.executions import EXECUTIONS
from tests.protections.leases import HANDS
from tests.protections.pages import PAGES
from tests.protections.storing import STORES

BREAKS: tuple[Break, ...] = (*HANDS, *ASKING, *ENDINGS, *EXECUTIONS, *STORES, *PAGES)
