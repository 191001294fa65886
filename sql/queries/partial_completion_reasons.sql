-- What reasons are given where a recommendation is only partially completed?
-- Management gives them as comments or, more often, inside the action plan; without either there is no row.
select
    overview.response_date,
    overview.progress_label as progress,
    overview.title as recommendation,
    overview.comments,
    overview.action_plan,
    overview.countries,
    overview.admin_units as offices,
    overview.eval_title as evaluation,
    overview.recommendation_id as number,
    overview.url
from mart.recommendation_overview as overview
where
    overview.management_response_code = 'partially_completed'
    and coalesce(overview.comments, overview.action_plan) is not null
order by overview.comments is null, overview.response_date desc nulls last, overview.recommendation_id
