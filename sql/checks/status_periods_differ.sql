-- A new period begins only where a status changes: a repaired text is no change of status.
-- severity: error
with periods as (
    select
        history.*,
        lag(history.valid_from) over earlier as previous_valid_from,
        lag(history.management_response_code) over earlier as previous_management_response_code,
        lag(history.progress_code) over earlier as previous_progress_code
    from main.recommendation_status_history as history
    window earlier as (partition by history.recommendation_id order by history.valid_from)
)

select
    periods.recommendation_id,
    periods.previous_valid_from,
    periods.valid_from,
    periods.management_response_code,
    periods.progress_code
from periods
where
    periods.previous_valid_from is not null
    and periods.management_response_code is not distinct from periods.previous_management_response_code
    and periods.progress_code is not distinct from periods.previous_progress_code
