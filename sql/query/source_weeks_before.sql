-- The rows of the sources by week that the run of the previous as-of day has used.
SELECT source, week, used_rows, amount
FROM source_weeks
WHERE as_of = @as_of
ORDER BY source, week
