"""The kinds of timeline events, each with its sentence. Imports nothing of ours."""

from __future__ import annotations

from django.db.models import TextChoices


class EventKind(TextChoices):
    """The kind of a RunEvent. Its `data` holds what the sentence needs, never a secret."""

    LAUNCHED = "launched", "Launched"
    STATUS = "status", "Status changed"
    CREATED_ON_SERVER = "created_on_server", "The server confirmed the run"
    SERVER_UNREACHABLE = "server_unreachable", "The server could not be reached"
    CONNECTION_LOST = "connection_lost", "Lost the connection to the server"
    REJOINED = "rejoined", "Joined the run again"
    CANCEL_REQUESTED = "cancel_asked", "Cancel requested"
    CANCEL_DELIVERED = "cancel_delivered", "Cancel delivered to the server"
    CANCEL_FAILED = "cancel_failed", "Cancel could not be delivered yet"
    ADOPTED = "adopted", "Another worker took over"
    WORKER_STOPS = "worker_stops", "The worker is stopping"
    HANDED_BACK = "handed_back", "The worker stopped and handed the run over"
    EXECUTED_AGAIN = "executed_again", "The server executed the run again"
    STOPPED_AGAIN = "stopped_again", "It has stopped on the server"
    FOLLOWED = "followed", "Another run was launched on its thread"
    UNFOLLOWED = "unfollowed", "The run that was launched on its thread never reached the server"
    ANSWERED = "answered", "Answered"
    ANSWER_CAME_TO_NOTHING = "answer_came_to_nothing", "The run that carried the answer did not finish"
    REOPENED = "reopened", "Its server still waits for an answer"
    WAIT_GONE = "wait_gone", "Its server no longer waits for an answer"
    ASSIGNED = "assigned", "Assigned"
    SNOOZED = "snoozed", "Snoozed"
    RENAMED = "renamed", "Renamed"
    TAGGED = "tagged", "Tags changed"
    STARRED = "starred", "Starred"
    NOTED = "noted", "Note changed"
    RESULT_REMOVED = "result_removed", "Its result was removed because of its age"
    WARNING = "warning", "Warning"
