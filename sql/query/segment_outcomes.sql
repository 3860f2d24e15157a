-- Customers, converters and the value of their conversions by segment, for one kind of conversion or any.
WITH converted AS (
  SELECT customer_id, CAST(sum(CAST(round(value * 10000) AS INT64)) AS INT64) AS value_e4
  FROM outcomes
  WHERE @conversion_kind = 'any' OR conversion_kind = @conversion_kind
  GROUP BY customer_id
)
SELECT
  m.segment,
  count(*) AS customers,
  count(c.customer_id) AS converters,
  CAST(CAST(sum(coalesce(c.value_e4, 0)) AS INT64) AS FLOAT64) / 10000 AS value
FROM members AS m
LEFT JOIN converted AS c ON c.customer_id = m.customer_id
WHERE m.segment IS NOT NULL
GROUP BY m.segment
ORDER BY m.segment
