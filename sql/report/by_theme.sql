-- One row a whole group of themes, one a topic of it, and one all recommendations: counts by follow-up status.
-- All recommendations come first, then the largest group and its topics, largest first; `Not stated` comes last.
select
    coalesce(implementation.topic_label, implementation.label) as label,
    implementation.is_total,
    implementation.label = 'Not stated' as is_not_stated,
    implementation.topic_label is not null as is_part,
    implementation.recommendations,
    implementation.completed,
    implementation.partially_completed,
    implementation.action_not_yet_taken,
    implementation.no_action_planned,
    implementation.rejected,
    implementation.unknown_response
from mart.implementation_by_theme as implementation
order by
    implementation.is_total desc,
    is_not_stated,
    max(implementation.recommendations) over (partition by implementation.group_label) desc,
    implementation.group_label,
    is_part,
    implementation.recommendations desc,
    implementation.label
