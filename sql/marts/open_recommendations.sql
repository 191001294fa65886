-- One row a recommendation that is not closed, oldest response first; an unknown status counts as open.
select
    overview.recommendation_id,
    overview.age_days,
    overview.response_date,
    overview.management_response_label,
    overview.progress_label,
    overview.has_status_conflict,
    overview.eval_number,
    overview.eval_title,
    overview.title,
    overview.action_plan,
    overview.comments,
    overview.themes,
    overview.countries,
    overview.countries_in_plan,
    overview.regions,
    overview.admin_units,
    overview.donors,
    overview.url
from mart.recommendation_overview as overview
where not overview.is_closed
order by overview.response_date nulls last, overview.recommendation_id
