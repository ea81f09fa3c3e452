"""The part of django-allauth that we use: its protocol, without its middleware, addresses and pages.

`manage.py migrate` makes its tables because Django expects those of every installed app; they stay empty.
"""

from __future__ import annotations

from allauth.account.apps import AccountConfig
from allauth.socialaccount.apps import SocialAccountConfig


class Accounts(AccountConfig):  # type: ignore[misc]
    """Only its models, which its protocol is written with."""

    def ready(self) -> None:
        """Without the check for its middleware, which serves its own pages."""


class SocialAccounts(SocialAccountConfig):  # type: ignore[misc]
    """Only its models, and the protocol."""

    def ready(self) -> None:
        """Nothing is registered: there is one provider, and `provider.py` makes it."""
