"""The responses when something cannot be done: our own page, or JSON for programs; never a trace."""

from __future__ import annotations

import logging
import sys
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import escape_leading_slashes

from dashboard.database import DATABASE_AWAY
from dashboard.disk import disk_was_full, is_disk_full
from dashboard.http import is_for_a_program, refusal
from dashboard.teams.pending_form import keeps_typed, show_again
from dashboard.web.bodies import COMES_BACK_BYTES, too_large_sentence

logger = logging.getLogger(__name__)

NOT_FOUND = "There is nothing here, or it belongs to another team."
FORM_TOO_OLD = (
    "This page was open for too long, so its form has expired. Nothing was done. "
    "Go back, reload the page, and send it again."
)
NOT_TRUSTED = (
    "Runboard does not know the address that this page was opened at, so nothing was done. "
    "Ask your administrator to add it to CSRF_TRUSTED_ORIGINS."
)
FORM_TOO_OLD_JSON = "The CSRF token is missing or wrong, so nothing was done. Send it as X-CSRFToken with its cookie."
NOT_UNDERSTOOD = "Runboard could not understand the request, so nothing was done."
BROKEN = (
    "Something broke here. You did not cause this. Runs go on, and their results are kept. Try again; if it "
    "happens twice, the server's log says why."
)
AWAY_SENTENCE = "The database cannot be reached right now. Nothing is lost; try again in a moment."
DISK_FULL = (
    "The disk that holds the database is full, so nothing can be stored, and nothing was done. "
    "Runs go on at their servers. Ask your administrator to make room on it, then try again."
)
NOT_KNOWN_WHETHER_DONE = (
    "The database cannot be reached right now, and Runboard does not know whether it stored what you sent. "
    "Go back in a moment, reload the page, and check before you send it again."
)
NOT_KNOWN_WHETHER_LAUNCHED = (
    "The database cannot be reached right now, and Runboard does not know whether it stored this launch. "
    "Send it again from here in a moment: it launches only one run, however often you do."
)
NOT_AVAILABLE = "Not available right now"
AGAIN_AFTER_S = 5


def outage(request: HttpRequest, error: Exception) -> HttpResponse:
    """503 with a sentence; a page that was only read reloads as soon as it can."""
    is_full = is_disk_full(error)
    if is_full:
        disk_was_full()
    logger.warning("the database %s: %s", "cannot store" if is_full else "cannot be reached", str(error).strip())
    later = {"Retry-After": str(AGAIN_AFTER_S)}
    if is_for_a_program(request):
        return JsonResponse({"error": DISK_FULL if is_full else AWAY_SENTENCE}, status=503, headers=later)
    what_now = {"sentence": DISK_FULL} if is_full else _what_now(request) | {"again_after_s": AGAIN_AFTER_S}
    # Without the request: context processors and middleware may need the database.
    page = render_to_string("503.html", {"title": NOT_AVAILABLE} | what_now)
    return HttpResponse(page, status=503, headers=later)


def _what_now(request: HttpRequest) -> dict[str, Any]:
    """The context for a page while the database is away."""
    if request.method in ("GET", "HEAD"):
        return {"sentence": AWAY_SENTENCE, "again": escape_leading_slashes(request.get_full_path())}
    length = request.META.get("CONTENT_LENGTH") or "0"
    if request.path != reverse("launch") or not length.isdigit() or int(length) > COMES_BACK_BYTES:
        return {"sentence": NOT_KNOWN_WHETHER_DONE}
    # Keeps its launch key; going back to the form gives a new one, and so a new launch.
    sent = [(name, value) for name, values in request.POST.lists() for value in values]
    return {"sentence": NOT_KNOWN_WHETHER_LAUNCHED, "sent": sent, "sent_to": request.path}


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404, the same for what does not exist and what belongs to another team."""
    return refusal(request, 404, NOT_FOUND)


def not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403 with the reason the view gave."""
    return refusal(request, 403, str(exception) or "You may not do this.")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """413 when too much was sent, else 400."""
    if isinstance(exception, RequestDataTooBig):
        return refusal(request, 413, too_large_sentence(settings.DATA_UPLOAD_MAX_MEMORY_SIZE))
    return refusal(request, 400, NOT_UNDERSTOOD)


def form_too_old(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form with a bad token; a form that takes long to fill in is shown again instead, filled in.

    Only for signed-in people: browsers send their cookie only with forms of our own pages (SameSite).
    """
    if is_for_a_program(request):
        return refusal(request, 403, FORM_TOO_OLD_JSON)
    if not reason.startswith("CSRF"):  # Django's words for a wrong Origin or Referer
        return refusal(request, 403, NOT_TRUSTED)
    if keeps_typed(request) and request.user.is_authenticated:
        return show_again(request)
    return refusal(request, 403, FORM_TOO_OLD, title="This form was too old")


def server_error(request: HttpRequest) -> HttpResponse:
    """500 for an uncaught exception. An outage that hit a middleware gets its own sentence."""
    error = sys.exc_info()[1]
    if isinstance(error, DATABASE_AWAY):
        return outage(request, error)
    return refusal(request, 500, BROKEN)
