-- One row a project that a recommendation was made to.
select
    copies.record_id as recommendation_id,
    project.position as position,
    project.label as project_symbol
from (select page_id, unnest(project_symbols) as project from staged.records) as records
inner join staged.current_copies as copies
    on copies.page_id = records.page_id and copies.record_number = project.record_number
where copies.record_kind = 'recommendation'
