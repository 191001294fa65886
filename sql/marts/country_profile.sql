-- One row a country that appears anywhere: an evaluation is filed under it, a text names it, a project works
-- there or is paid for by it. A recommendation, lesson or practice is the country's if its evaluation is
-- filed under it or if its text is about it; it counts once either way.
with filed as (
    select distinct locations.country_iso3, locations.eval_number
    from main.evaluation_locations as locations
    where locations.country_iso3 is not null
),

records as (
    select
        'recommendation' as record_kind,
        recommendations.recommendation_id as record_id,
        recommendations.eval_number
    from main.recommendations as recommendations
    union all
    select 'lesson', lessons.lesson_id, lessons.eval_number
    from main.lessons as lessons
    union all
    select 'good_practice', practices.practice_id, practices.eval_number
    from main.good_practices as practices
),

-- Named: for recommendations, a country of an action item; for the others, a country that the text is about.
links as (
    select filed.country_iso3, records.record_kind, records.record_id, false as is_named
    from filed
    inner join records on records.eval_number = filed.eval_number
    union
    select item_countries.country_iso3, 'recommendation', item_countries.recommendation_id, true
    from main.action_item_countries as item_countries
    union
    select mentions.country_iso3, mentions.record_kind, mentions.record_id, true
    from main.country_mentions as mentions
    where mentions.record_kind <> 'recommendation' and mentions.role = 'subject'
),

linked as (
    select links.country_iso3, links.record_kind, links.record_id, bool_or(links.is_named) as is_named
    from links
    group by links.country_iso3, links.record_kind, links.record_id
),

record_counts as (
    select
        linked.country_iso3,
        count(*) filter (where linked.record_kind = 'recommendation') as recommendations,
        count(*) filter (
            where linked.record_kind = 'recommendation' and coalesce(responses.is_closed, false)
        ) as closed_recommendations,
        count(*) filter (
            where linked.record_kind = 'recommendation' and linked.is_named
        ) as recommendations_naming_it,
        count(*) filter (where linked.record_kind = 'lesson') as lessons,
        count(*) filter (where linked.record_kind = 'good_practice') as good_practices,
        max(recommendations.response_date) as newest_response_date,
        min(recommendations.response_date) filter (
            where not coalesce(responses.is_closed, false)
        ) as oldest_open_response_date
    from linked
    left join main.recommendations as recommendations
        on linked.record_kind = 'recommendation' and recommendations.recommendation_id = linked.record_id
    left join main.management_responses as responses
        on responses.management_response_code = recommendations.management_response_code
    group by linked.country_iso3
),

evaluation_counts as (
    select filed.country_iso3, count(*) as evaluations
    from filed
    group by filed.country_iso3
),

item_counts as (
    select
        item_countries.country_iso3,
        count(*) as action_items_naming_it,
        count(*) filter (where filed.eval_number is null) as action_items_in_evaluations_filed_elsewhere
    from main.action_item_countries as item_countries
    inner join main.recommendations as recommendations
        on recommendations.recommendation_id = item_countries.recommendation_id
    left join filed
        on filed.country_iso3 = item_countries.country_iso3
        and filed.eval_number = recommendations.eval_number
    group by item_countries.country_iso3
),

mention_counts as (
    select mentions.country_iso3, count(*) as mentions
    from main.country_mentions as mentions
    group by mentions.country_iso3
),

project_counts as (
    select projects.country_iso3, count(*) as projects
    from main.projects as projects
    where projects.country_iso3 is not null
    group by projects.country_iso3
),

donor_counts as (
    select projects.donor_country_iso3 as country_iso3, count(*) as projects_paid_for
    from main.projects as projects
    where projects.donor_country_iso3 is not null
    group by projects.donor_country_iso3
)

select
    countries.country_iso3,
    countries.name as country_name,
    regions.label as region_label,
    countries.m49_subregion,
    countries.income_group,
    countries.is_ldc,
    countries.is_lldc,
    countries.is_sids,
    coalesce(evaluation_counts.evaluations, 0) as evaluations,
    coalesce(record_counts.recommendations, 0) as recommendations,
    coalesce(record_counts.recommendations - record_counts.closed_recommendations, 0) as open_recommendations,
    coalesce(record_counts.closed_recommendations, 0) as closed_recommendations,
    coalesce(record_counts.recommendations_naming_it, 0) as recommendations_naming_it,
    coalesce(item_counts.action_items_naming_it, 0) as action_items_naming_it,
    coalesce(item_counts.action_items_in_evaluations_filed_elsewhere, 0)
        as action_items_in_evaluations_filed_elsewhere,
    coalesce(record_counts.lessons, 0) as lessons,
    coalesce(record_counts.good_practices, 0) as good_practices,
    coalesce(mention_counts.mentions, 0) as mentions,
    coalesce(project_counts.projects, 0) as projects,
    coalesce(donor_counts.projects_paid_for, 0) as projects_paid_for,
    record_counts.newest_response_date,
    record_counts.oldest_open_response_date
from main.countries as countries
left join main.regions as regions on regions.region_code = countries.region_code
left join evaluation_counts on evaluation_counts.country_iso3 = countries.country_iso3
left join record_counts on record_counts.country_iso3 = countries.country_iso3
left join item_counts on item_counts.country_iso3 = countries.country_iso3
left join mention_counts on mention_counts.country_iso3 = countries.country_iso3
left join project_counts on project_counts.country_iso3 = countries.country_iso3
left join donor_counts on donor_counts.country_iso3 = countries.country_iso3
where coalesce(
    evaluation_counts.evaluations, record_counts.recommendations, mention_counts.mentions,
    project_counts.projects, donor_counts.projects_paid_for
) is not null
