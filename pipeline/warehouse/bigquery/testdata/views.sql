CREATE TABLE IF NOT EXISTS `example-project`.`segments`.`run_lock` OPTIONS (description = "One row that every publish changes, so that of two at once BigQuery ends one.") AS
SELECT 0 AS changes;
CREATE OR REPLACE VIEW `example-project`.`segments`.`runs` OPTIONS (description = "The latest event of each run.") AS
SELECT * EXCEPT (nth) FROM (SELECT *, row_number() OVER (PARTITION BY run_id ORDER BY ended_at DESC, state) AS nth FROM `example-project`.`segments`.`run_events`) AS e WHERE nth = 1;
CREATE OR REPLACE VIEW `example-project`.`segments`.`dated_current` (`as_of` OPTIONS (description = "The \"day\"."), `run_id` OPTIONS (description = "The run."), `value` OPTIONS (description = "A number.")) OPTIONS (description = "The newest published date of dated.") AS
SELECT `as_of`, `run_id`, `value` FROM `example-project`.`segments`.`dated` WHERE as_of >= DATE '2026-11-20' AND as_of = (SELECT max(as_of) FROM `example-project`.`segments`.`runs` WHERE state = 'PUBLISHED' AND NOT backfill);
CREATE OR REPLACE VIEW `example-project`.`segments`.`audiences` OPTIONS (description = "Who.") AS
WITH `customer_segments_current` AS (SELECT * FROM `example-project`.`segments`.`customer_segments_current`
),
`customer_features_current` AS (SELECT * FROM `example-project`.`segments`.`customer_features_current`
),
`segment_profiles_current` AS (SELECT * FROM `example-project`.`segments`.`segment_profiles_current`
),
`segment_definitions` AS (SELECT * FROM `example-project`.`segments`.`segment_definitions`
),
who AS (
  SELECT
    s.*,
    f.email_allowed AND NOT coalesce(s.in_holdout, FALSE) AS may_be_mailed,
    f.email_allowed AND coalesce(s.in_holdout, FALSE) AS is_held_out
  FROM customer_segments_current AS s
  JOIN customer_features_current AS f ON f.customer_id = s.customer_id
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
    w.as_of,
    n.segmentation,
    CASE n.segmentation
      WHEN 'core_segment' THEN w.core_segment
      WHEN 'rfm_segment' THEN w.rfm_segment
      WHEN 'life_cycle' THEN w.life_cycle
      WHEN 'engagement' THEN w.engagement
      WHEN 'intent' THEN w.intent
      WHEN 'journey_stage' THEN w.journey_stage
      WHEN 'value_tier' THEN w.value_tier
      WHEN 'cluster' THEN w.cluster
    END AS segment,
    w.may_be_mailed,
    w.is_held_out
  FROM who AS w
  CROSS JOIN segmentations AS n
),
sizes AS (
  SELECT
    as_of, segmentation, segment,
    count(*) AS customers,
    CAST(sum(CASE WHEN may_be_mailed THEN 1 ELSE 0 END) AS INT64) AS mailable,
    CAST(sum(CASE WHEN is_held_out THEN 1 ELSE 0 END) AS INT64) AS held_out
  FROM members
  WHERE segment IS NOT NULL
  GROUP BY as_of, segmentation, segment
)
SELECT
  z.as_of, z.segmentation, z.segment, d.segment_order, d.parent, z.customers, z.mailable, z.held_out,
  z.customers / sum(z.customers) OVER (PARTITION BY z.segmentation) AS share,
  d.rule, d.action, p.sets_apart
FROM sizes AS z
LEFT JOIN segment_definitions AS d ON d.segmentation = z.segmentation AND d.segment = z.segment
LEFT JOIN segment_profiles_current AS p ON p.segmentation = z.segmentation AND p.segment = z.segment;
