"""A LangGraph server made of raw sockets that fails exactly where a test says. No third party, not even ours.

    async with ScriptedServer(heartbeat_s=0.05, run_s=None) as server:      # run_s=None: runs end when the test says so
        server.script("wait", Fault(cut_in_document=3))                    # the next POST wait is cut inside its JSON
        server.script("join", Fault(status=503, headers={"Retry-After": "1"}), times=2)
        ...                                                                # start the client on server.url
        run = await server.run_created()                                   # the ScriptedRun the POST made
        run.finish({"answer": 42})
        assert len(server.created) == 1                                    # exactly one create

`Fault` describes one bad answer; `server.script(endpoint, fault, times=...)` queues it for that endpoint's next
requests (the names are `ENDPOINTS` in routes.py). `server.requests` holds every request as it arrived.
`server.stop()` and `start()` take the server away and back, on the same port and with its runs; `server.crash()` cuts
every connection without a word; `server.forget(run)` makes it a stranger to the server. `ScriptedServer(manner=...)`
plays another implementation of the protocol (`MANNERS`).
"""

from tests.scripted_server.faults import HTML_PAGE, Fault
from tests.scripted_server.manners import AEGRA_06, AEGRA_11, LANGGRAPH_DEV, MANNERS, Manner
from tests.scripted_server.runs import ScriptedRun
from tests.scripted_server.server import ScriptedServer
from tests.scripted_server.verbatim import VerbatimServer
from tests.scripted_server.wire import Request

__all__ = [
    "AEGRA_06",
    "AEGRA_11",
    "HTML_PAGE",
    "LANGGRAPH_DEV",
    "MANNERS",
    "Fault",
    "Manner",
    "Request",
    "ScriptedRun",
    "ScriptedServer",
    "VerbatimServer",
]
