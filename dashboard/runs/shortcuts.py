"""What views of a run begin with."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404

from dashboard.runs import selectors
from dashboard.runs.models import Run
from dashboard.teams.middleware import TeamRequest


def run_or_404(request: TeamRequest, run_id: UUID | str) -> Run:
    """The run with everything its page shows.

    Raises:
        Http404: The team has no such run.
    """
    try:
        run = selectors.run_get(request.team, run_id if isinstance(run_id, UUID) else UUID(run_id))
    except ValueError:
        run = None
    if run is None:
        raise Http404("There is no such run in your team.")
    return run
