-- What was spent on channels, a row for each distinct one. Money is in ten-thousandths, in its own currency.
WITH costs AS (
  SELECT channel, campaign_id, spent_us, spent_day, spent_hour, amount_e4, upper(currency) AS currency, count(*) AS copies
  FROM source
  GROUP BY 1, 2, 3, 4, 5, 6, 7
)
SELECT
  channel, campaign_id, spent_day, amount_e4, currency,
  copies,
  CASE
    WHEN channel IS NULL THEN 'missing_channel'
    WHEN spent_day IS NULL THEN 'missing_time'
    WHEN spent_day < 1 THEN 'implausible_time'
    WHEN spent_day > @today_day THEN 'future'
    WHEN amount_e4 IS NULL OR abs(amount_e4) >= 1000000000000000 THEN 'bad_amount'
  END AS reject
FROM costs
