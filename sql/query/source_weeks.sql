-- The used rows of the sources by week: those up to the as-of day, and of them those up to the previous as-of day. A week is
-- called after its first day, counted from 1970-01-01, which was a Thursday; rows without a day are in week 0. span is 0 for the
-- @span_days days up to the as-of day, 1 to 4 for as many days that lie @span_step days earlier, twice that, and so on, and -1 for
-- all others. Amounts are those of the lines of orders, in ten-thousandths.
WITH pieces AS (
  SELECT 'customers' AS source, created_day AS day, CAST(NULL AS INT64) AS amount_e4
  FROM canonical_customers
  WHERE reject IS NULL
  UNION ALL
  SELECT 'orders', ordered_day, amount_e4
  FROM order_lines
  UNION ALL
  SELECT 'web_events', occurred_day, NULL
  FROM canonical_web_events
  WHERE reject IS NULL
  UNION ALL
  SELECT 'email_events', occurred_day, NULL
  FROM canonical_email_events
  WHERE reject IS NULL
  UNION ALL
  SELECT 'conversions', converted_day, NULL
  FROM canonical_conversions
  WHERE reject IS NULL
  UNION ALL
  SELECT 'experiments', assigned_day, NULL
  FROM canonical_experiments
  WHERE reject IS NULL
  UNION ALL
  SELECT 'touchpoints', occurred_day, NULL
  FROM canonical_touchpoints
  WHERE reject IS NULL
  UNION ALL
  SELECT 'costs', spent_day, NULL
  FROM canonical_costs
  WHERE reject IS NULL
),
placed AS (
  SELECT
    source,
    coalesce(day - mod(day, 7), 0) AS week,
    CASE
      WHEN @as_of_day - day < @span_days THEN 0
      WHEN @as_of_day - day >= @span_step AND @as_of_day - day < @span_step + @span_days THEN 1
      WHEN @as_of_day - day >= 2 * @span_step AND @as_of_day - day < 2 * @span_step + @span_days THEN 2
      WHEN @as_of_day - day >= 3 * @span_step AND @as_of_day - day < 3 * @span_step + @span_days THEN 3
      WHEN @as_of_day - day >= 4 * @span_step AND @as_of_day - day < 4 * @span_step + @span_days THEN 4
      ELSE -1
    END AS span,
    coalesce(day <= @previous_day, TRUE) AS earlier,
    coalesce(amount_e4, 0) AS amount_e4
  FROM pieces
  WHERE day IS NULL OR day <= @as_of_day
)
SELECT
  source, week, span,
  count(*) AS used_rows,
  CAST(sum(CASE WHEN earlier THEN 1 ELSE 0 END) AS INT64) AS earlier_rows,
  CAST(sum(amount_e4) AS INT64) AS amount_e4,
  CAST(sum(CASE WHEN earlier THEN amount_e4 ELSE 0 END) AS INT64) AS earlier_amount_e4
FROM placed
GROUP BY source, week, span
ORDER BY source, week, span
