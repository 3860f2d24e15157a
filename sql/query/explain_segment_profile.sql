-- What a segment was like on a day.
SELECT *
FROM segment_profiles
WHERE as_of = @as_of AND lower(segment) = lower(@segment)
ORDER BY segmentation
