-- Every label on a page in use is one that seeds/reference knows.
-- Add what is missing to the CSV that the problem names; `ieval check --unknown` prints it in its shape.
-- severity: warning
select
    problems.source_uri,
    problems.line_number,
    problems.problem_code,
    problems.detail
from main.problems as problems
inner join raw.pages as pages on pages.page_id = problems.page_id
where
    starts_with(problems.problem_code, 'unknown_')
    and problems.problem_code <> 'unknown_key'
    and problems.severity <> 'note'
    -- A copy that a newer or a complete one replaces has had its say.
    and (pages.is_current or pages.record_id is null)
