-- The conversions that are divided among touches: those of the last @attribution_days. Purchases are of the kind order,
-- unless the conversions have a kind of that name, and a customer's first one ever is an acquisition too. One of which
-- only the day is known counts as the last thing of that day.
WITH bought AS (
  SELECT
    p.customer_id, p.order_id, p.ordered_us, p.ordered_day, p.ordered_hour, p.net_e4,
    p.ordered_day = c.first_day
      AND row_number() OVER (PARTITION BY p.customer_id, p.ordered_day ORDER BY p.ordered_us, p.order_id) = 1 AS is_first
  FROM purchases AS p
  JOIN customer_purchases AS c ON c.customer_id = p.customer_id
  WHERE p.ordered_day > @as_of_day - @attribution_days
),
conversions AS (
  SELECT customer_id, kind AS conversion_kind, converted_us, converted_day, converted_hour, coalesce(value_e4, 0) AS value_e4
  FROM canonical_conversions
  WHERE reject IS NULL AND converted_day BETWEEN @as_of_day - @attribution_days + 1 AND @as_of_day
  UNION ALL
  SELECT customer_id, 'order', ordered_us, ordered_day, ordered_hour, net_e4
  FROM bought
  WHERE NOT EXISTS (SELECT 1 FROM canonical_conversions WHERE reject IS NULL AND kind = 'order')
  UNION ALL
  SELECT customer_id, 'acquisition', ordered_us, ordered_day, ordered_hour, net_e4
  FROM bought
  WHERE is_first AND NOT EXISTS (SELECT 1 FROM canonical_conversions WHERE reject IS NULL AND kind = 'acquisition')
),
timed AS (
  SELECT
    customer_id, conversion_kind, converted_day, value_e4,
    CASE WHEN converted_hour IS NULL THEN converted_us + 86399999999 ELSE converted_us END AS converted_us
  FROM conversions
  WHERE customer_id IN (SELECT customer_id FROM customer_features)
)
SELECT
  t.conversion_kind, t.customer_id, t.converted_us, t.value_e4,
  row_number() OVER (PARTITION BY t.conversion_kind, t.customer_id ORDER BY t.converted_us, t.value_e4) AS number,
  coalesce(s.segment, '(unknown)') AS segment
FROM timed AS t
LEFT JOIN segment_spans AS s ON s.customer_id = t.customer_id AND t.converted_day BETWEEN s.first_day AND s.last_day
