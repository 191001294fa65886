-- One row a change of a recommendation's statuses between two copies of its page.
with periods as (
    select
        history.recommendation_id,
        history.valid_from,
        history.management_response_code,
        history.progress_code,
        history.page_id,
        lag(history.valid_from) over earlier as previous_valid_from,
        lag(history.management_response_code) over earlier as previous_management_response_code,
        lag(history.progress_code) over earlier as previous_progress_code,
        lag(history.page_id) over earlier as previous_page_id
    from main.recommendation_status_history as history
    window earlier as (partition by history.recommendation_id order by history.valid_from)
)

select
    periods.recommendation_id,
    periods.valid_from as changed_at,
    from_responses.label as from_management_response,
    to_responses.label as to_management_response,
    from_levels.label as from_progress,
    to_levels.label as to_progress,
    periods.previous_valid_from as previous_since,
    recommendations.response_date,
    recommendations.eval_number,
    evaluations.title as eval_title,
    recommendations.title,
    recommendations.url,
    periods.previous_page_id as from_page_id,
    periods.page_id as to_page_id
from periods
inner join main.recommendations as recommendations
    on recommendations.recommendation_id = periods.recommendation_id
left join main.evaluations as evaluations on evaluations.eval_number = recommendations.eval_number
left join main.management_responses as from_responses
    on from_responses.management_response_code = periods.previous_management_response_code
left join main.management_responses as to_responses
    on to_responses.management_response_code = periods.management_response_code
left join main.progress_levels as from_levels on from_levels.progress_code = periods.previous_progress_code
left join main.progress_levels as to_levels on to_levels.progress_code = periods.progress_code
where periods.previous_valid_from is not null
