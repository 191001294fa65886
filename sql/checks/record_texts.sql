-- Every text of a record is a value of its page, character by character.
-- That values are what stands in the page is for page_field_values to say. Compared by hash: the texts of all records
-- and pages are more than memory holds. A page that is cut may end with half of a line end, which is left out of a text.
-- severity: error, blocking
with texts as (
    select
        'recommendation' as record_kind,
        recommendations.recommendation_id as record_id,
        recommendations.page_id,
        ['title', 'action_plan', 'comments'] as fields,
        [recommendations.title, recommendations.action_plan, recommendations.comments] as texts
    from main.recommendations as recommendations
    union all
    select
        'lesson',
        lessons.lesson_id,
        lessons.page_id,
        ['description', 'context', 'challenges', 'success', 'administrative_issues', 'target_users'],
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
        ['description', 'context', 'cause_effect', 'replication', 'indicators', 'links'],
        [
            practices.description, practices.context, practices.cause_effect, practices.replication,
            practices.indicators, practices.links
        ]
    from main.good_practices as practices
),

hashed as (
    select
        texts.record_kind,
        texts.record_id,
        texts.page_id,
        unnest(texts.fields) as field,
        unnest(list_transform(texts.texts, lambda text: if(text is null, null, hash(text)))) as text_hash
    from texts
),

printed as (
    select
        fields.page_id,
        hash(fields.value) as text_hash
    from raw.page_fields as fields
    where fields.value is not null
    union all
    select
        fields.page_id,
        hash(left(fields.value, -1))
    from raw.page_fields as fields
    where ends_with(fields.value, chr(13))
)

select
    hashed.record_kind,
    hashed.record_id,
    hashed.field,
    hashed.page_id
from hashed
anti join printed on printed.page_id = hashed.page_id and printed.text_hash = hashed.text_hash
where hashed.text_hash is not null
