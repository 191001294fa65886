-- One row a project symbol that a recommendation names, taken apart as far as it parses.
select
    project_symbol,
    area_code,
    area_kind,
    country_iso3,
    start_year,
    serial,
    donor_code,
    donor_country_iso3,
    is_placeholder
from staged.project_parts
where project_symbol in (select project_symbol from main.recommendation_projects)
