-- What the models that look at places give to the touches of each channel and core segment; the segment '' is all of them
-- together, and the channel (none) has the conversions without a touch. Credits are billionths of a conversion, money
-- ten-thousandths. Up to each touch a share of the whole is due, rounded down, and a touch gets what is due beyond what
-- was due before it: so the parts of a conversion add up to it exactly. Of the value, that is taken in two pieces, whose
-- products stay small. pipeline/attribution says what the models are.
WITH weighed AS (
  SELECT
    *,
    CAST(round(100000000 * pow(0.5, CAST(days AS FLOAT64) / CAST(@half_life_days AS FLOAT64))) AS INT64) AS weight
  FROM paths
),
summed AS (
  SELECT
    *,
    5 * (length - 2) AS fifths, -- of a path of three or more: the first and the last have 2 (length - 2) of them, others 1
    CAST(sum(weight) OVER (PARTITION BY conversion_kind, customer_id, number) AS INT64) AS weights,
    CAST(sum(weight) OVER (
      PARTITION BY conversion_kind, customer_id, number ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS INT64) AS weights_to
  FROM weighed
),
due AS (
  SELECT
    conversion_kind, customer_id, channel, segment,
    CAST(sign(value_e4) AS INT64) AS side,
    div(abs(value_e4), 1000000000) AS billions,
    mod(abs(value_e4), 1000000000) AS rest,
    CASE WHEN place = 1 THEN 0 ELSE 1000000000 END AS first_from,
    1000000000 AS first_to,
    0 AS last_from,
    CASE WHEN place = length THEN 1000000000 ELSE 0 END AS last_to,
    div(1000000000 * (place - 1), length) AS linear_from,
    div(1000000000 * place, length) AS linear_to,
    div(1000000000 * (weights_to - weight), weights) AS decay_from,
    div(1000000000 * weights_to, weights) AS decay_to,
    CASE
      WHEN length <= 2 THEN div(1000000000 * (place - 1), length)
      WHEN place = 1 THEN 0
      ELSE div(1000000000 * (2 * (length - 2) + place - 2), fifths)
    END AS position_from,
    CASE
      WHEN length <= 2 THEN div(1000000000 * place, length)
      WHEN place = length THEN 1000000000
      ELSE div(1000000000 * (2 * (length - 2) + place - 1), fifths)
    END AS position_to
  FROM summed
),
credits AS (
  SELECT
    conversion_kind, customer_id, coalesce(channel, '(none)') AS channel, segment,
    first_to - first_from AS first_credit,
    last_to - last_from AS last_credit,
    linear_to - linear_from AS linear_credit,
    decay_to - decay_from AS decay_credit,
    position_to - position_from AS position_credit,
    side * (billions * (first_to - first_from) + div(rest * first_to, 1000000000) - div(rest * first_from, 1000000000)) AS first_e4,
    side * (billions * (last_to - last_from) + div(rest * last_to, 1000000000) - div(rest * last_from, 1000000000)) AS last_e4,
    side * (billions * (linear_to - linear_from) + div(rest * linear_to, 1000000000) - div(rest * linear_from, 1000000000)) AS linear_e4,
    side * (billions * (decay_to - decay_from) + div(rest * decay_to, 1000000000) - div(rest * decay_from, 1000000000)) AS decay_e4,
    side * (billions * (position_to - position_from) + div(rest * position_to, 1000000000) - div(rest * position_from, 1000000000))
      AS position_e4
  FROM due
),
told AS (
  SELECT * FROM credits
  UNION ALL
  SELECT
    conversion_kind, customer_id, channel, '' AS segment, first_credit, last_credit, linear_credit, decay_credit, position_credit,
    first_e4, last_e4, linear_e4, decay_e4, position_e4
  FROM credits
)
SELECT
  conversion_kind, channel, segment,
  count(DISTINCT customer_id) AS customers,
  CAST(sum(first_credit) AS INT64) AS first_credit,
  CAST(sum(last_credit) AS INT64) AS last_credit,
  CAST(sum(linear_credit) AS INT64) AS linear_credit,
  CAST(sum(decay_credit) AS INT64) AS decay_credit,
  CAST(sum(position_credit) AS INT64) AS position_credit,
  CAST(sum(first_e4) AS INT64) AS first_e4,
  CAST(sum(last_e4) AS INT64) AS last_e4,
  CAST(sum(linear_e4) AS INT64) AS linear_e4,
  CAST(sum(decay_e4) AS INT64) AS decay_e4,
  CAST(sum(position_e4) AS INT64) AS position_e4
FROM told
GROUP BY conversion_kind, channel, segment
