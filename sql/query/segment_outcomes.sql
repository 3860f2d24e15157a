-- Customers, converters and the value of their conversions by segmentation and segment, within each of the horizons, for each kind
-- of conversion and for any of them. Where nobody of a segment converted, the counts are 0.
WITH converted AS (
  SELECT customer_id, conversion_kind, horizon_days, value_e4
  FROM outcomes
  WHERE conversion_kind <> 'any'
  UNION ALL
  SELECT customer_id, 'any', horizon_days, CAST(sum(value_e4) AS INT64)
  FROM outcomes
  GROUP BY customer_id, horizon_days
),
sizes AS (
  SELECT segmentation, segment, count(*) AS customers
  FROM memberships
  WHERE segment IS NOT NULL
  GROUP BY segmentation, segment
),
kinds AS (
  SELECT DISTINCT conversion_kind
  FROM outcomes
  WHERE conversion_kind <> 'any'
  UNION ALL
  SELECT 'any'
),
hits AS (
  SELECT m.segmentation, m.segment, c.conversion_kind, c.horizon_days, count(*) AS converters, CAST(sum(c.value_e4) AS INT64) AS value_e4
  FROM memberships AS m
  JOIN converted AS c ON c.customer_id = m.customer_id
  WHERE m.segment IS NOT NULL
  GROUP BY m.segmentation, m.segment, c.conversion_kind, c.horizon_days
)
SELECT
  s.segmentation,
  s.segment,
  k.conversion_kind,
  h.horizon_days,
  s.customers,
  coalesce(c.converters, 0) AS converters,
  CAST(coalesce(c.value_e4, 0) AS FLOAT64) / 10000 AS value
FROM sizes AS s
CROSS JOIN kinds AS k
CROSS JOIN horizons AS h
LEFT JOIN hits AS c
  ON c.segmentation = s.segmentation AND c.segment = s.segment
  AND c.conversion_kind = k.conversion_kind AND c.horizon_days = h.horizon_days
ORDER BY s.segmentation, k.conversion_kind, h.horizon_days, s.segment
