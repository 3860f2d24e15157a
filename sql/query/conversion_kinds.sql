-- The kinds of conversions there were.
SELECT DISTINCT conversion_kind
FROM outcomes
ORDER BY conversion_kind
