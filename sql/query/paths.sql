-- The way to each conversion: its last @attribution_touches touches within the window, a row for each, in their order. A
-- conversion without any has one row, of no channel.
WITH reached AS (
  SELECT
    c.conversion_kind, c.customer_id, c.number, c.converted_us, c.value_e4, t.channel, t.before, t.occurred_day,
    coalesce(t.segment, c.segment) AS segment,
    row_number() OVER (PARTITION BY c.conversion_kind, c.customer_id, c.number ORDER BY t.from_end) AS from_end,
    count(*) OVER (PARTITION BY c.conversion_kind, c.customer_id, c.number) AS touches,
    max(t.occurred_day) OVER (PARTITION BY c.conversion_kind, c.customer_id, c.number) AS last_day
  FROM attributed_conversions AS c
  LEFT JOIN touches AS t ON t.customer_id = c.customer_id
    AND t.occurred_us BETWEEN c.converted_us - @attribution_window_days * 86400000000 AND c.converted_us
)
SELECT
  conversion_kind, customer_id, number, converted_us, value_e4, channel, segment,
  least(touches, @attribution_touches) - from_end + 1 AS place,
  least(touches, @attribution_touches) AS length,
  coalesce(last_day - occurred_day, 0) AS days,
  CASE WHEN from_end < least(touches, @attribution_touches) THEN before END AS before
FROM reached
WHERE from_end <= @attribution_touches
