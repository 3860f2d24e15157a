-- How far the sessions of the days came, by the core segment as of then ('' is all), and by nothing else, by channel or by
-- landing page. A session has come to the furthest step that it has an event of, and has passed those before it; an order
-- from its beginning to half an hour after its last event is a purchase. Rows are by how far customers came at best;
-- sessions_1 to sessions_5 are their sessions by how far these came. Beyond the commonest, channels and pages are (other).
WITH bought AS (
  SELECT DISTINCT s.customer_id, s.session_key
  FROM web_sessions AS s
  JOIN orders AS o ON o.customer_id = s.customer_id AND o.ordered_us BETWEEN s.started_us AND s.ended_us + 1800000000
  WHERE o.ordered_hour IS NOT NULL AND o.ordered_day <= @as_of_day AND s.started_day > @as_of_day - @attribution_days
),
sessions AS (
  SELECT
    s.customer_id, s.started_day,
    coalesce(s.channel, '(none)') AS channel,
    coalesce(s.page, '(unknown)') AS page,
    CASE WHEN b.session_key IS NOT NULL THEN 5 ELSE s.step END AS step
  FROM web_sessions AS s
  LEFT JOIN bought AS b ON b.customer_id = s.customer_id AND b.session_key = s.session_key
  WHERE s.started_day > @as_of_day - @attribution_days
),
channels AS (
  SELECT channel, row_number() OVER (ORDER BY count(*) DESC, channel) AS place
  FROM sessions
  GROUP BY channel
),
pages AS (
  SELECT page, row_number() OVER (ORDER BY count(*) DESC, page) AS place
  FROM sessions
  GROUP BY page
),
visits AS (
  SELECT
    s.customer_id, s.step,
    CASE WHEN c.place <= @attribution_channels THEN s.channel ELSE '(other)' END AS channel,
    CASE WHEN p.place <= @funnel_pages THEN s.page ELSE '(other)' END AS page,
    coalesce(g.segment, '(unknown)') AS segment
  FROM sessions AS s
  JOIN channels AS c ON c.channel = s.channel
  JOIN pages AS p ON p.page = s.page
  LEFT JOIN segment_spans AS g ON g.customer_id = s.customer_id AND s.started_day BETWEEN g.first_day AND g.last_day
),
counted AS (
  SELECT customer_id, segment, channel, page, step, count(*) AS sessions
  FROM visits
  GROUP BY customer_id, segment, channel, page, step
),
cells AS (
  SELECT customer_id, segment, 'all' AS dimension, '' AS value, step, sessions FROM counted
  UNION ALL
  SELECT customer_id, segment, 'channel', channel, step, sessions FROM counted
  UNION ALL
  SELECT customer_id, segment, 'landing_page', page, step, sessions FROM counted
  UNION ALL
  SELECT customer_id, '', 'all', '', step, sessions FROM counted
  UNION ALL
  SELECT customer_id, '', 'channel', channel, step, sessions FROM counted
  UNION ALL
  SELECT customer_id, '', 'landing_page', page, step, sessions FROM counted
),
furthest AS (
  SELECT
    segment, dimension, value, customer_id,
    max(step) AS step,
    sum(CASE WHEN step = 1 THEN sessions ELSE 0 END) AS sessions_1,
    sum(CASE WHEN step = 2 THEN sessions ELSE 0 END) AS sessions_2,
    sum(CASE WHEN step = 3 THEN sessions ELSE 0 END) AS sessions_3,
    sum(CASE WHEN step = 4 THEN sessions ELSE 0 END) AS sessions_4,
    sum(CASE WHEN step = 5 THEN sessions ELSE 0 END) AS sessions_5
  FROM cells
  GROUP BY segment, dimension, value, customer_id
)
SELECT
  segment, dimension, value,
  CAST(step AS INT64) AS furthest,
  count(*) AS customers,
  CAST(sum(sessions_1) AS INT64) AS sessions_1,
  CAST(sum(sessions_2) AS INT64) AS sessions_2,
  CAST(sum(sessions_3) AS INT64) AS sessions_3,
  CAST(sum(sessions_4) AS INT64) AS sessions_4,
  CAST(sum(sessions_5) AS INT64) AS sessions_5
FROM furthest
GROUP BY segment, dimension, value, step
