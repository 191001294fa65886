-- One row a recommendation, ready to read in a BI tool or in Excel.
-- What it has several of (themes, countries, units …) is one text: sorted, each once, joined by '; '.
with newest as (
    select cast(max(sightings.seen_at) at time zone 'UTC' as date) as observed_on
    from raw.page_sightings as sightings
),

-- The region of a country is the ILO's own, because i-eval prints wrong ones at times (Fiji under Americas);
-- the printed one serves where the place is a scope or an unknown label.
places as (
    select
        locations.eval_number,
        string_agg(distinct countries.name, '; ' order by countries.name) as countries,
        string_agg(distinct countries.country_iso3, '; ' order by countries.country_iso3) as country_codes,
        string_agg(distinct locations.country_label, '; ' order by locations.country_label) as filed_under,
        string_agg(
            distinct coalesce(regions.label, locations.region_label), '; '
            order by coalesce(regions.label, locations.region_label)
        ) as regions
    from main.evaluation_locations as locations
    left join main.countries as countries on countries.country_iso3 = locations.country_iso3
    left join main.regions as regions
        on regions.region_code = coalesce(countries.region_code, locations.region_code)
    group by locations.eval_number
),

themes as (
    select
        record_themes.record_id as recommendation_id,
        string_agg(
            distinct concat_ws(': ', record_themes.group_label, record_themes.topic_label), '; '
            order by concat_ws(': ', record_themes.group_label, record_themes.topic_label)
        ) as themes
    from main.record_themes as record_themes
    where record_themes.record_kind = 'recommendation'
    group by record_themes.record_id
),

units as (
    select
        units.recommendation_id,
        string_agg(distinct units.admin_unit_label, '; ' order by units.admin_unit_label) as admin_units
    from main.recommendation_admin_units as units
    group by units.recommendation_id
),

-- A donor with newer and older letters (GBR and UKM) is one donor.
paid_by as (
    select
        symbols.recommendation_id,
        symbols.project_symbol,
        coalesce(countries.name, regexp_replace(donors.meaning, ' \(older letters\)$', '')) as donor
    from main.recommendation_projects as symbols
    left join main.projects as projects on projects.project_symbol = symbols.project_symbol
    left join main.project_donors as donors on donors.donor_code = projects.donor_code
    left join main.countries as countries
        on countries.country_iso3 = coalesce(projects.donor_country_iso3, donors.country_iso3)
),

projects as (
    select
        paid_by.recommendation_id,
        string_agg(distinct paid_by.project_symbol, '; ' order by paid_by.project_symbol) as project_symbols,
        string_agg(distinct paid_by.donor, '; ' order by paid_by.donor) as donors
    from paid_by
    group by paid_by.recommendation_id
),

steps as (
    select steps.recommendation_id, count(*) as step_count
    from main.recommendation_steps as steps
    group by steps.recommendation_id
),

items as (
    select
        items.recommendation_id,
        count(*) as action_item_count,
        count(*) filter (where items.scope = 'country') as country_action_item_count
    from main.action_items as items
    group by items.recommendation_id
),

named as (
    select
        item_countries.recommendation_id,
        string_agg(distinct countries.name, '; ' order by countries.name) as countries_in_plan,
        string_agg(distinct countries.country_iso3, '; ' order by countries.country_iso3)
            as country_codes_in_plan
    from main.action_item_countries as item_countries
    inner join main.countries as countries on countries.country_iso3 = item_countries.country_iso3
    group by item_countries.recommendation_id
)

select
    recommendations.recommendation_id,
    recommendations.eval_number,
    evaluations.title as eval_title,
    evaluations.timing as eval_timing,
    recommendations.response_date,
    recommendations.title,
    recommendations.action_plan,
    recommendations.comments,
    recommendations.management_response_label,
    recommendations.management_response_code,
    recommendations.progress_label,
    recommendations.progress_code,
    -- Where the status is unknown nobody has said that it is done: open.
    coalesce(responses.is_closed, false) as is_closed,
    recommendations.has_status_conflict,
    recommendations.information_source_label,
    themes.themes,
    places.countries,
    places.country_codes,
    places.filed_under,
    places.regions,
    units.admin_units,
    projects.project_symbols,
    projects.donors,
    coalesce(steps.step_count, 0) as step_count,
    coalesce(items.action_item_count, 0) as action_item_count,
    coalesce(items.country_action_item_count, 0) as country_action_item_count,
    named.countries_in_plan,
    named.country_codes_in_plan,
    newest.observed_on - recommendations.response_date as age_days,
    recommendations.language,
    recommendations.url,
    recommendations.page_id
from main.recommendations as recommendations
cross join newest
left join main.evaluations as evaluations on evaluations.eval_number = recommendations.eval_number
left join main.management_responses as responses
    on responses.management_response_code = recommendations.management_response_code
left join places on places.eval_number = recommendations.eval_number
left join themes on themes.recommendation_id = recommendations.recommendation_id
left join units on units.recommendation_id = recommendations.recommendation_id
left join projects on projects.recommendation_id = recommendations.recommendation_id
left join steps on steps.recommendation_id = recommendations.recommendation_id
left join items on items.recommendation_id = recommendations.recommendation_id
left join named on named.recommendation_id = recommendations.recommendation_id
