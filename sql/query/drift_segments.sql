-- The sizes of the segments now, and on the two days that they are compared with.
SELECT as_of, segmentation, segment, customers FROM profiles_now
UNION ALL
SELECT as_of, segmentation, segment, customers
FROM segment_profiles
WHERE as_of IN (@previous_as_of, @far_as_of)
ORDER BY as_of, segmentation, segment
