-- Habits as of the date, a row for each customer who has one. A habit is the value whose share with the customer is
-- proven to lie above its share with everybody: three times or more, and the lower bound of Wilson's 95 % interval
-- (E. B. Wilson, JASA 22, 1927) above it. Of several, the best proven, then the smallest.
WITH counts AS (
  SELECT customer_id, 'weekday' AS habit, CAST(mod(ordered_day + 3, 7) + 1 AS STRING) AS value, count(*) AS n
  FROM (SELECT DISTINCT customer_id, ordered_day FROM purchases) AS d
  GROUP BY customer_id, 3
  UNION ALL
  SELECT
    customer_id, 'day_part',
    CASE div(ordered_hour, 6) WHEN 0 THEN 'night' WHEN 1 THEN 'morning' WHEN 2 THEN 'afternoon' ELSE 'evening' END,
    count(*)
  FROM purchases
  WHERE ordered_hour IS NOT NULL
  GROUP BY customer_id, 3
  UNION ALL
  SELECT customer_id, 'channel', channel, count(*)
  FROM purchases
  WHERE channel IS NOT NULL
  GROUP BY customer_id, channel
  UNION ALL
  SELECT customer_id, 'category', category, count(*)
  FROM (
    SELECT DISTINCT l.customer_id, l.order_id, l.category
    FROM order_lines AS l
    LEFT JOIN (SELECT customer_id, order_id FROM known_orders WHERE NOT is_purchase) AS r
      ON r.customer_id = l.customer_id AND r.order_id = l.order_id
    WHERE r.order_id IS NULL AND l.amount_e4 >= 0 AND l.category IS NOT NULL AND l.ordered_day <= @as_of_day
  ) AS c
  GROUP BY customer_id, category
  UNION ALL
  SELECT customer_id, 'device', device, count(*)
  FROM (
    SELECT DISTINCT customer_id, device, session_key
    FROM canonical_web_events
    WHERE reject IS NULL AND device IS NOT NULL AND occurred_day BETWEEN @as_of_day - @web_window_days + 1 AND @as_of_day
  ) AS s
  GROUP BY customer_id, device
),
base AS (
  SELECT habit, value, CAST(sum(n) AS FLOAT64) / sum(sum(n)) OVER (PARTITION BY habit) AS share
  FROM counts
  GROUP BY habit, value
),
totals AS (
  SELECT customer_id, habit, CAST(sum(n) AS FLOAT64) AS total
  FROM counts
  GROUP BY customer_id, habit
  HAVING sum(n) >= 3
),
bounds AS (
  SELECT
    c.customer_id, c.habit, c.value, b.share,
    (c.n / t.total + 1.9208 / t.total - 1.96 * sqrt((c.n / t.total * (1 - c.n / t.total) + 0.9604 / t.total) / t.total)) / (1 + 3.8416 / t.total) AS bound
  FROM counts AS c
  JOIN totals AS t ON t.customer_id = c.customer_id AND t.habit = c.habit
  JOIN base AS b ON b.habit = c.habit AND b.value = c.value
  WHERE c.n >= 3
),
proven AS (
  SELECT
    customer_id, habit, value,
    row_number() OVER (PARTITION BY customer_id, habit ORDER BY bound - share DESC, value) AS place
  FROM bounds
  WHERE bound > share
)
SELECT
  customer_id,
  CAST(max(CASE WHEN habit = 'weekday' THEN value END) AS INT64) AS weekday,
  max(CASE WHEN habit = 'day_part' THEN value END) AS day_part,
  max(CASE WHEN habit = 'channel' THEN value END) AS channel,
  max(CASE WHEN habit = 'category' THEN value END) AS category,
  max(CASE WHEN habit = 'device' THEN value END) AS device
FROM proven
WHERE place = 1
GROUP BY customer_id
