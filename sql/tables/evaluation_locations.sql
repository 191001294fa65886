-- One row a country or scope under which an evaluation is filed, from the current pages of its records.
-- Where two pages print another region beside the same label, the complete and newest page decides.
select
    copies.eval_number,
    locations.country_label,
    locations.region_label,
    locations.scope,
    locations.country_iso3,
    locations.region_code,
    locations.is_region_consistent
from staged.current_copies as copies
inner join staged.locations as locations on locations.page_id = copies.page_id
where copies.eval_number is not null
qualify row_number() over (
    partition by copies.eval_number, locations.country_label
    order by
        locations.region_label is null,
        copies.is_truncated,
        copies.last_seen_at desc,
        copies.last_source_uri desc,
        copies.page_id
) = 1
