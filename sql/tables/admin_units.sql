-- One row an ILO office or unit.
select admin_unit_code, label, kind, seat_city, seat_country_iso3 from reference.admin_units
