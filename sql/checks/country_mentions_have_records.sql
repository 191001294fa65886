-- Every mention of a country belongs to a record that exists.
-- A foreign key cannot say this: record_kind tells which of three tables the record is in.
-- severity: error, blocking
select
    mentions.record_kind,
    mentions.record_id,
    mentions.field,
    mentions.char_start
from main.country_mentions as mentions
left join main.recommendations as recommendations
    on mentions.record_kind = 'recommendation' and recommendations.recommendation_id = mentions.record_id
left join main.lessons as lessons
    on mentions.record_kind = 'lesson' and lessons.lesson_id = mentions.record_id
left join main.good_practices as practices
    on mentions.record_kind = 'good_practice' and practices.practice_id = mentions.record_id
where coalesce(recommendations.recommendation_id, lessons.lesson_id, practices.practice_id) is null
