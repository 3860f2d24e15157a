-- How many customers moved between core segments, by cause.
SELECT cause, CAST(sum(customers) AS INT64) AS customers
FROM segment_transitions
WHERE as_of = @as_of AND segmentation = @segmentation AND from_segment <> to_segment
GROUP BY cause
ORDER BY cause
