-- One row a recommendation whose follow-up status and progress contradict each other.
select
    overview.recommendation_id,
    overview.management_response_label,
    overview.progress_label,
    matching_levels.label as progress_that_would_match,
    overview.response_date,
    overview.eval_number,
    overview.eval_title,
    overview.title,
    overview.action_plan,
    overview.comments,
    overview.countries,
    overview.admin_units,
    overview.url
from mart.recommendation_overview as overview
left join main.progress_levels as matching_levels
    on matching_levels.progress_code = case overview.management_response_code
        when 'completed' then 'achieved'
        when 'partially_completed' then 'partially_achieved'
        else 'no_implementation'
    end
where overview.has_status_conflict
