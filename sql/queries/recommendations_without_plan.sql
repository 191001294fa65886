-- Which recommendations have no action plan at all?
-- Open ones first: for them nobody has written down what is to happen.
select
    overview.management_response_label as follow_up_status,
    not overview.is_closed as is_open,
    overview.age_days,
    overview.response_date,
    overview.title as recommendation,
    overview.comments,
    overview.admin_units as offices,
    overview.countries,
    overview.eval_title as evaluation,
    overview.recommendation_id as number,
    overview.url
from mart.recommendation_overview as overview
where overview.action_plan is null
order by overview.is_closed, overview.response_date nulls last, overview.recommendation_id
