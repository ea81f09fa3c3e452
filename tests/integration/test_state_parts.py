"""Parts of a final state over HTTP: JSON for programs, fragments, media that run nothing, and who may see them."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from django.test import Client

from dashboard.runs.models import Run, ThreadChoice
from dashboard.runs.outcomes import RunError
from dashboard.runs.statuses import RunStatus
from dashboard.servers.models import Server
from dashboard.teams.models import Role, User
from tests.factories import make_run, make_server, make_team, make_user
from tests.words import flat

pytestmark = pytest.mark.django_db

STATE = b"""{"text": "t\\u00efdes", "big": 12345678901234567890123, "e": 1e400, "items": %s,
"a/b": {"~": [null, false, 0, "", [], {}]}, "long": "%s"}""" % (
    json.dumps([{"id": number} for number in range(250)]).encode(),
    b"x" * 250_000,
)


@pytest.fixture
def user() -> User:
    return make_user(make_team())


@pytest.fixture
def server(user: User) -> Server:
    return make_server(user.memberships.get().team)


def run_of(user: User, server: Server, body: bytes = STATE, **order: Any) -> Run:
    return make_run(server=server, by=user, status=RunStatus.SUCCEEDED, body=body, **order)


@pytest.fixture
def browser(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


def part(browser: Client, run: Run, query: str) -> Any:
    response = browser.get(f"/runs/{run.pk}/state/?{query}", headers={"Accept": "application/json"})
    assert response.status_code == 200
    return json.loads(response.content)


def test_json_has_type_size_and_value_or_children(browser: Client, user: User, server: Server) -> None:
    run = run_of(user, server)

    whole = part(browser, run, "")

    assert (whole["type"], whole["size"], whole["next"]) == ("object", 6, None)
    assert whole["children"][0] == {"key": "text", "type": "string", "size": 5, "value": "tïdes"}
    assert whole["children"][3] == {"key": "items", "type": "list", "size": 250}
    assert part(browser, run, "path=/big") == {
        "type": "number",
        "size": 1,
        "value": 12345678901234567890123,
        "next": None,
    }
    assert [child["value"] for child in part(browser, run, "path=/a~1b/~0")["children"]] == [None, False, 0, "", [], {}]


def test_windows_follow_each_other(browser: Client, user: User, server: Server) -> None:
    run = run_of(user, server)

    for path, wanted in (("/items", [{"id": number} for number in range(250)]), ("/long", "x" * 250_000)):
        found = part(browser, run, f"path={path}")
        values = [child["value"] for child in found["children"]] if "children" in found else found["value"]
        while found["next"]:
            found = json.loads(browser.get(found["next"], headers={"Accept": "application/json"}).content)
            values += [child["value"] for child in found["children"]] if "children" in found else found["value"]
        assert values == wanted


def test_a_place_has_a_page_a_fragment_and_branches(browser: Client, user: User, server: Server) -> None:
    run = run_of(user, server)
    address = f"/runs/{run.pk}/state/?path=/items/7"

    assert "<!doctype html>" in browser.get(address).content.decode()
    fragment = browser.get(address, headers={"HX-Request": "true"}).content.decode()
    branches = browser.get(f"{address}&as=tree").content.decode()

    assert 'id="state-part"' in fragment
    assert "<html" not in fragment
    assert branches.startswith("<li")
    assert browser.get(f"{address}&as=value").content == b'{"id": 7}'


@pytest.mark.parametrize("path", ["/nowhere", "/items/250", "/items/-1", "/items/01", "items", "/text/0", "/a~1b/~0/9"])
def test_what_is_not_there_is_404(browser: Client, user: User, server: Server, path: str) -> None:
    assert browser.get(f"/runs/{run_of(user, server).pk}/state/?path={path}").status_code == 404


def test_others_see_nothing(client: Client, user: User, server: Server) -> None:
    run = run_of(user, server)
    client.force_login(make_user(make_team()))

    addresses = [f"/runs/{run.pk}/state/", f"/runs/{run.pk}/report.md", f"/runs/{run.pk}/so-far/"]
    addresses += [f"/runs/compare/?a={run.pk}", f"/threads/{server.pk}/{run.remote_thread_id}/"]
    assert [client.get(address).status_code for address in addresses] == [404] * 5


@pytest.mark.parametrize(
    ("mime", "given", "is_shown"),
    [
        ("image/png", "image/png", True),
        ("image/svg+xml", "application/octet-stream", False),
        ("text/html", "application/octet-stream", False),
    ],
)
def test_media_are_opened_in_a_sandbox_or_saved(
    browser: Client, user: User, server: Server, mime: str, given: str, is_shown: bool
) -> None:
    data = base64.b64encode(b"<script>alert(1)</script>").decode()
    block = {"type": "image", "source": {"type": "base64", "media_type": mime, "data": data}}
    run = run_of(user, server, json.dumps({"messages": [{"type": "human", "content": [block]}]}).encode())

    response = browser.get(f"/runs/{run.pk}/state/?path=/messages/0/content/0/source/data&as=media")

    assert response.content == b"<script>alert(1)</script>"
    assert response.headers["Content-Type"] == given
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert ("attachment" in response.headers.get("Content-Disposition", "")) is not is_shown


def test_a_thread_is_one_conversation_and_each_run_says_what_it_added(
    browser: Client, user: User, server: Server
) -> None:
    said = [{"type": "human", "id": str(number), "content": f"line {number}."} for number in range(4)]
    order: dict[str, Any] = {"thread": "existing", "thread_id": "0b7a9f3e-1111-4222-8333-444455556666"}
    run_of(user, server, json.dumps({"messages": said[:2]}).encode(), **order)
    later = run_of(user, server, json.dumps({"messages": said}).encode(), **order)

    thread = browser.get(f"/threads/{server.pk}/{order['thread_id']}/").content.decode()
    page = browser.get(f"/runs/{later.pk}/").content.decode()

    assert [thread.count(f"line {number}.") for number in range(4)] == [1, 1, 1, 1]
    assert page.index("line 1.") < page.index("This run added") < page.index("line 2.")


def test_a_comparison_says_what_differs(browser: Client, user: User, server: Server) -> None:
    said = [{"type": "human", "content": "When?"}, {"type": "ai", "content": "At noon", "id": "1"}]
    state = {"topic": "tides", "score": 1, "messages": said}
    good, other = (
        run_of(user, server, json.dumps(state | {"messages": [said[0], last]}).encode(), name="Tides", **given)
        for last, given in (
            (said[1], {"params": {"input": {"topic": "tides"}}}),
            (said[1] | {"content": "At nine", "id": "2"}, {"assistant_id": "other"}),
        )
    )
    bad = make_run(
        server=server,
        by=user,
        status=RunStatus.FAILED,
        error=RunError("ValueError", "no gales", "write"),
        params={"input": {"topic": "gales"}},
    )

    page = browser.get(f"/runs/compare/?a={bad.pk}&b=last", follow=True)

    assert page.redirect_chain == [(f"/runs/compare/?a={good.pk}&b={bad.pk}", 302)]
    assert '<del dir="auto">tides</del>' in flat(page)
    assert '<ins dir="auto">gales</ins>' in flat(page)
    talks = flat(browser.get(f"/runs/compare/?a={good.pk}&b={other.pk}"))
    assert "1 equal message" in talks
    assert ("At <del>noon</del>" in talks, "At <ins>nine</ins>" in talks) == (True, True)
    assert "messages / 1" not in talks
    assert "The run\N{RIGHT SINGLE QUOTATION MARK}s input" in browser.get(f"/runs/{bad.pk}/").content.decode()


def test_a_long_text_of_a_person_is_folded_above_what_came_of_it(browser: Client, user: User, server: Server) -> None:
    said = "<b>Once</b> upon a time. " + "Water rose. " * 200
    messages = {"role": "human", "content": said}, {"role": "ai", "content": "It fell again."}
    answered = run_of(user, server, json.dumps({"messages": messages}).encode())
    last = run_of(user, server, json.dumps({"messages": messages[:1]}).encode())

    page, alone = (browser.get(f"/runs/{run.pk}/").content.decode() for run in (answered, last))

    fold = page.split('<details class="turn-long"')[1].split("</details>")[0]
    assert "&lt;b&gt;Once&lt;/b&gt; upon a time." in fold.split("</summary>")[0]
    assert fold.split("</summary>")[1].count("Water rose.") == 200
    assert "turn-long" not in alone
    assert alone.count("Water rose.") >= 200


def test_a_run_is_compared_with_another_that_is_chosen_on_the_page(browser: Client, user: User, server: Server) -> None:
    first, second, third = (run_of(user, server, b"{}", name=name) for name in ("First", "Second", "Third"))
    make_run(team=make_team(), name="Theirs")
    run_of(user, server, b"{}", name="Other", assistant_id="report")

    alone = flat(browser.get(f"/runs/compare/?a={first.pk}"))
    two = browser.get("/runs/compare/", {"ids": [str(first.pk), str(third.pk)]}, follow=True)

    assert offered(alone) == [str(third.pk), str(second.pk)]
    assert "has succeeded yet" not in alone
    assert two.redirect_chain == [(f"/runs/compare/?a={first.pk}&b={third.pk}", 302)]
    assert offered(flat(two)) == [str(second.pk)]
    assert browser.get("/runs/compare/", {"ids": [str(first.pk), ""]}).status_code == 404


def offered(page: str) -> list[str]:
    return re.findall(r'<option value="([^"]+)">', page)


def test_a_thread_without_messages_says_what_came_of_its_runs(browser: Client, user: User, server: Server) -> None:
    thread = {"thread": ThreadChoice.EXISTING, "thread_id": "7b0f3f4e-1111-4222-8333-444455556666"}
    run_of(user, server, b'{"report": "High water at noon."}', name="Tides", **thread)
    run_of(user, server, b"{}", **thread)

    page = flat(browser.get(f"/threads/{server.pk}/{thread['thread_id']}/"))

    assert '<h1 class="thread-name" dir="auto">Tides</h1>' in page
    assert 'title="7b0f3f4e-1111-4222-8333-444455556666"' in page
    assert "High water at noon." in page
    assert page.count("It added no messages.") == 1


def test_runs_chosen_in_the_list_are_compared_the_older_first(browser: Client, user: User, server: Server) -> None:
    runs = [make_run(by=user, server=server, name=f"run {number}") for number in range(6)]
    ids = [str(run.pk) for run in runs]

    chosen = browser.post("/runs/bulk/", {"action": "compare", "ids": [ids[2], ids[0]]}, follow=True)
    refused = [browser.post("/runs/bulk/", {"action": "compare", "ids": some}).status_code for some in (ids[:1], ids)]

    assert chosen.redirect_chain[-1] == (f"/runs/compare/?a={ids[0]}&b={ids[2]}", 302)
    assert refused == [422, 422]
    viewer = make_user(server.team, role=Role.VIEWER)
    browser.force_login(viewer)
    assert 'action="/runs/compare/"' in browser.get("/runs/").content.decode()
    three = browser.get("/runs/compare/", {"ids": ids[:3]}, follow=True).content.decode()
    assert [f"<bdi>run {number}</bdi>" in three for number in range(4)] == [True, True, True, False]
    assert three.count('aria-label="Remove run ') == 3
    assert f'?a={ids[0]}&amp;b={ids[2]}&amp;c={ids[1]}">in depth</a>' in three
    assert f'?a={ids[0]}&amp;b={ids[1]}" aria-label="Remove run 2"' in three


def test_a_place_too_deep_for_its_path_is_found_by_its_first_byte(browser: Client, user: User, server: Server) -> None:
    key, depth = "ein ziemlich langer Schlüssel " * 3, 60
    body = ('{"' + key + '":') * depth + '{"rows":[{"n":1}],"deep":"down"}' + "}" * depth
    run = run_of(user, server, body.encode())

    found = browser.get(f"/runs/{run.pk}/state/?q=down").content.decode()
    (address,) = re.findall(r'href="(/runs/[^"]+\?at=\d+)"', found)
    page = browser.get(address).content.decode()
    around = re.findall(r'href="(/runs/[^"]+\?at=\d+)"', page)
    document = browser.get(around[-1], headers={"Accept": "application/json"}).json()

    assert "down" in page
    assert "… 49 more …" in page
    assert len(page) < 30_000
    assert document["size"] == 1 or [child["key"] for child in document["children"]] == ["rows", "deep"]
    assert browser.get(f"/runs/{run.pk}/state/?at=1").status_code == 404
    assert browser.get(f"/runs/{run.pk}/state/?at=99999999").status_code == 404


def test_columns_of_a_table_are_chosen(browser: Client, user: User, server: Server) -> None:
    rows = [{f"c{column}": row for column in range(12)} | ({"odd one": 1} if row == 3 else {}) for row in range(5)]
    run = run_of(user, server, json.dumps({"rows": rows}).encode())
    place = f"/runs/{run.pk}/state/?path=/rows"

    usual = browser.get(place).content.decode()
    chosen = browser.get(f"{place}&col=c11&col=odd%20one&col=nothing&sort=-c11").content.decode()
    on_page = browser.get(f"/runs/{run.pk}/").content.decode()

    assert "<bdi>c7</bdi></a>" in usual
    assert "<bdi>c11</bdi></a>" not in usual
    assert 'value="odd one"' in usual
    assert re.findall(r"<bdi>([^<]+)</bdi></a></th>", chosen) == ["c11", "odd one"]
    assert "&amp;col=c11&amp;col=odd%20one" in chosen
    assert 'value="c0"' not in on_page
    assert "Choose columns" in on_page


def test_a_tree_opens_to_a_depth(browser: Client, user: User, server: Server) -> None:
    state = {str(one): {str(two): {"three": {"leaf": f"leaf {one}.{two}"}} for two in range(3)} for one in range(20)}
    run = run_of(user, server, json.dumps(state).encode())

    pages = [browser.get(f"/runs/{run.pk}/state/?path=&depth={depth}").content.decode() for depth in (1, 2, 4, 10**8)]

    assert [page.count('aria-expanded="true"') for page in pages[:2]] == [0, 20]
    assert ["leaf 5.1" in page for page in pages] == [False, False, True, True]
    assert "this is only a part" not in pages[2]
