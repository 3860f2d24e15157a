-- What reached the segmented customers through which channel, in their order, and the core segment as of then. Without a
-- source of touches they are the sessions on the web that have a channel and each day's first click in an e-mail; where
-- clicks are known, a session from an e-mail is none beside its click. Beyond the @attribution_channels commonest,
-- channels are (other). before is the channel of the customer's touch before.
WITH found AS (
  SELECT customer_id, occurred_us, occurred_day, channel
  FROM canonical_touchpoints
  WHERE reject IS NULL AND occurred_day BETWEEN @as_of_day - @attribution_days - @attribution_window_days + 1 AND @as_of_day
    AND customer_id IN (SELECT customer_id FROM customer_features)
  UNION ALL
  SELECT customer_id, started_us, started_day, channel
  FROM web_sessions
  WHERE NOT @has_touchpoints AND channel IS NOT NULL AND NOT (@has_email AND lower(channel) = 'email')
  UNION ALL
  SELECT customer_id, min(occurred_us), occurred_day, 'email'
  FROM canonical_email_events
  WHERE NOT @has_touchpoints AND reject IS NULL AND event_name = 'click'
    AND occurred_day BETWEEN @as_of_day - @attribution_days - @attribution_window_days + 1 AND @as_of_day
    AND customer_id IN (SELECT customer_id FROM customer_features)
  GROUP BY customer_id, occurred_day
),
channels AS (
  SELECT channel, row_number() OVER (ORDER BY count(*) DESC, channel) AS place
  FROM found
  GROUP BY channel
),
told AS (
  SELECT
    f.customer_id, f.occurred_us, f.occurred_day,
    CASE WHEN c.place <= @attribution_channels THEN f.channel ELSE '(other)' END AS channel,
    coalesce(s.segment, '(unknown)') AS segment
  FROM found AS f
  JOIN channels AS c ON c.channel = f.channel
  LEFT JOIN segment_spans AS s ON s.customer_id = f.customer_id AND f.occurred_day BETWEEN s.first_day AND s.last_day
)
SELECT
  customer_id, occurred_us, occurred_day, channel, segment,
  count(*) OVER (PARTITION BY customer_id) - row_number() OVER (PARTITION BY customer_id ORDER BY occurred_us, channel) + 1 AS from_end,
  lag(occurred_us) OVER (PARTITION BY customer_id ORDER BY occurred_us, channel) AS before_us,
  lag(occurred_day) OVER (PARTITION BY customer_id ORDER BY occurred_us, channel) AS before_day,
  lag(channel) OVER (PARTITION BY customer_id ORDER BY occurred_us, channel) AS before
FROM told
