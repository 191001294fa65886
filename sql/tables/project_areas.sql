-- One row a first part of a project symbol. What project_areas.csv says goes before the ISO codes of countries: CAM is
-- Central America there, not Cambodia (which is KHM), and TIM is Timor-Leste.
select area_code, area_kind, country_iso3, meaning from reference.project_areas
union all
select iso3, 'country', iso3, name from reference.countries
where iso3 not in (select area_code from reference.project_areas)
