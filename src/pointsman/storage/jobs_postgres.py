"""Jobs that several gateways share, over Procrastinate: rows of a PostgreSQL database.

A gateway that is gone is noticed by its missing heartbeat, and its jobs are done by others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString, TypeVar

from pointsman.errors import ConfigError, LedgerUnavailable
from pointsman.ports import Job, Work

if TYPE_CHECKING:
    import procrastinate
    import psycopg
    import psycopg_pool

T = TypeVar("T")

#: Stands for Procrastinate's tables among the server's locks: any number will do.
_LOCK = 7_070_000_000_000_002
_QUEUE = "batches"
#: Connections that a gateway takes for it.
CONNECTIONS = 2
#: Seconds between two looks for new jobs.
_LOOK_S = 1.0
#: Seconds between two signs of life, and without one until a gateway counts as gone.
_BEAT_S = 3.0
_SILENCE_S = 15.0
#: Seconds between two looks from which on what happened in between was not heard.
_GAP_S = 2 * _BEAT_S
#: Seconds until workers that nobody hears of are struck off, whose jobs have long been rescued.
_STRUCK_OFF_S = 86_400.0
#: Seconds for a connection.
_PATIENCE_S = 5.0
#: Seconds until a job that failed is done again, and until a server that went away is tried again.
_PAUSE_S = 5
#: Of libpq: a server that is gone without a word is noticed within some ten seconds.
_NOTICING = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
#: Seconds for a worker to end in, beyond those that its jobs have.
_LAST_S = 3.0
_log = logging.getLogger("pointsman.batching")


class PostgresJobs:
    """`ports.Jobs` over Procrastinate."""

    def __init__(self, url: str, *, at_once: int, grace_s: float) -> None:
        """So many jobs at once, with none they are left to others; `end` waits so long for them.

        `url` as libpq takes it. Raises ConfigError where a library is missing.
        """
        try:
            import procrastinate  # noqa: PLC0415
            import psycopg_pool  # noqa: F401, PLC0415
        except ImportError as error:
            raise ConfigError(
                f"{error.name} is not installed; run: pip install 'pointsman[postgres]'"
            ) from error
        self._at_once = at_once
        self._grace_s = grace_s
        self._url = url
        self._app = procrastinate.App(connector=procrastinate.PsycopgConnector())
        _make_patient(self._app)
        self._pool: psycopg_pool.AsyncConnectionPool | None = None
        self._closing = False
        self._running: list[asyncio.Task[None]] = []
        #: Ids that this process had as a worker, of jobs that it does, and of those in doubt.
        self._workers: set[int | None] = set()
        self._doing: set[int] = set()
        self._lost: set[int | None] = set()
        #: The first and the last of the looks that followed one another without a gap.
        self._heard: tuple[float, float] | None = None

    async def start(self, work: Work) -> None:
        """See `ports.Jobs`."""
        import psycopg  # noqa: PLC0415
        import psycopg_pool  # noqa: PLC0415

        pool = self._pool = psycopg_pool.AsyncConnectionPool(
            self._url,
            kwargs={"application_name": "pointsman batches", "connect_timeout": 2, **_NOTICING},
            check=_check,
            min_size=1,
            max_size=CONNECTIONS,
            timeout=_PATIENCE_S,
            reconnect_timeout=_PATIENCE_S,  # whoever needs one then has it tried at once
            open=False,
        )
        try:
            await pool.open(wait=True, timeout=_PATIENCE_S)
            async with pool.connection() as db:
                await _prepare(db)
            await self._app.open_async(pool)
        except psycopg.errors.InsufficientPrivilege as error:
            raise ConfigError(f"batches need tables in the ledger's database: {error}") from error
        except (psycopg.Error, psycopg_pool.PoolTimeout, OSError) as error:
            raise LedgerUnavailable("the ledger in PostgreSQL can't be reached") from error
        self._register(work)
        self._running = [asyncio.create_task(self._again(self._rescue, _BEAT_S))]
        if self._at_once:
            self._running.append(asyncio.create_task(self._again(self._take, _PAUSE_S)))

    async def offer(self, jobs: Sequence[Job]) -> None:
        """See `ports.Jobs`."""
        from procrastinate import exceptions  # noqa: PLC0415

        for job in jobs:
            name = f"{job.batch} {'' if job.portion is None else job.portion}"
            deferrer = self._app.configure_task(
                "batch",
                queue=_QUEUE,
                lock=name,  # done by one at a time
                queueing_lock=name,  # and waits once
                priority=1 if job.portion is None else -job.portion,
                schedule_at=job.at,
            )
            try:
                await deferrer.defer_async(batch=job.batch, portion=job.portion, again=job.again)
            except exceptions.AlreadyEnqueued:
                continue
            except exceptions.ConnectorException as error:
                raise LedgerUnavailable("the ledger in PostgreSQL can't be reached") from error

    async def end(self) -> None:
        """See `ports.Jobs`."""
        if not self._closing:
            self._closing = True
            for each in self._running:
                each.cancel()  # the worker then waits for its jobs, so long as it may
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=self._grace_s + _LAST_S)
        for each in late:  # they wait for a server that says nothing: others have the jobs done
            each.cancel()
        if late:
            _log.warning("a worker for batches did not end in time")
            await asyncio.wait(late, timeout=_LAST_S)

    async def close(self) -> None:
        """See `ports.Jobs`."""
        await self.end()
        if self._pool is not None:
            await self._pool.close()

    def _register(self, work: Work) -> None:
        from procrastinate import JobContext, RetryStrategy  # noqa: PLC0415

        async def batch(context: JobContext, batch: str, portion: int | None, again: int) -> None:
            number = context.job.id or 0
            self._workers.add(context.job.worker_id)
            self._doing.add(number)
            try:
                await work(Job(batch, portion, again=again))
            except Exception:  # Procrastinate has it done again, and says nothing
                _log.exception("a job of %s failed", batch)
                raise
            finally:
                self._doing.discard(number)

        retry = RetryStrategy(wait=_PAUSE_S)
        self._app.task(name="batch", queue=_QUEUE, retry=retry, pass_context=True)(batch)

    async def _take(self) -> None:
        """Have jobs done, also after the server was away."""
        await self._app.run_worker_async(
            queues=[_QUEUE],
            concurrency=self._at_once,
            install_signal_handlers=False,
            listen_notify=False,  # that would take a connection for itself
            fetch_job_polling_interval=_LOOK_S,
            update_heartbeat_interval=_BEAT_S,
            stalled_worker_timeout=_STRUCK_OFF_S,
            shutdown_graceful_timeout=self._grace_s,
            delete_jobs="always",
        )

    async def _rescue(self) -> None:
        """Have done again what gateways had begun that are gone, and what the server was not told of.

        A server that was away heard nobody: then all get as long again to show that they are
        there. A job that ended meanwhile stays one that is being done, by a worker that lives: it
        is known by not being done here at two looks.
        """
        from procrastinate import jobs  # noqa: PLC0415

        manager = self._app.job_manager
        silent = await manager.get_stalled_jobs(seconds_since_heartbeat=_SILENCE_S)
        begun = await manager.list_jobs_async(queue=_QUEUE, status=jobs.Status.DOING.value)
        listened = self._listened_s() >= _SILENCE_S
        stalled = [job for job in silent if listened or job.worker_id is None]
        ours = [job for job in begun if job.worker_id in self._workers]
        lost = {job.id for job in ours if job.id not in self._doing}
        again, self._lost = lost & self._lost, lost
        for job in (*stalled, *(job for job in ours if job.id in again)):
            await self._put_back(job)

    def _listened_s(self) -> float:
        """For how long this gateway has been hearing the others, now that it looked again."""
        now = asyncio.get_running_loop().time()
        first, last = self._heard or (now, now)
        self._heard = (first if now - last <= _GAP_S else now), now
        return now - self._heard[0]

    async def _put_back(self, job: procrastinate.jobs.Job) -> None:
        """Among those that wait, unless another gateway did, or it waits there already."""
        import psycopg  # noqa: PLC0415
        from procrastinate import exceptions, jobs  # noqa: PLC0415

        try:
            await self._app.job_manager.retry_job(job)
        except exceptions.UniqueViolation:
            with suppress(exceptions.ConnectorException):
                await self._app.job_manager.finish_job(
                    job, status=jobs.Status.FAILED, delete_job=True
                )
        except exceptions.ConnectorException as error:
            if not isinstance(error.__cause__, psycopg.errors.RaiseException):
                raise

    async def _again(self, work: Callable[[], Awaitable[None]], pause_s: float) -> None:
        failing = False
        while not self._closing:
            try:
                await work()
                failing = False
            except Exception as error:  # noqa: BLE001 - whatever it was, it is tried again
                if not failing:
                    _log.warning("the jobs of batches can't be reached: %s", error)
                failing = True
            await asyncio.sleep(pause_s)


def _make_patient(app: procrastinate.App) -> None:
    """A worker outlives an outage of its server, with the jobs that it has begun."""
    from procrastinate import jobs, manager  # noqa: PLC0415

    class Patient(manager.JobManager):
        async def update_heartbeat(self, worker_id: int) -> None:
            await _unless_away(super().update_heartbeat(worker_id), None)

        async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> jobs.Job | None:
            return await _unless_away(super().fetch_job(queues, worker_id), None)

        async def list_jobs_to_abort_async(self, queue: str | None = None) -> Iterable[int]:
            return await _unless_away(super().list_jobs_to_abort_async(queue), ())

    app.job_manager = Patient(app.connector)


async def _unless_away(work: Awaitable[T], otherwise: T) -> T:
    import psycopg  # noqa: PLC0415
    from procrastinate import exceptions  # noqa: PLC0415

    try:
        return await work
    except exceptions.ConnectorException as error:
        if not isinstance(error.__cause__, psycopg.OperationalError | psycopg.InternalError):
            raise
        return otherwise


async def _check(db: psycopg.AsyncConnection) -> None:
    """One that can't write any more, or has broken, is replaced: its server was demoted, or is gone."""
    import psycopg  # noqa: PLC0415

    found = await db.execute("SELECT pg_is_in_recovery()")
    row = await found.fetchone()
    await db.commit()
    if row is None or row[0]:
        raise psycopg.OperationalError("the server became a standby")


async def _prepare(db: psycopg.AsyncConnection) -> None:
    """Procrastinate's tables as this version of it has them; one gateway after the other."""
    from procrastinate import schema  # noqa: PLC0415

    await db.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    steps = await asyncio.to_thread(_steps, schema.SchemaManager.get_migrations_path())
    last = max(steps)
    found = await db.execute(
        "SELECT coalesce(obj_description(oid, 'pg_class'), %s) FROM pg_class"
        " WHERE oid = to_regclass('procrastinate_jobs')",
        [last],  # whoever made them keeps them up to date
    )
    row = await found.fetchone()
    if row is None:
        await db.execute(schema.SchemaManager.get_schema())
    done = last if row is None else row[0]
    for name, text in steps.items():
        if name > done:
            await db.execute(text)
    if row is None or done < last:
        await db.execute(f"COMMENT ON TABLE procrastinate_jobs IS '{last}'")


def _steps(folder: str) -> dict[LiteralString, LiteralString]:
    """Procrastinate's migrations by their names, in their order."""
    return {
        path.name: path.read_text(encoding="utf-8") for path in sorted(Path(folder).glob("*.sql"))
    }
