-- The offsets of a mention give its words in the field that it names, which is a text column of the record.
-- severity: error, blocking
with texts as (
    select
        'recommendation' as record_kind,
        recommendations.recommendation_id as record_id,
        unnest(['title', 'action_plan', 'comments']) as field,
        unnest([recommendations.title, recommendations.action_plan, recommendations.comments]) as text
    from main.recommendations as recommendations
    union all
    select
        'lesson',
        lessons.lesson_id,
        unnest([
            'description', 'context', 'challenges', 'success', 'administrative_issues', 'target_users'
        ]),
        unnest([
            lessons.description, lessons.context, lessons.challenges, lessons.success,
            lessons.administrative_issues, lessons.target_users
        ])
    from main.lessons as lessons
    union all
    select
        'good_practice',
        practices.practice_id,
        unnest(['description', 'context', 'cause_effect', 'replication', 'indicators', 'links']),
        unnest([
            practices.description, practices.context, practices.cause_effect, practices.replication,
            practices.indicators, practices.links
        ])
    from main.good_practices as practices
),

compared as (
    select
        mentions.record_kind,
        mentions.record_id,
        mentions.field,
        mentions.char_start,
        mentions.mention_text,
        substr(texts.text, mentions.char_start + 1, mentions.char_end - mentions.char_start)
            as words_at_offsets
    from main.country_mentions as mentions
    left join texts
        on texts.record_kind = mentions.record_kind
        and texts.record_id = mentions.record_id
        and texts.field = mentions.field
)

select
    compared.record_kind,
    compared.record_id,
    compared.field,
    compared.char_start,
    compared.mention_text,
    compared.words_at_offsets
from compared
where compared.mention_text is distinct from compared.words_at_offsets
