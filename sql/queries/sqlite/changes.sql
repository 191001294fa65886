-- changes, as SQLite says it: its times are texts like 2026-01-31T05:00:00.000000Z.
select
    substr(changes.changed_at, 1, 10) as seen_on,
    changes.from_management_response as status_before,
    changes.to_management_response as status_now,
    changes.from_progress as progress_before,
    changes.to_progress as progress_now,
    changes.title as recommendation,
    changes.eval_title as evaluation,
    changes.recommendation_id as number,
    changes.url
from mart.status_changes as changes
where substr(changes.changed_at, 1, 10) >= $since
order by changes.changed_at desc, changes.recommendation_id
