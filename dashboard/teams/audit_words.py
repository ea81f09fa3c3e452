"""What people read in the audit log. An entry stores the name of the address that made the change."""

from __future__ import annotations

from typing import Final

SENTENCES: Final = {
    # People.
    "login": "Signed in",
    "logout": "Signed out",
    "sign-in": "Signed in with a one-time link",
    "openid-connect": "Connected an account to OpenID Connect",
    "groups": "Got a role by groups",
    "join": "Joined the team",
    "people": "Invited somebody",
    "invitation-create": "Invited somebody",
    "invitation-revoke": "Revoked an invitation",
    "member-change": "Changed somebody's role or access",
    "member-hand-over": "Handed over what somebody looked after",
    "member-password-link": "Made a password link",
    "password-reset": "Set a password with a link",
    "password-forgotten": "Asked for a password link",
    "password-change": "Changed their password",
    "profile": "Changed their profile",
    "session-end": "Ended one of their sessions",
    "team-leave": "Left the team",
    "team-list": "Made a team",
    "team-switch": "Switched to another team",
    "token-list": "Made a token",
    "token-revoke": "Revoked a token",
    # Servers, assistants, presets, prices, retention.
    "server-list": "Added a server",
    "server-detail": "Changed a server",
    "server-check": "Had a server checked",
    "server-delete": "Removed a server",
    "assistant-refresh": "Had assistants fetched",
    "assistant-edit": "Changed an assistant",
    "assistant-copy": "Copied an assistant",
    "assistant-version": "Chose a version of an assistant",
    "assistant-delete": "Deleted an assistant",
    "preset-list": "Saved a preset",
    "preset-detail": "Changed a preset",
    "preset-delete": "Deleted a preset",
    "price-list": "Set a price",
    "price-delete": "Removed a price",
    "retention": "Changed the retention",
    # Runs and views.
    "launch": "Launched a run",
    "run-again": "Launched a run again",
    "run-bulk": "Began an action on several runs",
    "bulk-stop": "Stopped an action on several runs",
    "run-cancel": "Cancelled a run",
    "run-rename": "Renamed a run",
    "run-tags": "Changed a run's tags",
    "run-note": "Changed a run's note",
    "run-star": "Starred a run, or took the star away",
    "view-list": "Saved a view",
    "view-delete": "Deleted a view",
    "view-columns": "Chose their columns",
    "view-default": "Chose the view to begin with",
    # Questions.
    "run-answer": "Answered a run",
    "answer-several": "Answered several runs",
    "run-continue": "Continued a run",
    "run-answer-assign": "Assigned a question",
    "run-answer-snooze": "Snoozed a question",
    "answer-link-list": "Made an answer link",
    "answer-link-revoke": "Revoked an answer link",
    "answer-page": "Answered a run by an answer link",
    # Links.
    "share-create": "Shared a run",
    "share-make": "Shared a run",
    "share-new": "Shared several runs",
    "share-revoke": "Revoked a share link",
    "share-revoke-of-run": "Revoked a share link",
    "share-revoke-all": "Revoked several share links",
    "preset-form-link-create": "Shared a preset as a form",
    "form-link-page": "Launched a run by a form link",
}


def action_words(action: str) -> str:
    """An action as a sentence about who did it; an action of an earlier version by its own name."""
    return SENTENCES.get(action, action)
