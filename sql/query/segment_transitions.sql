-- Who moved between segments since the previous generation, and why. The first cause that applies counts: they bought or
-- got money back; a rule was changed; cuts were learnt anew; they did something else; or nothing, and time passed.
WITH pairs AS (
  SELECT
    b.segment AS from_segment,
    n.segment AS to_segment,
    CASE
      WHEN b.customer_id IS NULL THEN 'new'
      WHEN n.customer_id IS NULL THEN 'left'
      WHEN b.segment = n.segment THEN 'none'
      WHEN f.last_order_on > @previous_as_of OR f.monetary_total <> w.monetary_total THEN 'purchase'
      WHEN @rule_changed THEN 'rule changed'
      WHEN @cut_moved THEN 'cut moved'
      WHEN f.last_order_on IS NULL THEN 'activity'
      ELSE 'silence'
    END AS cause,
    coalesce(f.value_last_horizon, 0) AS value
  FROM previous_members AS b
  FULL OUTER JOIN members AS n ON n.customer_id = b.customer_id
  LEFT JOIN customer_features AS f ON f.customer_id = n.customer_id
  LEFT JOIN was AS w ON w.customer_id = b.customer_id
)
SELECT
  date_from_unix_date(@as_of_day) AS as_of,
  @segmentation AS segmentation,
  coalesce(from_segment, '') AS from_segment,
  coalesce(to_segment, '') AS to_segment,
  cause,
  count(*) AS customers,
  CAST(sum(CAST(round(value * 10000) AS INT64)) AS FLOAT64) / 10000 AS value
FROM pairs
GROUP BY from_segment, to_segment, cause
