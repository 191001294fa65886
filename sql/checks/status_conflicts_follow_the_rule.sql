-- Two statuses are in conflict exactly where the rule says so.
-- Completed goes with Achieved, Partially Completed with Partially achieved, the other three with
-- No implementation; where either is unknown, so is the conflict.
-- severity: error
select
    recommendations.recommendation_id,
    recommendations.management_response_code,
    recommendations.progress_code,
    recommendations.has_status_conflict
from main.recommendations as recommendations
where
    recommendations.has_status_conflict is distinct from (
        recommendations.progress_code <> case
            when recommendations.management_response_code = 'completed' then 'achieved'
            when recommendations.management_response_code = 'partially_completed' then 'partially_achieved'
            when recommendations.management_response_code is not null then 'no_implementation'
        end
    )
