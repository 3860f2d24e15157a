-- The groups of the newest published day, with what they mean.
SELECT p.as_of, p.segmentation, p.segment, p.customers, p.share, d.rule, d.action, p.sets_apart
FROM segment_profiles_current AS p
LEFT JOIN segment_definitions AS d ON d.segmentation = p.segmentation AND d.segment = p.segment
