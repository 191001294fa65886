-- One row a country or territory of ISO 3166-1 (Kosovo as XKX).
select
    iso3 as country_iso3,
    iso2 as country_iso2,
    m49 as country_m49,
    iso_official = '1' as is_iso_official,
    countries.name,
    name_fr,
    name_es,
    regions.region_code,
    ilo_subregion_broad,
    ilo_subregion_detailed,
    m49_region,
    m49_subregion,
    m49_intermediate as m49_intermediate_region,
    wb_income as income_group,
    ldc = '1' as is_ldc,
    lldc = '1' as is_lldc,
    sids = '1' as is_sids
from reference.countries as countries
left join main.regions as regions on regions.label = countries.ilo_region
