-- text_search, as SQLite says it: folded_words is ours and gives the words as a JSON array.
with records as (
    select
        'recommendation' as kind,
        recommendations.recommendation_id as number,
        recommendations.eval_number,
        recommendations.url,
        concat_ws(' ', recommendations.title, recommendations.action_plan, recommendations.comments) as words
    from main.recommendations as recommendations
    union all
    select
        'lesson',
        lessons.lesson_id,
        lessons.eval_number,
        lessons.url,
        concat_ws(
            ' ', lessons.description, lessons.context, lessons.challenges, lessons.success,
            lessons.administrative_issues, lessons.target_users
        )
    from main.lessons as lessons
    union all
    select
        'good practice',
        practices.practice_id,
        practices.eval_number,
        practices.url,
        concat_ws(
            ' ', practices.description, practices.context, practices.cause_effect, practices.replication,
            practices.indicators, practices.links
        )
    from main.good_practices as practices
),

asked as (
    select folded_words(cast($words as text)) as words
),

folded as (
    select records.*, strip_accents(lower(records.words)) as folded_words
    from records
),

found as (
    select
        folded.*,
        max(instr(folded.folded_words, json_extract(asked.words, '$[0]')) - 80, 1) as excerpt_start
    from folded
    cross join asked
    where
        json_array_length(asked.words) > 0
        and not exists (
            select 1
            from json_each(asked.words) as word
            where not contains(folded.folded_words, word.value)
        )
)

select
    found.kind,
    found.number,
    trim(regexp_replace(substr(found.words, found.excerpt_start, 240), '\s+', ' ', 'g')) as excerpt,
    evaluations.title as evaluation,
    found.url
from found
left join main.evaluations as evaluations on evaluations.eval_number = found.eval_number
order by found.kind desc, found.eval_number desc nulls last, found.number
