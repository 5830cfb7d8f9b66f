"""The portal's RQ worker: notices a crash within seconds, and never runs the same job twice because of one."""

import gc
import os
import signal
import sys
from typing import Any

from django.db import connections
from rq import Worker
from rq.executions import Execution
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer

from dsrportal.logs import describe
from dsrportal.serve.processes import die_with_parent

MONITORING_SECONDS = 5
MAINTENANCE_SECONDS = 15
WORKER_TTL_SECONDS = 30


class PortalWorker(Worker):
    """RQ's defaults notice a killed worker after 13 minutes; with these intervals it takes some 13 seconds.

    Listens on one queue only: with several, rq takes a job off its queue before anything remembers it, so that a crash
    in that moment loses it.
    """

    def __init__(self, queues: Any, *args: Any, **kwargs: Any) -> None:
        kwargs |= {
            # rqworker passes pickle as the default, and the queue's own setting is not asked for reading.
            "serializer": JSONSerializer,
            "job_monitoring_interval": MONITORING_SECONDS,
            "maintenance_interval": MAINTENANCE_SECONDS,
            "worker_ttl": WORKER_TTL_SECONDS,
            "log_job_description": False,
        }
        super().__init__(queues, *args, **kwargs)
        if len(self.queues) != 1:
            raise ValueError("A portal worker listens on exactly one queue.")

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        return 3 * MONITORING_SECONDS

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        # A connection shared with the child would mix their answers.
        connections.close_all()
        super().fork_work_horse(job, queue)

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        # What is loaded by now stays to the end: a job that makes many objects need not search it for garbage.
        gc.freeze()
        super().main_work_horse(job, queue)

    def setup_work_horse_signals(self) -> None:
        super().setup_work_horse_signals()
        # An orphaned horse would go on while its job is given to another worker.
        die_with_parent(signal.SIGKILL, os.getppid())

    def _finalize_failure(self, job: Job, queue: Queue, execution: Execution, exc_info: Any) -> None:
        """As rq does, but what is kept of the error in the store and the log names places, never values."""
        error = exc_info[1] or sys.exc_info()[1]
        self.log.error("job %s of %s failed: %s", job.id, job.func_name, describe(error))
        bare = JobFailed(describe(error))
        super()._finalize_failure(job, queue, execution, (JobFailed, bare, None))


class JobFailed(Exception):
    """Stands in for a job's own error, whose text may quote personal data."""
