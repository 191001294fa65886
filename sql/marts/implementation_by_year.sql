-- One row a year of the management response, and one all recommendations.
select
    implementation.label,
    implementation.is_total,
    cast(implementation.code as bigint) as year,
    implementation.recommendations,
    implementation.completed,
    implementation.partially_completed,
    implementation.action_not_yet_taken,
    implementation.no_action_planned,
    implementation.rejected,
    implementation.unknown_response,
    implementation.achieved,
    implementation.partially_achieved,
    implementation.no_implementation,
    implementation.unknown_progress,
    implementation.completed_share,
    implementation.implemented_share
from mart.implementation as implementation
where implementation.dimension = 'year'
