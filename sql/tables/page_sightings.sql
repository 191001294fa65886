-- One row a sighting of a page that said something new.
select distinct page_id, first_seen_at as seen_at, source_uri
from staged.sightings
