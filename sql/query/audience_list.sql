-- The audiences in their order: the coarsest question first, and within a segmentation the best group.
SELECT as_of, segmentation, segment, customers, mailable, held_out, share, rule, action
FROM audiences
ORDER BY
  CASE segmentation WHEN 'core_segment' THEN 1 WHEN 'life_cycle' THEN 2 WHEN 'value_tier' THEN 3 WHEN 'cluster' THEN 5 ELSE 4 END,
  segmentation, segment_order NULLS LAST, segment
