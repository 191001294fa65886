-- lessons_on_theme, as SQLite says it: sorted_join is ours, for its own aggregates know no order.
with about as (
    select
        record_themes.record_id as lesson_id,
        sorted_join(
            concat_ws(': ', record_themes.group_label, record_themes.topic_label), '; '
        ) as themes
    from main.record_themes as record_themes
    where
        record_themes.record_kind = 'lesson'
        and contains(
            strip_accents(lower(concat_ws(': ', record_themes.group_label, record_themes.topic_label))),
            strip_accents(lower(cast($theme as text)))
        )
    group by record_themes.record_id
),

places as (
    select
        locations.eval_number,
        sorted_join(locations.country_label, '; ') as filed_under
    from main.evaluation_locations as locations
    group by locations.eval_number
)

select
    about.themes,
    lessons.description as lesson,
    lessons.context,
    lessons.challenges,
    lessons.success,
    lessons.target_users,
    places.filed_under as countries,
    evaluations.title as evaluation,
    lessons.lesson_id as number,
    lessons.url
from about
inner join main.lessons as lessons on lessons.lesson_id = about.lesson_id
left join main.evaluations as evaluations on evaluations.eval_number = lessons.eval_number
left join places on places.eval_number = lessons.eval_number
order by about.themes, lessons.eval_number desc nulls last, lessons.lesson_id
