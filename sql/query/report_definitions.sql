-- What the segments mean, best first.
SELECT segmentation, segment, segment_order, parent, rule, action, valid_from
FROM segment_definitions
ORDER BY segmentation, segment_order
