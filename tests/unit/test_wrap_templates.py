"""Long lines of templates are broken where the page stays the same, and nowhere else."""

from __future__ import annotations

import pytest

from tests.style.wrap_templates import wrapped

X = "x" * 60


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        (f"<p>{X}</p><p>{X}</p>", [f"<p>{X}</p>", f"<p>{X}</p>"]),
        (f'<a class="{X}" href="{X}">x</a>', [f'<a class="{X}"', f'  href="{X}">x</a>']),
        (
            f'<i class="a"{{% if b %}} id="{X}"{{% endif %}} title="{X}">x</i>',
            [f'<i class="a"{{% if b %}} id="{X}"{{% endif %}}', f'  title="{X}">x</i>'],
        ),
        (f"{{% if a %}}<p>{X} {X}</p>{{% endif %}}", [f"{{% if a %}}<p>{X}", f"  {X}</p>{{% endif %}}"]),
        (f"  <li>word {X} <b>{X}</b> end</li>", [f"  <li>word {X}", f"    <b>{X}</b> end</li>"]),
        (f"{{# {X} {X} Needs: run #}}", [f"{{# {X} #}}", f"{{# {X} #}}", "{# Needs: run #}"]),
    ],
    ids=["between blocks", "between attributes", "conditional attribute", "text", "inline element", "comment"],
)
def test_a_long_line_is_broken_where_white_space_means_nothing(line: str, lines: list[str]) -> None:
    assert wrapped(f"{line}\n").splitlines() == lines
    assert wrapped("".join(f"{line}\n" for line in lines)).splitlines() == lines


@pytest.mark.parametrize(
    "line",
    [
        f"<pre>{X} {X} {X}</pre>",
        f'<p class="asked-text">{X} {X} {X}</p>',
        f"{{% block title %}}{X} · {X} · {X}{{% endblock %}}",
        f"<b>{X}</b><b>{X}</b>",
        f"<p>{X}\N{NO-BREAK SPACE}{X}</p>",
        f"{{% include 'a.html' with x='{X}' y='{X}' %}}",
    ],
    ids=["pre", "class that keeps spaces", "title", "between inline elements", "no-break space", "tag of Django's"],
)
def test_what_the_page_would_show_differently_stays_in_one_line(line: str) -> None:
    assert wrapped(f"{line}\n") == f"{line}\n"
