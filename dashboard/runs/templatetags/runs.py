"""How runs look: icons, times, sizes and trees. Pushed fragments use it too, so there may be no request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from html import escape
from urllib.parse import urlencode

from django import template
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from dashboard.runs import timeline
from dashboard.runs.models import Run
from dashboard.runs.rows import ListedRun
from dashboard.runs.state.seen import seen_html
from dashboard.runs.state.view import Node
from dashboard.runs.statuses import LOOKS, RunStatus
from dashboard.runs.waiting import answer_came_to_nothing

register = template.Library()

NOTHING = SafeString("\u2013")
# Open at first: the outer levels unless they are long, and small values further in.
OPEN_DEPTH, OPEN_CHILDREN = 2, 20
OPEN_SMALL_DEPTH, OPEN_SMALL_CHILDREN = 5, 4
_MARKS = {"check": "✓", "cross": "✕", "timer": "✕", "broken": "✕", "question": "?", "pause": "‖", "slash": "⊘"}
_ACTIVE_MARKS = {"arc": "◐"}


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """The drawing `templates/ui/icons/<name>.svg`. Always with a word next to it, or a label on its button."""
    return mark_safe(render_to_string(f"ui/icons/{name}.svg").strip())  # noqa: S308 - our own file


@register.filter
def trace_url(run: Run) -> str:
    """Where the traces of its server show the run; "" for nowhere."""
    return run.server.trace_of(run.remote_run_id, run.remote_thread_id or "") if run.remote_run_id else ""


@register.simple_tag
@cache
def status_look(status: str) -> SafeString:
    """A status as icon and word."""
    found = RunStatus(status)
    return format_html('{}<span class="status-word">{}</span>', icon(LOOKS[found].icon), found.label)


@register.simple_tag
def status_checks(chosen: Sequence[str]) -> SafeString:
    """A checkbox for each status, in a menu."""
    return SafeString("".join(_status_check(one.value, one in chosen) for one in RunStatus))


@cache
def _status_check(status: str, is_chosen: bool) -> str:
    return (
        f'<label class="menu-item check"><input type="checkbox" name="status"\n        value="{status}"'
        f'{" checked" if is_chosen else ""}><span class="status"\n          data-tone="{tone(status)}">'
        f"{status_look(status)}</span></label>"
    )


@register.simple_tag
def options(choices: Iterable[tuple[str, str]], chosen: str) -> SafeString:
    """The options of a select: values and what they are called."""
    return SafeString(
        "\n      ".join(
            f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{escape(name)}</option>'
            for value, name in choices
        )
    )


@register.simple_tag
def suggestions(values: Iterable[str]) -> SafeString:
    """The options of a datalist."""
    return SafeString("".join(f'<option value="{escape(value)}"></option>' for value in values))


@register.simple_tag
def status_icon(status: str) -> SafeString:
    """A status's icon alone, where the word is next to it."""
    return icon(LOOKS[RunStatus(status)].icon)


@register.filter
def thread_query(run: Run) -> str:
    """The query of the launch page that continues the run's thread with its assistant."""
    thread = {"thread": "existing", "thread_id": run.remote_thread_id or ""}
    return urlencode({"server": run.server_id, "assistant_id": run.assistant_id, **thread})


@register.filter
def tone(status: str) -> str:
    """The colour token a status has; "" for no status."""
    return LOOKS[RunStatus(status)].tone if status else ""


@register.simple_tag
def with_chosen(choices: list[tuple[str, str]], chosen: str) -> list[tuple[str, str]]:
    """The choices of a filter, and the current one where it is not among them."""
    return choices if not chosen or any(value == chosen for value, _ in choices) else [*choices, (chosen, chosen)]


@register.filter
def meaning(run: Run) -> str:
    """What the run's status means, in one sentence."""
    return timeline.run_meaning(run)


@register.filter
def cursor(run: ListedRun) -> str:
    """Where older runs begin, for a list that goes on from this one."""
    return f"{run.created_at.isoformat()}~{run.pk}"


@register.filter
def why_no_state(run: Run) -> str:
    """Why a run that has ended has no final state."""
    return timeline.why_no_state(run)


@register.simple_tag
def tab_title(run: Run) -> str:
    """The page's title: the status as one character, then what runs."""
    mark = _MARKS.get(run.look.icon) or _ACTIVE_MARKS.get(run.look.icon, "○")
    return f"{mark} {run.title} · Runboard"


@register.simple_tag
def favicon(status: str = "") -> str:
    """The address of the tab's icon for a status."""
    return static(f"icons/favicon-{LOOKS[RunStatus(status)].tone if status else 'idle'}.svg")


@register.simple_tag
def announcement(run: Run) -> str:
    """What a screen reader announces when the run has ended; "" before."""
    return f"{run.title}: {RunStatus(run.status).label}." if run.is_terminal else ""


# Times.


@register.simple_tag
def zone() -> str:
    """The name of the time zone of this page: the person's, else UTC."""
    return timezone.get_current_timezone_name()


class Clock:
    """What time it is, and where: looked up once for all times of a list."""

    def __init__(self) -> None:
        self.now = timezone.now()
        self.zone = timezone.get_current_timezone()
        self.zone_name = self.zone.tzname(None) or str(self.zone)

    def exactly(self, moment: datetime) -> str:
        return f"{str(moment.astimezone(self.zone))[:19]} {self.zone_name}"  # strftime is slow


def _exactly(moment: datetime) -> str:
    return Clock().exactly(moment)


@register.simple_tag
def ago(moment: datetime | None, clock: Clock | None = None) -> SafeString:
    """How long ago something was; the exact time is in the tooltip. The page's script keeps it up to date."""
    if moment is None:
        return NOTHING
    clock = clock or Clock()
    words = _ago((clock.now - moment).total_seconds(), moment)
    # Numbers, and names of units, months and zones: nothing to escape.
    return SafeString(f'<time datetime="{moment.isoformat()}" title="{clock.exactly(moment)}" data-ago>{words}</time>')


@register.simple_tag
def exactly(moment: datetime) -> SafeString:
    """A moment to the second, without the name of its zone, which the page names once."""
    return SafeString(f'<time datetime="{moment.isoformat()}">{str(timezone.localtime(moment))[:19]}</time>')


@register.simple_tag
def how_long(moment: datetime | None) -> SafeString:
    """How long something has lasted, to follow "waiting": "for 3 min". The page's script keeps it up to date."""
    if moment is None:
        return SafeString("")
    words = _ago((timezone.now() - moment).total_seconds(), moment)
    if words == "just now":
        words = "for less than a minute"
    else:
        words = f"for {words.removesuffix(' ago')}" if words.endswith(" ago") else f"since {words}"
    return format_html(
        '<time datetime="{}" title="{}" data-how-long>{}</time>', moment.isoformat(), _exactly(moment), words
    )


def _ago(seconds: float, moment: datetime) -> str:
    if seconds < 60:
        return "just now" if seconds > -60 else _exactly(moment)
    for unit, length, upto in (("min", 60, 3600), ("h", 3600, 86_400), ("d", 86_400, 30 * 86_400)):
        if seconds < upto:
            return f"{int(seconds // length)} {unit} ago"
    local = timezone.localtime(moment)
    return f"{local.day} {local:%b %Y}"


@register.filter
def answer_failed(run: Run) -> bool:
    """Whether the run that carried the answer to this one did not finish."""
    return answer_came_to_nothing(run)


@register.simple_tag
def until(moment: datetime) -> SafeString:
    """A time to come, in words."""
    seconds = (moment - timezone.now()).total_seconds()
    words = f"{moment.day} {moment:%b %Y}"
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        # Rounded, so that what was made for seven days does not end in six.
        if seconds >= 1.95 * length:
            words = f"in {round(seconds / length)} {unit}"
            break
    else:
        words = "in a minute" if seconds > 0 else words
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), _exactly(moment), words)


@register.simple_tag
def countdown(moment: datetime) -> SafeString:
    """How long until something happens, ticking on the page: "in 12 s", then "now"."""
    seconds = (moment - timezone.now()).total_seconds()
    return format_html(
        '<time datetime="{}" title="{}" data-until>{}</time>',
        moment.isoformat(),
        _exactly(moment),
        f"in {duration(seconds, exact=False)}" if seconds >= 1 else "now",
    )


@register.filter
def is_waiting(run: ListedRun) -> bool:
    """Whether the run has not begun: its time so far is waiting time, not duration."""
    return run.status in {RunStatus.QUEUED, RunStatus.STARTING, RunStatus.SCHEDULED}


@register.simple_tag
def elapsed(run: ListedRun, waiting: bool = False, clock: Clock | None = None) -> SafeString:
    """How long the run took or has taken so far, ticking on the page; `waiting` counts from its launch."""
    since = run.created_at if waiting else None if is_waiting(run) else run.started_at
    if since is None:
        return SafeString(f'<span class="duration">{NOTHING}</span>')
    end = run.finished_at or (clock or Clock()).now
    words = duration((end - since).total_seconds(), exact=run.is_terminal)
    ticking = "" if run.is_terminal else f' data-since="{since.isoformat()}"'
    return SafeString(f'<span class="duration"{ticking}>{words}</span>')


@register.simple_tag
def offset(start: datetime, moment: datetime) -> str:
    """How long after `start` something was, in milliseconds when short."""
    seconds = (moment - start).total_seconds()
    return f"+{seconds * 1000:.0f} ms" if seconds < 0.9995 else "+" + duration(seconds)


def duration(seconds: float, *, exact: bool = True) -> str:
    """Seconds as "0.4 s", "42 s", "1 m 04 s", "2 h 05 m" or "3 d 04 h"; whole seconds only unless `exact`."""
    seconds = max(0.0, seconds)
    if exact and seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    for length, large, small, part in ((86_400, "d", "h", 3600), (3600, "h", "m", 60), (60, "m", "s", 1)):
        if whole >= length:
            return f"{whole // length} {large} {whole % length // part:02d} {small}"
    return f"{whole} s"


@register.filter
def seconds(count: float | None) -> str:
    """A length of time for a table; a dash for none."""
    return str(NOTHING) if count is None else duration(count)


@register.filter
def size(count: int) -> str:
    """Bytes as people say them: "812 bytes", "2.1 kB", "20 MB"."""
    if count < 1000:
        return f"{count} byte{'' if count == 1 else 's'}"
    number = float(count)
    for unit in ("kB", "MB", "GB"):
        number /= 1000
        if number < 999.5 or unit == "GB":
            break
    return f"{number:.1f} {unit}" if number < 9.95 else f"{number:.0f} {unit}"


# Trees. Made here and not by a recursive template: 1,500 includes would take most of a second.


@register.simple_tag
def tree(node: Node) -> SafeString:
    """A JSON value to read: containers fold, long texts keep their lines."""
    parts: list[str] = []
    if node.kind in ("object", "array"):
        _branch(node, parts, 0)
    else:
        parts.append(f'<ul class="tree"><li class="leaf">{_value(node)}</li></ul>')
    return mark_safe("".join(parts))  # noqa: S308 - every text in it went through escape()


def _branch(node: Node, parts: list[str], depth: int) -> None:
    if not node.children and not node.hidden:
        parts.append('<p class="tree-empty">{}</p>' if node.kind == "object" else '<p class="tree-empty">[]</p>')
        return
    parts.append('<ul class="tree">' if depth == 0 else "<ul>")
    for child in node.children:
        key = f'<span class="key"><bdi>{seen_html(child.label)}</bdi></span>'
        if child.kind in ("object", "array") and (child.children or child.hidden):
            count = len(child.children)
            is_open = (depth + 1 < OPEN_DEPTH and count <= OPEN_CHILDREN) or (
                depth + 1 < OPEN_SMALL_DEPTH and count <= OPEN_SMALL_CHILDREN
            )
            parts.append(
                f'<li><details{" open" if is_open else ""}><summary>{key} <span class="count">{child.text}</span>'
                "</summary>"
            )
            _branch(child, parts, depth + 1)
            parts.append("</details></li>")
        else:
            long = " long" if child.is_long else ""
            parts.append(f'<li class="leaf{long}">{key} {_value(child)}</li>')
    if node.hidden:
        parts.append(f'<li class="more">{node.hidden:,} more not shown here; download to read them.</li>')
    parts.append("</ul>")


def _value(node: Node) -> str:
    if node.kind in ("object", "array"):
        return f'<span class="value">{"{}" if node.kind == "object" else "[]"}</span>'
    more = f'<span class="more"> … {node.hidden:,} more characters</span>' if node.hidden else ""
    text = seen_html(node.text) if node.text else '<span class="more">empty text</span>'
    # Quotes and the colon of a key stand outside the isolated text, so that it cannot move them.
    return f'<span class="value" data-kind="{node.kind}"><bdi>{text}</bdi></span>{more}'


@register.simple_tag
def masked(names: Node) -> SafeString:
    """Header names with dots for their values, which are secrets."""
    rows = format_html_join(
        "",
        '<li class="leaf"><span class="key">{}</span> <span class="value" aria-label="hidden value">••••••</span></li>',
        ((child.text,) for child in names.children),
    )
    return format_html('<ul class="tree">{}</ul>', rows)
