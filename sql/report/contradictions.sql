-- One row a recommendation whose statuses contradict each other: the ten that were answered last.
select
    conflicts.recommendation_id,
    conflicts.response_date,
    conflicts.title,
    conflicts.management_response_label,
    conflicts.progress_label,
    conflicts.url
from mart.status_conflicts as conflicts
order by conflicts.response_date desc nulls last, conflicts.recommendation_id
limit 10
