-- Every theme belongs to a record that exists.
-- A foreign key cannot say this: record_kind tells which of three tables the record is in.
-- severity: error, blocking
select
    record_themes.record_kind,
    record_themes.record_id,
    record_themes.position
from main.record_themes as record_themes
left join main.recommendations as recommendations
    on record_themes.record_kind = 'recommendation'
    and recommendations.recommendation_id = record_themes.record_id
left join main.lessons as lessons
    on record_themes.record_kind = 'lesson' and lessons.lesson_id = record_themes.record_id
left join main.good_practices as practices
    on record_themes.record_kind = 'good_practice' and practices.practice_id = record_themes.record_id
where coalesce(recommendations.recommendation_id, lessons.lesson_id, practices.practice_id) is null
