-- One row: the counts behind the key figures, what there is of each thing, and the dates that the report speaks of.
with observed as (
    select
        count(*) as pages,
        count(*) filter (where pages.status = 'record') as record_pages
    from raw.pages as pages
),

seen as (
    select cast(max(sightings.seen_at) at time zone 'UTC' as date) as newest_observation
    from raw.page_sightings as sightings
),

things as (
    select
        (select count(*) from main.evaluations) as evaluations,
        (select count(*) from main.lessons) as lessons,
        (select count(*) from main.good_practices) as good_practices
),

recommendations as (
    select
        count(*) as recommendations,
        count(overview.management_response_code) as known_statuses,
        count(*) filter (where overview.management_response_code = 'completed') as completed,
        count(*) filter (where not overview.is_closed) as open,
        min(overview.response_date) filter (where not overview.is_closed) as oldest_open,
        min(overview.response_date) as first_response,
        max(overview.response_date) as last_response,
        count(overview.has_status_conflict) as comparable_statuses,
        count(*) filter (where overview.has_status_conflict) as contradictions,
        coalesce(cast(sum(overview.action_item_count) as bigint), 0) as action_items,
        coalesce(cast(sum(overview.country_action_item_count) as bigint), 0) as country_action_items
    from mart.recommendation_overview as overview
),

countries as (
    select count(distinct items.country_iso3) as countries
    from mart.country_action_items as items
    where items.basis = 'named in the text'
),

problems as (
    select
        count(*) as problems,
        count(*) filter (where problems.severity = 'error') as errors,
        count(distinct problems.page_id) as pages_with_problems
    from main.problems as problems
)

select *
from observed
cross join seen
cross join things
cross join recommendations
cross join countries
cross join problems
