-- What reached customers, a row for each distinct touch.
WITH touches AS (
  SELECT customer_id, occurred_us, occurred_day, occurred_hour, channel, campaign_id, count(*) AS copies
  FROM source
  GROUP BY 1, 2, 3, 4, 5, 6
)
SELECT
  customer_id, occurred_us, occurred_day, channel, campaign_id,
  copies,
  CASE
    WHEN customer_id IS NULL THEN 'missing_customer_id'
    WHEN channel IS NULL THEN 'missing_channel'
    WHEN occurred_us IS NULL OR occurred_day IS NULL THEN 'missing_time'
    WHEN occurred_day < 1 THEN 'implausible_time'
    WHEN occurred_day > @today_day THEN 'future'
  END AS reject
FROM touches
