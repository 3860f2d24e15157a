-- What became of the rows of a run's sources.
SELECT source, reason, "rows"
FROM run_rejects
WHERE run_id = @run_id
ORDER BY source, CASE reason WHEN 'read' THEN 0 WHEN 'used' THEN 1 ELSE 2 END, reason
