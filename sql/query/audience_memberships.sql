-- Who of the newest published day may be e-mailed, by group: who agreed to e-mail and has not unsubscribed since. Who
-- objects to profiling is in no segment.
WITH allowed AS (
  SELECT s.*
  FROM customer_segments_current AS s
  JOIN customer_features_current AS f ON f.customer_id = s.customer_id
  WHERE f.consent_email AND f.email_unsubscribed_on IS NULL
)
SELECT as_of, customer_id, 'core_segment' AS segmentation, core_segment AS segment FROM allowed WHERE core_segment IS NOT NULL
UNION ALL
SELECT as_of, customer_id, 'life_cycle', life_cycle FROM allowed WHERE life_cycle IS NOT NULL
UNION ALL
SELECT as_of, customer_id, 'engagement', engagement FROM allowed WHERE engagement IS NOT NULL
UNION ALL
SELECT as_of, customer_id, 'intent', intent FROM allowed WHERE intent IS NOT NULL
UNION ALL
SELECT as_of, customer_id, 'journey_stage', journey_stage FROM allowed WHERE journey_stage IS NOT NULL
UNION ALL
SELECT as_of, customer_id, 'value_tier', value_tier FROM allowed WHERE value_tier IS NOT NULL
UNION ALL
SELECT as_of, customer_id, 'cluster', cluster FROM allowed WHERE cluster IS NOT NULL
