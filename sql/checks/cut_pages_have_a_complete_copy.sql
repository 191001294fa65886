-- A record that is on a cut page is also on a complete one.
-- A page that is cut inside its footer has lost nothing.
-- severity: warning
select
    pages.page_id,
    pages.source_uri,
    pages.record_kind,
    pages.record_id
from raw.pages as pages
where
    pages.is_truncated
    and (pages.is_current or pages.record_id is null)
    and not exists (
        select 1
        from main.problems as problems
        where problems.page_id = pages.page_id and problems.problem_code = 'cut_in_footer'
    )
