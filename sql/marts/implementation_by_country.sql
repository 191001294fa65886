-- One row a country or other place under which evaluations are filed, and one all recommendations.
-- Scopes (Inter-Regional) and labels that we do not know stand as printed, without a code.
select
    implementation.label,
    implementation.is_total,
    implementation.code as country_iso3,
    implementation.outer_label as region_label,
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
where implementation.dimension = 'country'
