-- Sessions on the web of the segmented customers, in the days that touches are looked for: where each came from and
-- landed, and how far it came. What the first event says counts; of several at one moment, the first in the order of
-- texts. So that no sort is needed, that is the smallest of texts which begin with the moment, in 17 digits, and a digit
-- that says whether there is anything.
WITH sessions AS (
  SELECT
    customer_id, session_key,
    min(occurred_us) AS started_us,
    min(occurred_day) AS started_day,
    max(occurred_us) AS ended_us,
    min(concat(CAST(occurred_us + 10000000000000000 AS STRING), CASE WHEN channel IS NULL THEN '1' ELSE concat('0', channel) END)) AS channel,
    min(concat(CAST(occurred_us + 10000000000000000 AS STRING), CASE WHEN page IS NULL THEN '1' ELSE concat('0', page) END)) AS page,
    max(CASE event_name
      WHEN 'purchase' THEN 5
      WHEN 'begin_checkout' THEN 4
      WHEN 'add_to_cart' THEN 3
      WHEN 'product_view' THEN 2
      ELSE 1
    END) AS step
  FROM canonical_web_events
  WHERE reject IS NULL AND occurred_day BETWEEN @as_of_day - @attribution_days - @attribution_window_days + 1 AND @as_of_day
    AND customer_id IN (SELECT customer_id FROM customer_features)
  GROUP BY customer_id, session_key
)
SELECT
  customer_id, session_key, started_us, started_day, ended_us,
  CASE WHEN substr(channel, 18, 1) = '0' THEN substr(channel, 19) END AS channel,
  CASE WHEN substr(page, 18, 1) = '0' THEN substr(page, 19) END AS page,
  step
FROM sessions
