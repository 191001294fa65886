-- One row a way of grouping the recommendations (`dimension`) and a group; for each way, one row of them all.
-- A recommendation of several countries or themes counts once in each of its groups, once in `Not stated` if
-- it has none, and once in the total: groups do not add up to the total. The views implementation_by_… are
-- parts of this one.
with places as (
    select
        recommendations.recommendation_id,
        locations.country_label,
        countries.country_iso3,
        countries.name as country_name,
        country_regions.label as country_region_label,
        -- The ILO's own region of a country goes before the printed one, which is wrong now and then.
        coalesce(country_regions.label, printed_regions.label, locations.region_label) as region_label,
        coalesce(country_regions.region_code, printed_regions.region_code) as region_code
    from main.recommendations as recommendations
    inner join main.evaluation_locations as locations on locations.eval_number = recommendations.eval_number
    left join main.countries as countries on countries.country_iso3 = locations.country_iso3
    left join main.regions as country_regions on country_regions.region_code = countries.region_code
    left join main.regions as printed_regions on printed_regions.region_code = locations.region_code
),

themes as (
    select
        record_themes.record_id as recommendation_id,
        record_themes.group_label,
        record_themes.topic_label,
        record_themes.theme_code
    from main.record_themes as record_themes
    -- A theme may belong to a record of another kind that has the same number.
    where record_themes.record_kind = 'recommendation'
),

donors as (
    select
        symbols.recommendation_id,
        projects.donor_code,
        project_donors.donor_kind,
        -- A donor with newer and older letters (GBR and UKM) is one donor.
        coalesce(countries.name, regexp_replace(project_donors.meaning, ' \(older letters\)$', ''))
            as donor_label
    from main.recommendation_projects as symbols
    inner join main.projects as projects on projects.project_symbol = symbols.project_symbol
    inner join main.project_donors as project_donors on project_donors.donor_code = projects.donor_code
    left join main.countries as countries
        on countries.country_iso3 = coalesce(projects.donor_country_iso3, project_donors.country_iso3)
),

stated as (
    select
        'theme group' as dimension,
        themes.group_label as label,
        themes.group_label as outer_label,
        null as inner_label,
        null as code,
        themes.recommendation_id
    from themes
    union all
    select
        'theme',
        themes.group_label || ': ' || themes.topic_label,
        themes.group_label,
        themes.topic_label,
        themes.theme_code,
        themes.recommendation_id
    from themes
    union all
    select
        'country',
        coalesce(places.country_name, places.country_label),
        places.country_region_label,
        places.country_name,
        places.country_iso3,
        places.recommendation_id
    from places
    union all
    select 'region', places.region_label, null, null, places.region_code, places.recommendation_id
    from places
    union all
    select
        'year',
        cast(year(recommendations.response_date) as varchar),
        null,
        null,
        cast(year(recommendations.response_date) as varchar),
        recommendations.recommendation_id
    from main.recommendations as recommendations
    union all
    select
        'admin unit',
        coalesce(admin_units.label, units.admin_unit_label),
        admin_units.kind,
        admin_units.label,
        units.admin_unit_code,
        units.recommendation_id
    from main.recommendation_admin_units as units
    left join main.admin_units as admin_units on admin_units.admin_unit_code = units.admin_unit_code
    union all
    select 'donor', donors.donor_label, donors.donor_kind, null, donors.donor_code, donors.recommendation_id
    from donors
),

described as (
    select
        stated.dimension,
        stated.label,
        max(stated.outer_label) as outer_label,
        max(stated.inner_label) as inner_label,
        string_agg(distinct stated.code, '; ' order by stated.code) as code
    from stated
    group by stated.dimension, stated.label
),

-- One row a recommendation and group of it, whatever number of labels puts it there.
memberships as (
    select distinct stated.dimension, stated.label, stated.recommendation_id
    from stated
    where stated.label is not null
),

dimensions as (
    select unnest(['theme group', 'theme', 'country', 'region', 'year', 'admin unit', 'donor']) as dimension
),

groups as (
    select memberships.dimension, memberships.label, memberships.recommendation_id, false as is_total
    from memberships
    union all
    select dimensions.dimension, 'Not stated', recommendations.recommendation_id, false
    from dimensions
    cross join main.recommendations as recommendations
    where not exists (
        select 1
        from memberships
        where
            memberships.dimension = dimensions.dimension
            and memberships.recommendation_id = recommendations.recommendation_id
    )
    union all
    select dimensions.dimension, 'All recommendations', recommendations.recommendation_id, true
    from dimensions
    cross join main.recommendations as recommendations
),

counts as (
    select
        groups.dimension,
        groups.label,
        groups.is_total,
        count(*) as recommendations,
        count(*) filter (where recommendations.management_response_code = 'completed') as completed,
        count(*) filter (where recommendations.management_response_code = 'partially_completed')
            as partially_completed,
        count(*) filter (where recommendations.management_response_code = 'action_not_yet_taken')
            as action_not_yet_taken,
        count(*) filter (where recommendations.management_response_code = 'no_action_planned')
            as no_action_planned,
        count(*) filter (where recommendations.management_response_code = 'rejected') as rejected,
        count(*) filter (where recommendations.management_response_code is null) as unknown_response,
        count(*) filter (where recommendations.progress_code = 'achieved') as achieved,
        count(*) filter (where recommendations.progress_code = 'partially_achieved') as partially_achieved,
        count(*) filter (where recommendations.progress_code = 'no_implementation') as no_implementation,
        count(*) filter (where recommendations.progress_code is null) as unknown_progress
    from groups
    inner join main.recommendations as recommendations
        on recommendations.recommendation_id = groups.recommendation_id
    group by groups.dimension, groups.label, groups.is_total
)

select
    counts.dimension,
    counts.label,
    counts.is_total,
    described.outer_label,
    described.inner_label,
    described.code,
    counts.recommendations,
    counts.completed,
    counts.partially_completed,
    counts.action_not_yet_taken,
    counts.no_action_planned,
    counts.rejected,
    counts.unknown_response,
    counts.achieved,
    counts.partially_achieved,
    counts.no_implementation,
    counts.unknown_progress,
    counts.completed / nullif(counts.recommendations - counts.unknown_response, 0) as completed_share,
    (counts.achieved + counts.partially_achieved)
        / nullif(counts.recommendations - counts.unknown_progress, 0) as implemented_share
from counts
left join described on described.dimension = counts.dimension and described.label = counts.label
