-- One row a record: where the copy that the core tables use stands, and the language of its texts.
select
    copies.page_id,
    copies.record_number,
    copies.record_kind,
    copies.record_id,
    copies.eval_number,
    told.language as language,
    copies.last_seen_at,
    copies.last_source_uri,
    copies.is_truncated
from staged.record_copies as copies
inner join (select page_id, unnest(languages) as told from staged.places) as places
    on places.page_id = copies.page_id and told.record_number = copies.record_number
where copies.copy_rank = 1
