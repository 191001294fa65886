-- Where is something spoken of: in which recommendations, lessons and good practices?
-- A record is found if its texts contain every word: in any case, with or without accents, also inside a
-- longer word. The excerpt stands around the first of the words.
-- $words (text, default labour inspection): words to look for, with blanks between them
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
    select list_filter(
        string_split(strip_accents(lower(cast($words as varchar))), ' '), lambda word: word <> ''
    ) as words
),

folded as (
    select records.*, strip_accents(lower(records.words)) as folded_words
    from records
),

found as (
    select
        folded.*,
        -- Folding keeps the length of all but decomposed letters: near enough for an excerpt.
        greatest(position(asked.words[1] in folded.folded_words) - 80, 1) as excerpt_start
    from folded
    cross join asked
    where
        len(asked.words) > 0
        and len(list_filter(asked.words, lambda word: not contains(folded.folded_words, word))) = 0
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
