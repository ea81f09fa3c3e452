"""The access matrix: who gets in, at every address and socket of the project."""

from __future__ import annotations

from dataclasses import dataclass

OPEN, PERSON, READ, ACT, ADMIN, LINK, INVITED = "open", "person", "read", "act", "admin", "link", "invited"
RANK = {"viewer": 0, "member": 1, "admin": 2}
LEVELS = {READ: 0, ACT: 1, ADMIN: 2}


@dataclass(frozen=True)
class Row:
    """Who gets in by GET and by POST (None: nobody does), whether it is one team's object, and what a token needs."""

    get: str | None = None
    post: str | None = None
    owned: bool = False
    scope: str | None = None
    tokens: bool = True
    # The house has none of these: those who get in are answered 404.
    absent: bool = False


ROWS: dict[str, Row] = {
    "home": Row(get=PERSON, post=PERSON, scope="admin"),
    "login": Row(get=OPEN, post=OPEN),
    "logout": Row(post=PERSON, scope="admin"),
    "sign-in": Row(get=LINK, post=LINK),
    "openid-start": Row(get=OPEN, absent=True),  # not configured here, see test_openid
    "openid-callback": Row(get=OPEN, absent=True),
    "openid-connect": Row(post=PERSON, tokens=False, absent=True),
    "join": Row(get=INVITED, post=INVITED),
    "healthz": Row(get=OPEN),
    # People.
    "people": Row(get=READ, post=ADMIN, scope="admin"),
    "invitation-create": Row(post=ADMIN, scope="admin"),
    "invitation-revoke": Row(post=ADMIN, owned=True, scope="admin"),
    "member-change": Row(post=ADMIN, owned=True, scope="admin"),
    "member-hand-over": Row(get=ADMIN, post=ADMIN, owned=True, scope="admin"),
    "member-password-link": Row(post=ADMIN, owned=True, tokens=False),
    "password-forgotten": Row(get=OPEN, post=OPEN, absent=True),  # no mail here, see test_mail
    "password-reset": Row(get=LINK, post=LINK),
    "team-leave": Row(post=READ, tokens=False),
    "team-list": Row(get=PERSON, post=ADMIN, tokens=False),
    "team-switch": Row(post=READ, owned=True, tokens=False),
    "profile": Row(get=PERSON, post=PERSON, tokens=False),
    "password-change": Row(post=PERSON, tokens=False),
    "session-end": Row(post=None, tokens=False),  # only one's own, see test_people
    "token-list": Row(get=READ, post=READ, tokens=False),
    "token-revoke": Row(post=ADMIN, owned=True, tokens=False),
    "audit": Row(get=ADMIN),
    "audit-export-csv": Row(get=ADMIN),
    "audit-export-jsonl": Row(get=ADMIN),
    # Servers and assistants.
    "server-list": Row(get=READ, post=ADMIN, scope="admin"),
    "server-new": Row(get=ADMIN),
    "server-detail": Row(get=READ, post=ADMIN, owned=True, scope="admin"),
    "server-check": Row(post=ACT, owned=True, scope="admin"),
    "server-delete": Row(post=ADMIN, owned=True, scope="admin"),
    "assistant-list": Row(get=READ),
    "assistant-refresh": Row(post=ACT, scope="launch"),
    "assistant-detail": Row(get=READ, owned=True),
    "assistant-edit": Row(get=ADMIN, post=ADMIN, owned=True, scope="launch"),
    "assistant-copy": Row(get=ADMIN, post=ADMIN, owned=True, scope="launch"),
    "assistant-version": Row(post=ADMIN, owned=True, scope="launch"),
    "assistant-delete": Row(post=ADMIN, owned=True, scope="launch"),
    # Runs.
    "run-export-csv": Row(get=READ),
    "run-export-jsonl": Row(get=READ),
    "run-bulk": Row(get=ACT, post=ACT, scope="launch"),
    "bulk-detail": Row(get=READ, owned=True),
    "bulk-stop": Row(post=ACT, owned=True, scope="launch"),
    "run-rename": Row(post=ACT, owned=True, scope="launch"),
    "run-tags": Row(post=ACT, owned=True, scope="launch"),
    "run-note": Row(post=ACT, owned=True, scope="launch"),
    "run-so-far": Row(get=READ, owned=True),
    "insights": Row(get=READ),
    "retention": Row(get=ADMIN, post=ADMIN, scope="admin"),
    "run-star": Row(post=READ, owned=True, scope="launch"),
    "view-list": Row(get=READ, post=READ, scope="launch"),
    "view-counts": Row(get=READ),
    "view-columns": Row(get=READ, post=READ, scope="launch"),
    "view-default": Row(post=READ, scope="launch"),
    "view-delete": Row(post=READ, owned=True, scope="launch"),  # others' are refused in words and stay
    "run-list": Row(get=READ),
    "run-compare": Row(get=READ, owned=True),
    "thread": Row(get=READ, owned=True),
    "run-detail": Row(get=READ, owned=True),
    "run-json": Row(get=READ, owned=True),
    "run-result": Row(get=READ, owned=True),
    "run-state": Row(get=READ, owned=True),
    "run-markdown": Row(get=READ, owned=True),
    "run-live": Row(get=READ, owned=True),
    "run-related": Row(get=READ, owned=True),
    "run-cancel": Row(post=ADMIN, owned=True, scope="launch"),
    "run-answer": Row(post=ACT, owned=True, scope="answer"),
    "run-answer-panel": Row(get=READ, owned=True),
    "answer-several": Row(get=ACT, post=ACT, scope="answer"),
    "run-answer-assign": Row(post=ACT, owned=True, scope="answer"),
    "run-answer-snooze": Row(post=ACT, owned=True, scope="answer"),
    "answer-link-list": Row(get=ACT, post=ACT, owned=True, scope="answer"),
    "answer-link-revoke": Row(post=ACT, owned=True, scope="answer"),
    "answer-page": Row(get=LINK, post=LINK),
    "run-continue": Row(post=ACT, owned=True, scope="answer"),
    "steps-json": Row(get=READ, owned=True),
    "run-steps": Row(get=READ, owned=True),
    "run-step": Row(get=READ, owned=True, absent=True),
    "run-checkpoint": Row(get=READ, owned=True, absent=True),
    "price-list": Row(get=READ, post=ADMIN, scope="admin"),
    "price-delete": Row(post=ADMIN, owned=True, scope="admin"),
    "inbox": Row(get=READ),
    "inbox-live": Row(get=READ),
    "inbox-count": Row(get=READ),
    # Launching.
    "launch": Row(get=ACT, post=ACT, scope="launch"),
    "launch-form": Row(post=ACT, scope="launch"),
    "launch-differences": Row(post=ACT, scope="launch"),
    "launch-threads": Row(get=ACT),
    "launch-code": Row(post=ACT, scope="launch"),
    "run-again": Row(post=ACT, owned=True, scope="launch"),
    "run-code": Row(get=READ, owned=True),
    "run-as": Row(get=READ, owned=True),
    "preset-list": Row(get=READ, post=ACT, scope="launch"),
    "preset-new": Row(post=ACT, scope="launch"),
    "preset-detail": Row(get=READ, post=ADMIN, owned=True, scope="launch"),
    "preset-delete": Row(post=ADMIN, owned=True, scope="launch"),
    # Links.
    "share-create": Row(get=ACT, post=ACT, owned=True, scope="share"),
    "share-preview": Row(post=ACT, owned=True, scope="share"),
    "share-make": Row(post=ACT, owned=True, scope="share"),
    "share-revoke-of-run": Row(post=ACT, owned=True, scope="share"),
    "share-revoke": Row(post=ACT, owned=True, scope="share"),
    "share-list": Row(get=READ),
    "share-revoke-all": Row(post=ACT, scope="share"),
    "share-new": Row(get=ACT, post=ACT, owned=True, scope="share"),
    "share-new-preview": Row(post=ACT, owned=True, scope="share"),
    "share-run": Row(get=LINK),
    "share-run-live": Row(get=LINK),
    "share-run-state": Row(get=LINK),
    "share-run-result": Row(get=LINK),
    "preset-form-link-create": Row(get=ADMIN, post=ADMIN, owned=True, scope="share"),
    "form-link-page": Row(get=LINK, post=LINK),
    "share-page": Row(get=LINK, post=LINK),
    "share-live": Row(get=LINK),
    "share-result": Row(get=LINK),
    "share-state": Row(get=LINK),
    # The installation.
    "workers": Row(get=READ),
    "workers-live": Row(get=READ),
    "workers-notice": Row(get=READ),
}

SOCKETS: dict[str, str] = {
    "ws/runs/": READ,
    "ws/runs/<uuid:run_id>/": READ,
    "ws/inbox/": READ,
    "ws/workers/": READ,
    "ws/s/<str:token>/": LINK,
    "ws/s/<str:token>/runs/": LINK,
    "ws/s/<str:token>/runs/<uuid:run_id>/": LINK,
    "<path:path>": "nobody",
}
