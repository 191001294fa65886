-- One row a record: where the copy that the core tables use stands.
select page_id, record_number, record_kind, record_id, eval_number, last_seen_at, last_source_uri, is_truncated
from staged.record_copies
where copy_rank = 1
