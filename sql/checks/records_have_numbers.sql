-- Every record has a number.
-- One without it has no row in the core tables; its fields stay in raw.page_fields.
-- severity: warning
select
    pages.page_id,
    pages.source_uri,
    pages.record_kind,
    pages.eval_number
from raw.pages as pages
where pages.status = 'record' and pages.record_count > 0 and pages.record_id is null
