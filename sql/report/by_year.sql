-- One row a year of the management response, and one all recommendations: counts by follow-up status.
-- All recommendations come first, then the newest year; `Not stated` comes last.
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
from mart.implementation_by_year as implementation
order by implementation.is_total desc, is_not_stated, implementation.year desc
