-- One row an ILO office or unit responsible for a recommendation.
select
    copies.record_id as recommendation_id,
    unit.position as position,
    unit.label as admin_unit_label,
    admin_units.admin_unit_code
from (select page_id, unnest(admin_units) as unit from staged.records) as records
inner join staged.current_copies as copies
    on copies.page_id = records.page_id and copies.record_number = unit.record_number
left join main.admin_units as admin_units on admin_units.label = unit.label
where copies.record_kind = 'recommendation'
