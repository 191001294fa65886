-- repeated_topics, as SQLite says it: sorted_join is ours, for its own aggregates know no order.
with records as (
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

folded as (
    select
        evaluations.eval_number,
        regexp_replace(strip_accents(lower(evaluations.title)), '[^a-z0-9]+', ' ', 'g') as title
    from main.evaluations as evaluations
),

titles as (
    select
        folded.eval_number,
        trim(regexp_replace(
            regexp_replace(
                folded.title,
                '\b(phase|fase|stage|etape|etapa) (i{1,3}|iv|vi{0,3}|[0-9]+|one|two|three|four)\b'
                || '|\b(ii|iii|iv)\b'
                || '|\b(mid ?term|mi parcours|(de )?medio termino|intermedia|interim|final|finale|ex post)\b'
                || '|\b(independent|independante?|independiente|internal|interne|interna)\b'
                || '|\b(joint|conjointe?|conjunta)\b'
                || '|\b(cluster(ed)?|groupee?|agrupada|thematic|thematique|tematica|external|self|outcome)\b'
                || '|\b(evaluations?|evaluacion(es)?|review)\b',
                ' ', 'g'
            ),
            ' +', ' ', 'g'
        )) as family
    from folded
),

families as (
    select 'title' as same, titles.family, titles.eval_number
    from titles
    where titles.family <> ''
    union
    select 'project symbol', symbols.project_symbol, recommendations.eval_number
    from main.recommendation_projects as symbols
    inner join main.projects as projects on projects.project_symbol = symbols.project_symbol
    inner join main.recommendations as recommendations
        on recommendations.recommendation_id = symbols.recommendation_id
    where not projects.is_placeholder and recommendations.eval_number is not null
)

select
    families.family as project,
    families.same as same_by,
    record_themes.group_label as theme_group,
    record_themes.topic_label as topic,
    count(distinct records.eval_number) as evaluations,
    count(distinct records.record_id) filter (where records.record_kind = 'recommendation')
        as recommendations,
    count(distinct records.record_id) filter (where records.record_kind = 'lesson') as lessons,
    count(distinct records.record_id) filter (where records.record_kind = 'good_practice') as good_practices,
    sorted_join(evaluations.title, '; ') as evaluation_titles
from families
inner join records on records.eval_number = families.eval_number
inner join main.record_themes as record_themes
    on record_themes.record_kind = records.record_kind and record_themes.record_id = records.record_id
inner join main.evaluations as evaluations on evaluations.eval_number = families.eval_number
where record_themes.topic_label is not null
group by families.family, families.same, record_themes.group_label, record_themes.topic_label
having count(distinct records.eval_number) > 1
order by evaluations desc, project, same_by, theme_group, topic
