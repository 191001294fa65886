-- A response is dated after 1990 and before its page was first read.
-- severity: warning
select
    recommendations.recommendation_id,
    recommendations.response_date,
    pages.first_seen_at,
    recommendations.url
from main.recommendations as recommendations
inner join raw.pages as pages on pages.page_id = recommendations.page_id
where
    recommendations.response_date < date '1990-01-01'
    or recommendations.response_date > cast(pages.first_seen_at at time zone 'UTC' as date)
