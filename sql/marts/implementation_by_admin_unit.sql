-- One row an ILO office or unit that is responsible for recommendations, and one all recommendations.
select
    implementation.label,
    implementation.is_total,
    implementation.code as admin_unit_code,
    implementation.outer_label as kind,
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
where implementation.dimension = 'admin unit'
