-- One row a region under which evaluations are filed, and one all recommendations.
-- The region is the ILO's own region of the country; the printed one where the place is no known country.
select
    implementation.label,
    implementation.is_total,
    implementation.code as region_code,
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
where implementation.dimension = 'region'
