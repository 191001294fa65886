-- One row a last part of a project symbol. What project_donors.csv says goes before the ISO codes of countries.
select donor_code, donor_kind, country_iso3, meaning from reference.project_donors
union all
select iso3, 'country', iso3, name from reference.countries
where iso3 not in (select donor_code from reference.project_donors)
