-- The checks of a run, what failed first.
SELECT check_name, subject, state, detail
FROM run_checks
WHERE run_id = @run_id
ORDER BY CASE state WHEN 'failed' THEN 0 WHEN 'warned' THEN 1 WHEN 'not_evaluated' THEN 2 ELSE 3 END, check_name, subject
