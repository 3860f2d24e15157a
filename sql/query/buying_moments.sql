-- When customers bought, for what starts again with it: orders, whatever became of them later, and purchases seen on
-- the web. An order of which only the day is known has no moment.
SELECT
  customer_id,
  CASE WHEN ordered_hour IS NOT NULL THEN ordered_us END AS bought_us,
  CASE WHEN ordered_hour IS NULL THEN ordered_day END AS bought_day
FROM orders
WHERE ordered_day BETWEEN @as_of_day - greatest(@web_window_days, @intent_window_days) AND @as_of_day
UNION ALL
SELECT customer_id, occurred_us, NULL
FROM canonical_web_events
WHERE reject IS NULL AND event_name = 'purchase'
  AND occurred_day BETWEEN @as_of_day - greatest(@web_window_days, @intent_window_days) AND @as_of_day
