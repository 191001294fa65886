-- One row a kind of problem, from the closed list in pipelines/problems.py.
select problem_code, severity, meaning from reference.problem_codes
