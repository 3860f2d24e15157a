-- The newest run published before @as_of.
SELECT run_id, as_of
FROM run_events
WHERE state = 'PUBLISHED' AND as_of < @as_of
ORDER BY as_of DESC, ended_at DESC
LIMIT 1
