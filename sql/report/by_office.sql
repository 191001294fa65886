-- One row an office or unit, and one all recommendations: counts by follow-up status.
-- All recommendations come first, then the largest; `Not stated` comes last.
select
    implementation.label,
    implementation.is_total,
    implementation.label = 'Not stated' as is_not_stated,
    false as is_part,
    implementation.recommendations,
    implementation.completed,
    implementation.partially_completed,
    implementation.action_not_yet_taken,
    implementation.no_action_planned,
    implementation.rejected,
    implementation.unknown_response
from mart.implementation_by_admin_unit as implementation
order by
    implementation.is_total desc,
    is_not_stated,
    implementation.recommendations desc,
    implementation.label
