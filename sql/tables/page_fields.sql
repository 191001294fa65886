-- One row a key of a page, or a further value of a list of values.
select
    page_id,
    field.line_number,
    field.line_count,
    field.path,
    field.value,
    field.value_line_number
from (select page_id, unnest(fields) as field from staged.records)
