-- Moments of the behavior window, a row for each customer who viewed a product in it.
WITH events AS (
  SELECT customer_id, occurred_us, occurred_day, event_name
  FROM canonical_web_events
  WHERE reject IS NULL AND occurred_day BETWEEN @as_of_day - @web_window_days + 1 AND @as_of_day
    AND event_name IN ('product_view', 'add_to_cart', 'begin_checkout')
),
views AS (
  SELECT
    customer_id, occurred_us,
    count(*) OVER (
      PARTITION BY customer_id ORDER BY occurred_us RANGE BETWEEN 86400000000 PRECEDING AND CURRENT ROW
    ) AS views_24h
  FROM events
  WHERE event_name = 'product_view'
),
viewers AS (
  SELECT
    customer_id,
    min(occurred_us) AS first_view_us,
    max(views_24h) AS product_views_24h_max,
    max(CASE WHEN views_24h >= @hot_lead_views THEN occurred_us END) AS hot_lead_us
  FROM views
  GROUP BY customer_id
),
carts AS (
  SELECT e.customer_id, e.occurred_us, e.occurred_day
  FROM events AS e
  JOIN viewers AS v ON v.customer_id = e.customer_id
  WHERE e.event_name <> 'product_view' AND e.occurred_us >= v.first_view_us
    AND e.occurred_us + 86400000000 <= @as_of_end_us
),
abandoned AS (
  SELECT customer_id, max(occurred_us) AS cart_abandoned_us
  FROM carts AS c
  WHERE NOT EXISTS (
    SELECT 1
    FROM buying_moments AS b
    WHERE b.customer_id = c.customer_id AND (
      b.bought_us BETWEEN c.occurred_us AND c.occurred_us + 86400000000
      OR b.bought_day BETWEEN c.occurred_day AND c.occurred_day + 1
    )
  )
  GROUP BY customer_id
)
SELECT v.customer_id, v.product_views_24h_max, v.hot_lead_us, a.cart_abandoned_us
FROM viewers AS v
LEFT JOIN abandoned AS a ON a.customer_id = v.customer_id
