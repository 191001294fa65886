-- One row a good practice, from the current copy of its page.
select
    copies.record_id as practice_id,
    copies.eval_number,
    record.description as description,
    record.context as context,
    record.cause_effect as cause_effect,
    record.replication as replication,
    record.indicators as indicators,
    record.links as links,
    copies.language,
    record.url as url,
    copies.page_id
from (select page_id, unnest(records) as record from staged.records) as records
inner join staged.current_copies as copies
    on copies.page_id = records.page_id and copies.record_number = record.record_number
where copies.record_kind = 'good_practice'
