-- Which recommendations have changed their status?
-- Seen by comparing the copies of a page that were read over time; a repaired text is no change of status.
-- $since (date, default 2020-01-01): changes that were seen on this day (UTC) or later
select
    cast(changes.changed_at at time zone 'UTC' as date) as seen_on,
    changes.from_management_response as status_before,
    changes.to_management_response as status_now,
    changes.from_progress as progress_before,
    changes.to_progress as progress_now,
    changes.title as recommendation,
    changes.eval_title as evaluation,
    changes.recommendation_id as number,
    changes.url
from mart.status_changes as changes
where cast(changes.changed_at at time zone 'UTC' as date) >= cast($since as date)
order by changes.changed_at desc, changes.recommendation_id
