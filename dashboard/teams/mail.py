"""Mail, where EMAIL_URL says how to send it."""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connections

logger = logging.getLogger(__name__)

_sender = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mail")
_waiting = BoundedSemaphore(100)


class MailFailed(Exception):
    """The mail server cannot be reached, or refuses."""


def mail_is_configured() -> bool:
    """Whether mail can be sent."""
    return settings.ENV.mail is not None


def mail_send(*, to: str, subject: str, text: str) -> None:
    """Send a mail now; up to ten seconds.

    Raises:
        MailFailed: it was not taken.
    """
    try:
        EmailMessage(subject, text, to=[to]).send()
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise MailFailed(type(error).__name__) from error


def later(task: Callable[[], None]) -> None:
    """Do something after the answer was sent, so that its time tells nothing. What is too much is dropped."""
    if not _waiting.acquire(blocking=False):
        logger.warning("too many mails wait to be sent, one is dropped")
        return
    _sender.submit(_do, task)


def _do(task: Callable[[], None]) -> None:
    try:
        task()
    except MailFailed as error:
        logger.warning("a mail could not be sent: %s", error)
    except Exception:
        logger.exception("a mail could not be sent")
    finally:
        _waiting.release()
        connections.close_all()
