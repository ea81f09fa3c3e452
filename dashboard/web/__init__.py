"""How requests come in: body limits, the request's own thread, answers with their headers. Knows no room."""
