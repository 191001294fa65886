-- Which open recommendations are the oldest?
-- Open is what is not closed, also where the status is unknown; the age is as of the newest observation.
-- $rows (integer, default 20): how many to show
select
    oldest.age_days,
    oldest.response_date,
    oldest.management_response_label as follow_up_status,
    oldest.progress_label as progress,
    oldest.title as recommendation,
    oldest.admin_units as offices,
    oldest.countries,
    oldest.eval_title as evaluation,
    oldest.recommendation_id as number,
    oldest.url
from mart.open_recommendations as oldest
order by oldest.response_date nulls last, oldest.recommendation_id
limit cast($rows as bigint)
