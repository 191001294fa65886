-- Which recommendations contradict themselves: follow-up status one thing, progress another?
select
    conflicts.management_response_label as follow_up_status,
    conflicts.progress_label as progress,
    conflicts.progress_that_would_match,
    conflicts.response_date,
    conflicts.title as recommendation,
    conflicts.action_plan,
    conflicts.comments,
    conflicts.admin_units as offices,
    conflicts.eval_title as evaluation,
    conflicts.recommendation_id as number,
    conflicts.url
from mart.status_conflicts as conflicts
order by
    conflicts.management_response_label, conflicts.progress_label, conflicts.response_date nulls last,
    conflicts.recommendation_id
