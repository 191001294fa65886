"""The Dagster code location: assets, checks, jobs, the daily schedule, sensors, the failure hook.

Everything runs in one process: a step here takes less time than starting another interpreter. What the assets do does
not belong here.
"""

# No `from __future__ import annotations`: Dagster reads the annotation of `context` at definition time.
import datetime
import http.client
import json
import time
import urllib.request
from typing import Any

import dagster as dg

from pipelines import assets, history
from pipelines.history import RunEntry
from pipelines.settings import Settings
from pipelines.sources import sources_fingerprint

JOB_NAME = "build_warehouse"
OUTPUTS_JOB_NAME = "make_outputs"


@dg.failure_hook
def post_failure(context: dg.HookContext) -> None:
    """Post a failed step as JSON to IEVAL_FAILURE_WEBHOOK, if set. A webhook that is down fails nothing else."""
    webhook = Settings().failure_webhook
    if not webhook:
        return
    error = context.op_exception
    body = {"job": context.job_name, "run_id": context.run_id, "step": context.op.name, "error": str(error)}
    headers = {"Content-Type": "application/json"}
    try:
        request = urllib.request.Request(webhook, json.dumps(body).encode(), headers, method="POST")
        urllib.request.urlopen(request, timeout=10).close()
    except (OSError, ValueError, http.client.HTTPException) as failure:
        # The address may hold a secret, so it is not repeated here.
        context.log.error("the failure could not be posted to IEVAL_FAILURE_WEBHOOK: %s", failure.__class__.__name__)


job = dg.define_asset_job(
    JOB_NAME,
    selection=dg.AssetSelection.all() - dg.AssetSelection.groups(assets.OUTPUTS),
    hooks={post_failure},
    description="Read new pages, and rebuild, check and publish the warehouse if anything changed.",
)

outputs_job = dg.define_asset_job(
    OUTPUTS_JOB_NAME,
    selection=dg.AssetSelection.groups(assets.OUTPUTS),
    hooks={post_failure},
    description="Export the published warehouse and write its report.",
)

schedule = dg.ScheduleDefinition(
    name="daily",
    job=job,
    cron_schedule=Settings().schedule,
    execution_timezone=Settings().time_zone,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Once a day; IEVAL_SCHEDULE and IEVAL_TIME_ZONE set when.",
)


@dg.sensor(
    job=job,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="One run whenever the set of pages has changed.",
)
def new_pages(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Launch one run when files were added, changed or removed since the last look."""
    seen = sources_fingerprint(Settings().pages_to_read)
    if seen == context.cursor:
        return dg.SkipReason("the set of pages has not changed")
    # No run key: a set of pages that comes back is a change like any other, and Dagster never runs a key twice.
    return dg.SensorResult(run_requests=[dg.RunRequest()], cursor=seen)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[job],
    request_job=outputs_job,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Export and report after every run that has published something new.",
)
def published_anew(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
    """Launch the outputs after a run that has built a new database."""
    if not _made(context, assets.DATABASE).get("is_new"):
        return dg.SkipReason("nothing new was published")
    return dg.RunRequest(run_key=context.dagster_run.run_id)


def _made(context: dg.RunStatusSensorContext, key: dg.AssetKey) -> dict[str, Any]:
    """What the run says of an asset that it made: the metadata by name; none where it made none."""
    built = context.instance.get_records_for_run(
        context.dagster_run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION
    )
    materializations = [record.event_log_entry.asset_materialization for record in built.records]
    found = [each for each in materializations if each and each.asset_key == key]
    return {name: value.value for name, value in found[-1].metadata.items()} if found else {}


def _why(context: dg.RunStatusSensorContext) -> str | None:
    """The first step of a run that failed, in words."""
    failed = context.instance.get_records_for_run(
        context.dagster_run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE
    ).records
    event = failed[0].event_log_entry.dagster_event if failed else context.dagster_event
    if event is None or not event.is_step_failure:
        return event.message if event else None
    data = event.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return data.user_failure_data.description
    cause = (data.error.cause or data.error) if data.error else None
    return f"{event.step_key}: {cause.message.strip()}" if cause else event.message


def _remembering(status: dg.DagsterRunStatus, exit_code: int) -> dg.SensorDefinition:
    """A sensor that keeps runs which Dagster launched in the history, as `ieval run` keeps its own."""

    @dg.run_status_sensor(
        name=f"remember_{status.value.lower()}",
        run_status=status,
        monitored_jobs=[job],
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Keep runs that end with {status.value} for `ieval status`.",
    )
    def remember(context: dg.RunStatusSensorContext) -> dg.SkipReason:
        path, run_id = Settings().history, context.dagster_run.run_id
        if any(entry.run_id == run_id for entry in history.read(path)):
            return dg.SkipReason("it is in the history: `ieval run` has written it")
        record = context.instance.get_run_record_by_id(run_id)
        assert record is not None
        ended = record.end_time or time.time()
        started = record.start_time or ended
        counts = _made(context, assets.PAGE_STORE)
        well = "published" if _made(context, assets.DATABASE).get("is_new") else "nothing new"
        outcome = {dg.DagsterRunStatus.FAILURE: "failed", dg.DagsterRunStatus.CANCELED: "stopped"}.get(status, well)
        not_read = int(counts.get("not_read", 0))
        reason = _why(context) if exit_code else None
        entry = RunEntry(
            run_id,
            "Dagster",
            history.moment(datetime.datetime.fromtimestamp(started, datetime.UTC)),
            history.moment(datetime.datetime.fromtimestamp(ended, datetime.UTC)),
            round(ended - started, 3),
            exit_code or int(not_read > 0),
            outcome,
            {name: int(counts[name]) for name in history.COUNTS if name in counts} or None,
            f"{not_read} files could not be read" if not_read and not exit_code else reason,
        )
        history.keep(path, entry)
        return dg.SkipReason(f"kept in {path.name}")

    return remember


REMEMBERING = [
    _remembering(status, exit_code)
    for status, exit_code in (
        (dg.DagsterRunStatus.SUCCESS, 0),
        (dg.DagsterRunStatus.FAILURE, 1),
        (dg.DagsterRunStatus.CANCELED, 130),
    )
]


defs = dg.Definitions(
    assets=[
        *assets.SEEDS,
        assets.page_store,
        assets.records,
        assets.tables,
        assets.database,
        assets.export,
        assets.report,
    ],
    asset_checks=[assets.table_checks],
    jobs=[job, outputs_job],
    schedules=[schedule],
    sensors=[new_pages, published_anew, *REMEMBERING],
    executor=dg.in_process_executor,
)
