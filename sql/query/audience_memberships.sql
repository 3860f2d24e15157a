-- Who of the newest published day may be e-mailed, by group (see email_allowed of customer_features). Who objects to
-- profiling is in no segment, and who is in the holdout gets nothing.
WITH allowed AS (
  SELECT s.*
  FROM customer_segments_current AS s
  JOIN customer_features_current AS f ON f.customer_id = s.customer_id
  WHERE f.email_allowed AND NOT coalesce(s.in_holdout, FALSE)
),
segmentations AS (
  SELECT 'core_segment' AS segmentation
  UNION ALL SELECT 'rfm_segment'
  UNION ALL SELECT 'life_cycle'
  UNION ALL SELECT 'engagement'
  UNION ALL SELECT 'intent'
  UNION ALL SELECT 'journey_stage'
  UNION ALL SELECT 'value_tier'
  UNION ALL SELECT 'cluster'
),
members AS (
  SELECT
    a.as_of,
    a.customer_id,
    n.segmentation,
    CASE n.segmentation
      WHEN 'core_segment' THEN a.core_segment
      WHEN 'rfm_segment' THEN a.rfm_segment
      WHEN 'life_cycle' THEN a.life_cycle
      WHEN 'engagement' THEN a.engagement
      WHEN 'intent' THEN a.intent
      WHEN 'journey_stage' THEN a.journey_stage
      WHEN 'value_tier' THEN a.value_tier
      WHEN 'cluster' THEN a.cluster
    END AS segment
  FROM allowed AS a
  CROSS JOIN segmentations AS n
)
SELECT as_of, customer_id, segmentation, segment
FROM members
WHERE segment IS NOT NULL
