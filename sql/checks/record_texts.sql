-- Every text of a record stands in its page, character by character.
-- severity: error, blocking
-- page by page
with texts as (
    select
        'recommendation' as record_kind,
        recommendations.recommendation_id as record_id,
        recommendations.page_id,
        [recommendations.title, recommendations.action_plan, recommendations.comments] as texts
    from main.recommendations as recommendations
    union all
    select
        'lesson',
        lessons.lesson_id,
        lessons.page_id,
        [
            lessons.description, lessons.context, lessons.challenges, lessons.success,
            lessons.administrative_issues, lessons.target_users
        ]
    from main.lessons as lessons
    union all
    select
        'good_practice',
        practices.practice_id,
        practices.page_id,
        [
            practices.description, practices.context, practices.cause_effect, practices.replication,
            practices.indicators, practices.links
        ]
    from main.good_practices as practices
),

compared as (
    select
        texts.record_kind,
        texts.record_id,
        texts.page_id,
        unnest(texts.texts) as text,
        replace(pages.page_text, chr(13) || chr(10), chr(10)) as page_text
    from texts
    inner join raw.pages as pages on pages.page_id = texts.page_id
)

select
    compared.record_kind,
    compared.record_id,
    compared.page_id,
    compared.text
from compared
where not contains(compared.page_text, compared.text)
