-- All recommendations of an evaluation share one date of response.
-- severity: warning
select
    recommendations.eval_number,
    count(distinct recommendations.response_date) as response_dates,
    min(recommendations.response_date) as first_response_date,
    max(recommendations.response_date) as last_response_date
from main.recommendations as recommendations
where recommendations.eval_number is not null
group by recommendations.eval_number
having count(distinct recommendations.response_date) > 1
