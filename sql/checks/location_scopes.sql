-- A place that is a country has a country code, and any other place has none.
-- severity: error
select
    locations.eval_number,
    locations.country_label,
    locations.scope,
    locations.country_iso3
from main.evaluation_locations as locations
where (locations.scope is not distinct from 'country') <> (locations.country_iso3 is not null)
