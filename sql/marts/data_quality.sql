-- One row a measure of what was read, in four groups: pages, lines, labels and texts, problems.
-- `share` is of the whole that `meaning` names last, for problems of all copies read; NULL where it is empty.
with pages as (
    select
        count(*) as copies,
        count(*) filter (where pages.is_current) as in_use,
        count(*) filter (where pages.status = 'record') as records,
        count(*) filter (where pages.status = 'list') as lists,
        count(*) filter (where pages.status = 'refused') as refused,
        count(*) filter (where pages.is_truncated) as truncated,
        count(*) filter (where pages.is_truncated and pages.is_current) as truncated_in_use,
        count(*) filter (where pages.status = 'record' and pages.record_id is null) as without_number,
        sum(pages.line_count) filter (where pages.status = 'record') as lines,
        sum(pages.chrome_line_count) filter (where pages.status = 'record') as chrome_lines
    from raw.pages as pages
),

fields as (
    select sum(fields.line_count) as lines
    from raw.page_fields as fields
    inner join raw.pages as pages on pages.page_id = fields.page_id
    where pages.status = 'record'
),

locations as (
    select count(*) as labels, count(locations.scope) as known
    from main.evaluation_locations as locations
),

themes as (
    select count(*) as labels, count(record_themes.theme_code) as known
    from main.record_themes as record_themes
),

units as (
    select count(*) as labels, count(units.admin_unit_code) as known
    from main.recommendation_admin_units as units
),

projects as (
    select count(*) as symbols, count(projects.donor_code) as with_donor
    from main.projects as projects
),

recommendations as (
    select
        count(*) as total,
        count(recommendations.management_response_code) as with_response,
        count(recommendations.progress_code) as with_progress,
        count(recommendations.has_status_conflict) as comparable,
        count(*) filter (where recommendations.has_status_conflict) as in_conflict,
        count(recommendations.response_date) as with_date,
        count(recommendations.action_plan) as with_plan
    from main.recommendations as recommendations
),

items as (
    select count(*) as items, count(*) filter (where items.scope = 'country') as of_countries
    from main.action_items as items
),

problems as (
    select
        problems.problem_code,
        count(*) as occurrences,
        count(distinct problems.page_id) as pages,
        count(distinct problems.page_id) filter (where pages.is_current) as current_pages
    from main.problems as problems
    inner join raw.pages as pages on pages.page_id = problems.page_id
    group by problems.problem_code
),

measures as (
    select
        measures.metric_group,
        measures.metric,
        measures.meaning,
        null as severity,
        coalesce(measures.occurrences, 0) as occurrences,
        null as pages,
        null as current_pages,
        measures.occurrences / nullif(measures.whole, 0) as share
    from pages
    cross join fields
    cross join locations
    cross join themes
    cross join units
    cross join projects
    cross join recommendations
    cross join items
    cross join lateral (
        values
        ('pages', 'copies read', pages.copies, pages.copies,
            'Distinct contents of pages that were ever read.'),
        ('pages', 'copies in use', pages.in_use, pages.copies,
            'Copies that the core tables use, of all copies read.'),
        ('pages', 'record pages', pages.records, pages.copies,
            'Copies of pages of records, of all copies read.'),
        ('pages', 'list pages', pages.lists, pages.copies,
            'Lists of records, recognised and refused, of all copies read.'),
        ('pages', 'refused pages', pages.refused, pages.copies,
            'Texts that are no i-eval page, of all copies read.'),
        ('pages', 'truncated copies', pages.truncated, pages.records,
            'Copies cut before or in their footer, of all record pages.'),
        ('pages', 'truncated copies in use', pages.truncated_in_use, pages.in_use,
            'Copies in use that are cut, of all copies in use.'),
        ('pages', 'record pages without a number', pages.without_number, pages.records,
            'They have no row in the core tables; of all record pages.'),
        ('lines', 'lines in fields', fields.lines, pages.lines,
            'Lines that are in raw.page_fields, of all lines of record pages.'),
        ('lines', 'lines of layout', pages.chrome_lines, pages.lines,
            'Headers, footers and blank lines, of all lines of record pages.'),
        ('lines', 'lines accounted for', fields.lines + pages.chrome_lines, pages.lines,
            'Both; below 1 a line was lost. Of all lines of record pages.'),
        ('labels and texts', 'places known', locations.known, locations.labels,
            'Known countries and scopes, of all labels of evaluations'' places.'),
        ('labels and texts', 'themes known', themes.known, themes.labels,
            'Pairs of group and topic that we know, of all themes of records.'),
        ('labels and texts', 'units known', units.known, units.labels,
            'Offices and units that we know, of all that recommendations name.'),
        ('labels and texts', 'donors known', projects.with_donor, projects.symbols,
            'Project symbols whose donor we know, of all project symbols.'),
        ('labels and texts', 'follow-up statuses known', recommendations.with_response, recommendations.total,
            'Known management responses, of all recommendations.'),
        ('labels and texts', 'progress known', recommendations.with_progress, recommendations.total,
            'Known levels of progress, of all recommendations.'),
        ('labels and texts', 'statuses in conflict', recommendations.in_conflict, recommendations.comparable,
            'Recommendations, of those of which we know both statuses.'),
        ('labels and texts', 'response dates', recommendations.with_date, recommendations.total,
            'Recommendations with a date, of all recommendations.'),
        ('labels and texts', 'action plans', recommendations.with_plan, recommendations.total,
            'Recommendations with an action plan, of all recommendations.'),
        ('labels and texts', 'action items of countries', items.of_countries, items.items,
            'Items about named countries, of all action items.')
    ) as measures (metric_group, metric, occurrences, whole, meaning)
    union all
    -- Every problem that we know of has its row, also where it never occurred: a zero is an answer.
    select
        'problems',
        problem_codes.problem_code,
        problem_codes.meaning,
        problem_codes.severity,
        coalesce(problems.occurrences, 0),
        coalesce(problems.pages, 0),
        coalesce(problems.current_pages, 0),
        coalesce(problems.pages, 0) / nullif(pages.copies, 0)
    from main.problem_codes as problem_codes
    cross join pages
    left join problems on problems.problem_code = problem_codes.problem_code
)

-- Sums come as HUGEINT.
select
    measures.metric_group,
    measures.metric,
    measures.meaning,
    measures.severity,
    cast(measures.occurrences as bigint) as occurrences,
    cast(measures.pages as bigint) as pages,
    cast(measures.current_pages as bigint) as current_pages,
    cast(measures.share as double) as share
from measures
