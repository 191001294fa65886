-- A label that has no code of ours is a problem of its page: unknown is an event, never silence.
-- A value in which the page is cut has no code either, and is reported as cut.
-- severity: error
with uncoded as (
    select
        recommendations.page_id,
        recommendations.management_response_label as label,
        'management_response' as what
    from main.recommendations as recommendations
    where recommendations.management_response_code is null
    union all
    select recommendations.page_id, recommendations.progress_label, 'progress'
    from main.recommendations as recommendations
    where recommendations.progress_code is null
    union all
    select recommendations.page_id, recommendations.information_source_label, 'information_source'
    from main.recommendations as recommendations
    where recommendations.information_source_code is null
    union all
    select recommendations.page_id, units.admin_unit_label, 'admin_unit'
    from main.recommendation_admin_units as units
    inner join main.recommendations as recommendations
        on recommendations.recommendation_id = units.recommendation_id
    where units.admin_unit_code is null
    union all
    select
        coalesce(recommendations.page_id, lessons.page_id, practices.page_id),
        concat_ws(': ', record_themes.group_label, record_themes.topic_label),
        'theme'
    from main.record_themes as record_themes
    left join main.recommendations as recommendations
        on record_themes.record_kind = 'recommendation'
        and recommendations.recommendation_id = record_themes.record_id
    left join main.lessons as lessons
        on record_themes.record_kind = 'lesson' and lessons.lesson_id = record_themes.record_id
    left join main.good_practices as practices
        on record_themes.record_kind = 'good_practice' and practices.practice_id = record_themes.record_id
    where record_themes.theme_code is null
)

select
    uncoded.page_id,
    uncoded.what,
    uncoded.label
from uncoded
where
    uncoded.label is not null
    and not exists (
        select 1
        from main.problems as problems
        where
            problems.page_id = uncoded.page_id
            and problems.problem_code in ('unknown_' || uncoded.what, 'cut_in_value')
    )
