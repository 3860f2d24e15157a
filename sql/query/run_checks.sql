-- The checks of a run, what failed first.
SELECT check_name, subject, state, detail
FROM run_checks
WHERE run_id = @run_id
ORDER BY CASE state WHEN 'failed' THEN 0 WHEN 'accepted' THEN 1 WHEN 'warned' THEN 2 WHEN 'not_evaluated' THEN 3 ELSE 4 END, check_name, subject
