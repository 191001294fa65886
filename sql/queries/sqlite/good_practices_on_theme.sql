-- good_practices_on_theme, as SQLite says it: sorted_join is ours, for its own aggregates know no order.
with about as (
    select
        record_themes.record_id as practice_id,
        sorted_join(
            concat_ws(': ', record_themes.group_label, record_themes.topic_label), '; '
        ) as themes
    from main.record_themes as record_themes
    where
        record_themes.record_kind = 'good_practice'
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
    practices.description as good_practice,
    practices.context,
    practices.cause_effect,
    practices.replication,
    places.filed_under as countries,
    evaluations.title as evaluation,
    practices.practice_id as number,
    practices.url
from about
inner join main.good_practices as practices on practices.practice_id = about.practice_id
left join main.evaluations as evaluations on evaluations.eval_number = practices.eval_number
left join places on places.eval_number = practices.eval_number
order by about.themes, practices.eval_number desc nulls last, practices.practice_id
