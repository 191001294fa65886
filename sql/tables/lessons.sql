-- One row a lesson, from the current copy of its page.
select
    copies.record_id as lesson_id,
    copies.eval_number,
    record.description as description,
    record.context as context,
    record.challenges as challenges,
    record.success as success,
    record.administrative_issues as administrative_issues,
    record.target_users as target_users,
    copies.language,
    record.url as url,
    copies.page_id
from (select page_id, unnest(records) as record from staged.records) as records
inner join staged.current_copies as copies
    on copies.page_id = records.page_id and copies.record_number = record.record_number
where copies.record_kind = 'lesson'
