-- The lines of the orders, a row for each distinct one. Money is in ten-thousandths.
WITH lines AS (
  SELECT
    order_id, customer_id, ordered_us, ordered_day, ordered_hour, amount_e4, currency, status, refund_amount_e4,
    refunded_us, refunded_day, discount_amount_e4, channel, store_id, category, product_id, quantity, count(*) AS copies
  FROM source
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
),
states AS (
  SELECT *, replace(replace(lower(status), ' ', '_'), '-', '_') AS state
  FROM lines
)
SELECT
  order_id, customer_id, ordered_us, ordered_day, ordered_hour, amount_e4,
  upper(currency) AS currency,
  -- what was given back of this line: as the source says, at most all of it; all of it where the status alone says so
  CASE
    WHEN amount_e4 <= 0 THEN 0
    WHEN refund_amount_e4 > amount_e4 THEN amount_e4
    WHEN refund_amount_e4 > 0 THEN refund_amount_e4
    WHEN state IN ('refunded', 'fully_refunded', 'returned', 'chargeback', 'charged_back') THEN amount_e4
    ELSE 0
  END AS refund_e4,
  CASE WHEN refunded_day > ordered_day THEN refunded_day ELSE ordered_day END AS refunded_day,
  coalesce(amount_e4 >= 0 AND refund_amount_e4 > amount_e4, FALSE) AS refund_above_amount,
  coalesce(discount_amount_e4 > 0, FALSE) AS discounted,
  channel, store_id, category,
  copies,
  CASE
    WHEN customer_id IS NULL THEN 'missing_customer_id'
    WHEN order_id IS NULL THEN 'missing_order_id'
    WHEN ordered_us IS NULL OR ordered_day IS NULL THEN 'missing_time'
    WHEN ordered_day < 1 THEN 'implausible_time'
    WHEN ordered_day > @today_day THEN 'future'
    WHEN amount_e4 IS NULL OR abs(amount_e4) >= 1000000000000000 THEN 'bad_amount'
    WHEN refund_amount_e4 < 0 OR refund_amount_e4 >= 1000000000000000 THEN 'bad_refund'
    WHEN state IN (
      'cancelled', 'canceled', 'failed', 'payment_failed', 'declined', 'rejected', 'void', 'voided', 'expired', 'abandoned',
      'pending', 'pending_payment', 'awaiting_payment', 'unpaid', 'on_hold', 'draft', 'quote', 'test', 'error'
    ) THEN 'not_a_purchase'
  END AS reject
FROM states
