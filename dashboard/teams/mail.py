"""Sends mail, if EMAIL_URL is set."""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Callable
from queue import Full, Queue
from threading import Lock, Thread

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connections

logger = logging.getLogger(__name__)

_waiting: Queue[Callable[[], None]] = Queue(maxsize=100)
_start = Lock()
_sender: Thread | None = None


class MailFailed(Exception):
    """The mail server cannot be reached, or refuses."""


def mail_is_configured() -> bool:
    """Whether Runboard can send mail."""
    return settings.ENV.mail is not None


def mail_send(*, to: str, subject: str, text: str) -> None:
    """Send a mail now; takes up to ten seconds.

    Raises:
        MailFailed: the mail server did not take it.
    """
    try:
        EmailMessage(subject, text, to=[to]).send()
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise MailFailed(type(error).__name__) from error


def later(task: Callable[[], None]) -> None:
    """Do something after the response was sent, so that its duration reveals nothing.

    Drops what is too much, and what still waits when the process ends: a mail server that is away must not
    delay that.
    """
    global _sender
    with _start:
        if _sender is None:
            _sender = Thread(target=_send_on, name="mail", daemon=True)
            _sender.start()
    try:
        _waiting.put_nowait(task)
    except Full:
        logger.warning("too many mails wait to be sent; one is dropped")


def _send_on() -> None:
    while True:
        task = _waiting.get()
        try:
            task()
        except MailFailed as error:
            logger.warning("a mail could not be sent: %s", error)
        except Exception:
            logger.exception("a mail could not be sent")
        finally:
            connections.close_all()
