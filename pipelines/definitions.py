"""The Dagster code location: assets, checks, jobs, the daily schedule, sensors, the failure hook.

Everything runs in one process: a step here takes less time than starting another interpreter. What the assets do does
not belong here.
"""

# No `from __future__ import annotations`: Dagster reads the annotation of `context` at definition time.
import http.client
import json
import urllib.request

import dagster as dg

from pipelines import assets
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
    built = context.instance.get_records_for_run(
        context.dagster_run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION
    )
    metadata = [
        event.asset_materialization.metadata
        for event in (record.event_log_entry for record in built.records)
        if event.asset_materialization and event.asset_materialization.asset_key == assets.DATABASE
    ]
    if not any(each["is_new"].value for each in metadata):
        return dg.SkipReason("nothing new was published")
    return dg.RunRequest(run_key=context.dagster_run.run_id)


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
    sensors=[new_pages, published_anew],
    executor=dg.in_process_executor,
)
