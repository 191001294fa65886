-- What is wrong with the pages that were read?
-- Every problem with its page and line, the worst first.
-- $severity (text from main.problem_codes.severity, default NULL): only problems of this severity: note, warning or error
select
    problems.severity,
    problems.problem_code as problem,
    problems.detail,
    problems.source_uri as page,
    problems.line_number as line,
    problems.field,
    pages.is_current as copy_is_in_use,
    codes.meaning
from main.problems as problems
inner join raw.pages as pages on pages.page_id = problems.page_id
inner join main.problem_codes as codes on codes.problem_code = problems.problem_code
where cast($severity as varchar) is null or problems.severity = lower(cast($severity as varchar))
order by
    case problems.severity when 'error' then 1 when 'warning' then 2 else 3 end,
    problems.problem_code, problems.source_uri, problems.line_number nulls first, problems.problem_number
