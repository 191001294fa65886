-- One row a record: where the copy that the core tables use stands.
select page_id, record_number, record_kind, record_id, eval_number, first_seen_at, source_uri, is_truncated
from staged.record_copies
where copy_rank = 1
