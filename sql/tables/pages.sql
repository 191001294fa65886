-- One row for every distinct content of a page that was ever read.
select
    store.page_id,
    facts.source_uri,
    facts.first_seen_at,
    store.byte_size,
    facts.layout,
    facts.host,
    facts.is_truncated,
    facts.status,
    facts.record_kind,
    facts.record_id,
    facts.record_count,
    facts.eval_number,
    facts.is_current,
    facts.line_count,
    facts.chrome_line_count,
    store.page_text,
    store.page_bytes_base64
from staged.pages as store
inner join staged.page_facts as facts on facts.page_id = store.page_id
