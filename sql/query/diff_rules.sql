-- The segments whose definition has read as it does since a day after @since, up to @as_of.
SELECT segmentation, segment, rule
FROM segment_definitions
WHERE valid_from > @since AND valid_from <= @as_of
ORDER BY segmentation, segment
