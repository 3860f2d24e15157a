-- The sizes of the segments of a segmentation on a day.
SELECT segment, customers
FROM segment_profiles
WHERE as_of = @as_of AND segmentation = @segmentation
ORDER BY segment
