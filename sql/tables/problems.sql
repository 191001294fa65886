-- One row a thing that is wrong with a page or that we do not know: what reading the page found, and the labels that
-- the vocabularies do not have, each with the nearest one that they do have. A suggestion is never applied.
with grammar as (
    select page_id, problem.line_number as line_number, problem.field as field,
        problem.problem_code as problem_code, problem.detail as detail
    from (select page_id, unnest(problems) as problem from staged.records)
),

-- The url of a cut page may be known from its address; where it is not, reading the page could not tell.
no_record_id as (
    select page_id, cast(null as bigint) as line_number, 'url' as field, 'no_record_id' as problem_code,
        format('record {} of the page has no complete url', record_number) as detail
    from staged.page_records
    where goes_by_address and record_id is null
),

unknown_country as (
    select page_id, country_line as line_number, 'unknown_country' as problem_code,
        country_label || ' is in neither country_names.csv nor place_scopes.csv as a place of today'
        || coalesce('; nearest: ' || suggestion, '') as detail
    from staged.locations
    where scope is null
),

unknown_region as (
    select page_id, region_line as line_number, 'unknown_region' as problem_code,
        region_label || ' is not in regions.csv' as detail
    from staged.locations
    where region_label is not null and region_code is null
),

wrong_region as (
    select page_id, region_line as line_number, 'wrong_region' as problem_code,
        format('{} is printed for {}', region_label, country_label)
        || coalesce('; its ILO region is ' || own_region_label, '') as detail
    from staged.locations
    where not is_region_consistent
),

unknown_theme as (
    select page_id, theme.line_number as line_number, 'unknown_theme' as problem_code,
        format('{} > {}', coalesce(theme.group_label, ''), coalesce(theme.topic_label, '')) as label
    from (select page_id, unnest(themes) as theme from staged.records)
    anti join main.themes as themes
        on themes.group_label = theme.group_label and themes.topic_label = theme.topic_label
),

unknown_admin_unit as (
    select page_id, unit.line_number as line_number, 'unknown_admin_unit' as problem_code, unit.label as label
    from (select page_id, unnest(admin_units) as unit from staged.records)
    anti join main.admin_units as admin_units on admin_units.label = unit.label
),

statuses as (
    select page_id, unnest(records) as record from staged.records
),

unknown_status as (
    select page_id, record.management_response_line as line_number, 'unknown_management_response' as problem_code,
        record.management_response_label as label
    from statuses
    anti join main.management_responses as known on known.label = record.management_response_label
    where record.management_response_label is not null
    union all
    select page_id, record.progress_line, 'unknown_progress', record.progress_label
    from statuses
    anti join main.progress_levels as known on known.label = record.progress_label
    where record.progress_label is not null
    union all
    select page_id, record.information_source_line, 'unknown_information_source', record.information_source_label
    from statuses
    anti join main.information_sources as known on known.label = record.information_source_label
    where record.information_source_label is not null
),

-- The labels that a page might have meant, by the problem that a label outside them is.
vocabulary as (
    select 'unknown_theme' as problem_code, 'themes.csv' as file, format('{} > {}', group_label, topic_label) as label
    from main.themes
    union all
    select 'unknown_admin_unit', 'admin_units.csv', label from main.admin_units
    union all
    select 'unknown_management_response', 'management_responses.csv', label from main.management_responses
    union all
    select 'unknown_progress', 'progress_levels.csv', label from main.progress_levels
    union all
    select 'unknown_information_source', 'information_sources.csv', label from main.information_sources
),

unknown_label as (
    select * from unknown_theme
    union all
    select * from unknown_admin_unit
    union all
    select * from unknown_status
),

nearest as (
    select unknown.problem_code, unknown.label, any_value(vocabulary.file) as file,
        arg_max(
            vocabulary.label, jaro_winkler_similarity(vocabulary.label, unknown.label)
        ) filter (where jaro_winkler_similarity(vocabulary.label, unknown.label) > 0.8) as suggestion
    from (select distinct problem_code, label from unknown_label) as unknown
    inner join vocabulary on vocabulary.problem_code = unknown.problem_code
    group by unknown.problem_code, unknown.label
),

symbols as (
    select records.page_id, symbol.line_number as line_number, symbol.label as label, projects.*
    from (select page_id, unnest(project_symbols) as symbol from staged.records) as records
    left join staged.project_parts as projects on projects.project_symbol = symbol.label
),

unknown_project as (
    select page_id, line_number, 'unknown_project_symbol' as problem_code, label || ' has no known form' as detail
    from symbols
    where not is_parsed and not is_placeholder
    union all
    select page_id, line_number, 'unknown_project_area', area_letters || ' is not in project_areas.csv'
    from symbols
    where is_parsed and area_code is null
    union all
    select page_id, line_number, 'unknown_project_donor', donor_letters || ' is not in project_donors.csv'
    from symbols
    where is_parsed and donor_code is null
),

found as (
    select page_id, line_number, problem_code, detail from unknown_country
    union all
    select page_id, line_number, problem_code, detail from unknown_region
    union all
    select page_id, line_number, problem_code, detail from wrong_region
    union all
    select unknown_label.page_id, unknown_label.line_number, unknown_label.problem_code,
        format('{} is not in {}', unknown_label.label, nearest.file)
        || coalesce('; nearest: ' || nearest.suggestion, '')
    from unknown_label
    inner join nearest
        on nearest.problem_code = unknown_label.problem_code and nearest.label = unknown_label.label
    union all
    select page_id, line_number, problem_code, detail from unknown_project
),

-- The field of a label is the one whose value begins on its line.
placed as (
    select * from grammar
    union all
    select * from no_record_id
    union all
    select found.page_id, found.line_number, fields.path, found.problem_code, found.detail
    from found
    left join raw.page_fields as fields
        on fields.page_id = found.page_id and fields.value_line_number = found.line_number
)

select
    placed.page_id,
    row_number() over (
        partition by placed.page_id
        order by placed.line_number nulls last, placed.problem_code, placed.field, placed.detail
    ) as problem_number,
    sources.source_uri,
    placed.line_number,
    placed.field,
    placed.problem_code,
    codes.severity,
    placed.detail
from placed
inner join staged.page_sources as sources on sources.page_id = placed.page_id
inner join main.problem_codes as codes on codes.problem_code = placed.problem_code
