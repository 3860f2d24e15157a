-- What was spent on each channel in the days, by currency. What has a rate is in the currency of the outputs.
SELECT
  c.channel, c.currency, r.rate IS NOT NULL AS rated,
  CAST(sum(CASE WHEN r.rate IS NULL THEN c.amount_e4 ELSE CAST(round(c.amount_e4 * r.rate) AS INT64) END) AS INT64) AS cost_e4
FROM canonical_costs AS c
LEFT JOIN rates AS r ON r.currency = c.currency
WHERE c.reject IS NULL AND c.spent_day BETWEEN @as_of_day - @attribution_days + 1 AND @as_of_day
GROUP BY c.channel, c.currency, r.rate IS NOT NULL
