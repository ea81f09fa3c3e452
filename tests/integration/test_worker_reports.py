"""What workers report about themselves, and what health concludes."""

from __future__ import annotations

import os
import socket
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from dashboard.monitoring.selectors import work_state, workers_alive
from dashboard.worker import services
from dashboard.worker.models import Worker

pytestmark = pytest.mark.django_db

NO_PROCESS = 2**22 + 1  # above Linux' largest process id


def test_a_worker_that_died_without_a_word_no_longer_counts_once_the_next_one_starts() -> None:
    Worker.objects.create(host=socket.gethostname(), pid=NO_PROCESS, concurrency=1)
    assert workers_alive() == 1

    services.worker_start(concurrency=1)

    assert workers_alive() == 1


def test_one_that_stopped_on_request_differs_from_one_that_died() -> None:
    died = Worker.objects.create(host=socket.gethostname(), pid=NO_PROCESS, concurrency=1)
    Worker.objects.update(heartbeat_at=Now() - timedelta(seconds=30))
    stopped = services.worker_start(concurrency=1)
    services.worker_stop(worker_id=stopped.pk)

    states = {line.id: line.state for line in work_state().workers}

    assert states == {died.pk: "died", stopped.pk: "stopped"}


def test_workers_of_this_machine_that_live_and_those_of_others_keep_counting() -> None:
    Worker.objects.create(host=socket.gethostname(), pid=os.getppid(), concurrency=1)
    Worker.objects.create(host="elsewhere", pid=NO_PROCESS, concurrency=1)

    services.worker_start(concurrency=1)

    assert workers_alive() == 3


def test_a_heartbeat_takes_back_that_a_worker_had_stopped() -> None:
    worker = services.worker_start(concurrency=1)
    services.worker_stop(worker_id=worker.pk)
    assert workers_alive() == 0

    services.worker_beat(worker_id=worker.pk, held=3)

    assert workers_alive() == 1
