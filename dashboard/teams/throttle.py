"""How long somebody who failed to sign in must wait before the next attempt counts. In the database, so that all
web processes know.

By name the wait protects one account, by address all of them. Names that exist and names that do not are
treated alike.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
from datetime import timedelta

from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from dashboard.teams.models import SignInFailures

FREE_BY_NAME, FREE_BY_ADDRESS = 5, 20
"""How many attempts are free: people mistype, and offices share an address."""
FIRST_S, LONGEST_S = 2, 300
FORGOTTEN_AFTER = timedelta(hours=1)

FAILED_SQL = """
    INSERT INTO teams_signinfailures AS kept (key, count, last_at) VALUES (%s, 1, clock_timestamp())
    ON CONFLICT (key) DO UPDATE SET
        count = CASE WHEN kept.last_at < now() - make_interval(secs => %s) THEN 1 ELSE least(kept.count + 1, 1000) END,
        last_at = clock_timestamp()
"""


def throttle_wait_s(name: str | None, address: str, *, about: str = "") -> int:
    """How many seconds are left to wait; 0 when another attempt is allowed.

    Args:
        name: None to count by address alone.
        about: what is attempted, if not a sign-in: its failures are counted separately.
    """
    kept = SignInFailures.objects.filter(key__in=_keys(name, address, about))
    now = timezone.now()
    left = 0.0
    for failures in kept.filter(last_at__gt=Now() - FORGOTTEN_AFTER):
        free = FREE_BY_NAME if failures.key.startswith("name") else FREE_BY_ADDRESS
        over = failures.count - free
        if over >= 0:
            wait_s = min(FIRST_S * 2 ** min(over, 10), LONGEST_S)
            left = max(left, wait_s - (now - failures.last_at).total_seconds())
    return math.ceil(left) if left > 0 else 0


def throttle_failed(name: str | None, address: str, *, about: str = "") -> None:
    """Count a failure; forget those of the day before."""
    with connection.cursor() as cursor:
        for key in _keys(name, address, about):
            cursor.execute(FAILED_SQL, [key, FORGOTTEN_AFTER.total_seconds()])
    SignInFailures.objects.filter(last_at__lt=Now() - timedelta(days=1)).delete()


def throttle_succeeded(name: str) -> None:
    """Forget the failures of a name whose owner has signed in. Those of the address stay."""
    SignInFailures.objects.filter(key=_by_name(name)).delete()


def _keys(name: str | None, address: str, about: str) -> list[str]:
    by_address = f"{about} {_by_address(address)}".strip()[:80]
    return [by_address] if name is None else sorted((_by_name(name), by_address))


def _by_name(name: str) -> str:
    # Hashed: people type their password into the wrong field.
    return f"name {hashlib.sha256(name.strip().lower().encode('utf-8', 'replace')).hexdigest()}"


def _by_address(address: str) -> str:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return f"address {address[:60]}"
    if found.version == 6:  # one customer has a network of them
        return f"address {ipaddress.ip_network((found, 64), strict=False)}"
    return f"address {found}"
