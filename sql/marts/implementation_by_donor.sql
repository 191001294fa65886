-- One row a donor of the projects that recommendations are about, and one all recommendations.
-- The donor is read from the letters of the project symbols.
select
    implementation.label,
    implementation.is_total,
    implementation.code as donor_codes,
    implementation.outer_label as donor_kind,
    countries.country_iso3 as donor_country_iso3,
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
left join main.countries as countries
    on implementation.outer_label = 'country' and countries.name = implementation.label
where implementation.dimension = 'donor'
