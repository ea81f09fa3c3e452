"""Messages of graphs as HTML: what is left of them executes nothing and fetches nothing."""

from __future__ import annotations

from dashboard.runs.state.markdown import markdown


def test_only_harmless_tags_are_left() -> None:
    html = markdown("# title\n\n![seen by](https://elsewhere.example/x.png) **bold** <script>alert(1)</script>")

    assert "<strong>bold</strong>" in html
    assert "<img" not in html
    assert "<script" not in html


def test_a_link_leads_elsewhere_without_a_referrer_and_runs_no_script() -> None:
    html = markdown("[there](https://elsewhere.example/) [run](javascript:alert(1)) [start](ms-msdt:/id)")

    assert '<a href="https://elsewhere.example/" rel="noopener noreferrer nofollow">there</a>' in html
    assert html.count("href=") == 1
