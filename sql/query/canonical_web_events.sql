-- Web events, a row for each distinct one. Of those with the same event_id the first is used, the others are duplicate_key.
WITH events AS (
  SELECT
    customer_id, occurred_us, occurred_day, occurred_hour, event_name, event_id, session_id, page, product_id, device,
    channel, duration_seconds, count(*) AS copies
  FROM source
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
),
judged AS (
  SELECT
    *,
    replace(replace(lower(event_name), ' ', '_'), '-', '_') AS name,
    CASE
      WHEN customer_id IS NULL THEN 'missing_customer_id'
      WHEN occurred_us IS NULL OR occurred_day IS NULL THEN 'missing_time'
      WHEN occurred_day < 1 THEN 'implausible_time'
      WHEN occurred_day > @today_day THEN 'future'
    END AS flaw
  FROM events
),
ranked AS (
  SELECT
    *,
    row_number() OVER (
      -- events without an event_id are not compared; customer and time keep their partitions small
      PARTITION BY flaw, event_id, CASE WHEN event_id IS NULL THEN customer_id END, CASE WHEN event_id IS NULL THEN occurred_us END
      ORDER BY
        occurred_us, customer_id, event_name NULLS LAST, session_id NULLS LAST, page NULLS LAST, product_id NULLS LAST,
        device NULLS LAST, channel NULLS LAST, duration_seconds NULLS LAST
    ) AS place
  FROM judged
),
checked AS (
  SELECT *, CASE WHEN flaw IS NULL AND event_id IS NOT NULL AND place > 1 THEN 'duplicate_key' ELSE flaw END AS reject
  FROM ranked
),
-- 30 minutes without an event end a session that has no name of its own. Only what came before an event says which
-- session it is in, so that later events change nothing.
gaps AS (
  SELECT
    *,
    CASE WHEN session_id IS NULL AND reject IS NULL THEN
      coalesce(occurred_us - lag(occurred_us) OVER (PARTITION BY customer_id, session_id, reject ORDER BY occurred_us) >= 1800000000, TRUE)
    END AS begins
  FROM checked
)
SELECT
  customer_id, occurred_us, occurred_day,
  CASE
    WHEN name IN ('page_view', 'product_view', 'add_to_cart', 'begin_checkout', 'purchase', 'search', 'form_submit', 'download')
    THEN name
    ELSE 'other'
  END AS event_name,
  CASE
    WHEN session_id IS NOT NULL THEN concat('id ', session_id)
    WHEN reject IS NULL THEN concat('at ', CAST(max(CASE WHEN begins THEN occurred_us END) OVER (
      PARTITION BY customer_id, session_id, reject ORDER BY occurred_us RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS STRING))
  END AS session_key,
  page,
  -- a length over a day is a mistake; so are NaN and what is below 0
  CASE WHEN duration_seconds BETWEEN 0 AND 86400 THEN CAST(round(duration_seconds * 1000000) AS INT64) ELSE 0 END AS duration_us,
  device,
  channel,
  copies,
  reject
FROM gaps
