-- A page in use has only known keys, each once in its block, and no text where a key is expected.
-- severity: warning
select
    problems.source_uri,
    problems.line_number,
    problems.problem_code,
    problems.detail
from main.problems as problems
inner join raw.pages as pages on pages.page_id = problems.page_id
where
    problems.problem_code in ('unknown_key', 'repeated_key', 'unexpected_line', 'text_after_footer')
    and (pages.is_current or pages.record_id is null)
