-- Every code of a status has a column of its own in the views of implementation.
-- A new line in management_responses.csv or progress_levels.csv wants one in sql/marts/implementation.sql.
-- severity: error
select
    'management_responses' as reference_table,
    responses.management_response_code as code,
    responses.label
from main.management_responses as responses
where
    responses.management_response_code not in (
        'completed', 'partially_completed', 'action_not_yet_taken', 'no_action_planned', 'rejected'
    )
union all
select 'progress_levels', levels.progress_code, levels.label
from main.progress_levels as levels
where levels.progress_code not in ('achieved', 'partially_achieved', 'no_implementation')
