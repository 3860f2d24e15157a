-- The way of every row of the sources: read; used; merged with an equal one (duplicate); put aside, by reason; and later
-- than the as-of day, which the backtest of a later date will use. read is the sum of all reasons that are not notes.
-- A note counts used rows in which something was mended or read as no.
WITH pieces AS (
  SELECT
    'customers' AS source, reject, copies, created_day AS day, CASE WHEN unreadable_consent THEN 'unreadable_consent' ELSE '' END AS note
  FROM canonical_customers
  UNION ALL
  SELECT 'orders', reject, copies, ordered_day, CASE WHEN refund_above_amount THEN 'refund_above_amount' ELSE '' END FROM canonical_orders
  UNION ALL
  SELECT 'web_events', reject, copies, occurred_day, CASE WHEN event_name = 'other' THEN 'other_event' ELSE '' END FROM canonical_web_events
  UNION ALL
  SELECT 'email_events', reject, copies, occurred_day, CASE WHEN event_name = 'other' THEN 'other_event' ELSE '' END FROM canonical_email_events
  UNION ALL
  SELECT 'conversions', reject, copies, converted_day, '' FROM canonical_conversions
  UNION ALL
  SELECT 'experiments', reject, copies, assigned_day, '' FROM canonical_experiments
  UNION ALL
  SELECT 'touchpoints', reject, copies, occurred_day, '' FROM canonical_touchpoints
  UNION ALL
  SELECT 'costs', reject, copies, spent_day, '' FROM canonical_costs
),
counts AS (
  SELECT
    source,
    coalesce(reject, CASE WHEN day > @as_of_day THEN 'later' ELSE 'used' END) AS reason,
    note,
    count(*) AS kept,
    CAST(sum(copies) AS INT64) AS copies
  FROM pieces
  GROUP BY 1, 2, 3
)
SELECT source, 'read' AS reason, CAST(sum(copies) AS INT64) AS "rows", FALSE AS note
FROM counts
GROUP BY source
UNION ALL
SELECT source, 'duplicate', CAST(sum(copies - kept) AS INT64), FALSE
FROM counts
GROUP BY source
HAVING sum(copies - kept) > 0
UNION ALL
SELECT source, reason, CAST(sum(kept) AS INT64), FALSE
FROM counts
GROUP BY source, reason
UNION ALL
SELECT source, note, CAST(sum(kept) AS INT64), TRUE
FROM counts
WHERE note <> '' AND reason = 'used'
GROUP BY source, note
ORDER BY 1, 2
