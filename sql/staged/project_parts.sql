-- One row a project symbol on any page, taken apart as far as it parses: AREA/YY/serial/DONOR, also with a blank for
-- the first slash (ZMB 18/02/RBS) and with digits for a donor (CAM/99/05/070). What does not parse, or no reference
-- table knows, is NULL; the symbol itself is always kept.
with symbols as (
    select distinct
        symbol.label as project_symbol,
        regexp_extract(
            symbol.label,
            '^([A-Z]{3})[/ ]([0-9]{2})/([0-9]{2,3})/([A-Z]{3,4}|[0-9]{2,3})$',
            ['area', 'year', 'serial', 'donor']
        ) as parts
    from (select unnest(project_symbols) as symbol from staged.records)
)

select
    symbols.project_symbol,
    parts.area <> '' as is_parsed,
    parts.area as area_letters,
    areas.area_code,
    areas.area_kind,
    areas.country_iso3,
    cast(nullif(parts.year, '') as bigint) + if(parts.year > '50', 1900, 2000) as start_year,
    nullif(parts.serial, '') as serial,
    parts.donor as donor_letters,
    donors.donor_code,
    donors.country_iso3 as donor_country_iso3,
    regexp_matches(project_symbol, '^NO_DC_SYMBOL') as is_placeholder
from symbols
left join main.project_areas as areas on areas.area_code = parts.area
left join main.project_donors as donors on donors.donor_code = parts.donor
