-- What a segment is: by name, in whichever segmentation has it.
SELECT segmentation, segment, segment_order, parent, rule, action, valid_from
FROM segment_definitions
WHERE lower(segment) = lower(@segment)
ORDER BY segmentation
