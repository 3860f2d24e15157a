-- What became of who takes part in experiments, by experiment, variant, segment and kind of conversion: how many they are,
-- how many converted within the horizon, and what that was worth.
--
-- The horizon of a customer begins at the moment of the assignment and has @experiment_days days of 24 hours. Who is mature has
-- it behind them at the end of the as-of day; the others are waiting, and nothing is said of what they did so far. The segment is
-- the last one that was true before the day of the assignment, so that no variant can have changed it: published before the
-- assignment (known), or found out later (reconstructed). Who had none yet has an empty one. The always-on holdout takes part
-- as the experiment holdout, with the segments that were published with it.
--
-- Purchases are conversions of the kind order, unless the conversions source has that kind itself. Kinds that nobody had until
-- the as-of day are not there. Rows without a kind count who takes part, also where nobody ever converted; those without a
-- variant, who was given several, and who is left out since they object to profiling or are deleted.
--
-- Values are whole numbers, and their squares more than an integer holds: value² = c0 + 2^17 c1 + 2^34 c2 + 2^51 c3 + 2^68 c4, by
-- its digits to the base 2^17, whose sums are exact.
WITH assigned AS (
  SELECT
    customer_id, experiment, variant, assigned_us, assigned_day,
    reject = 'several_variants' AS crossed_over,
    CAST(NULL AS STRING) AS segment_then
  FROM canonical_experiments
  WHERE (reject IS NULL OR reject = 'several_variants') AND assigned_us < @as_of_end_us
  UNION ALL
  SELECT customer_id, 'holdout', CASE WHEN in_holdout THEN 'holdout' ELSE 'everybody else' END, since_us, since_day, FALSE, coalesce(segment, '')
  FROM holdout_then
  WHERE NOT EXISTS (SELECT 1 FROM canonical_experiments AS e WHERE e.experiment = 'holdout')
),
willing AS (
  SELECT
    a.customer_id, a.experiment, a.variant, a.assigned_us, a.assigned_day, a.segment_then,
    coalesce(a.crossed_over, FALSE) AS crossed_over,
    NOT coalesce(c.consent_profiling, TRUE) OR coalesce(c.deleted_day <= @as_of_day, FALSE) AS left_out
  FROM assigned AS a
  LEFT JOIN (SELECT * FROM canonical_customers WHERE reject IS NULL) AS c ON c.customer_id = a.customer_id
),
participants AS (
  SELECT
    customer_id, experiment, variant, assigned_us, assigned_day, segment_then,
    assigned_us + @experiment_days * 86400000000 AS ends_us
  FROM willing
  WHERE NOT crossed_over AND NOT left_out
),
segmented AS (
  SELECT
    p.customer_id, p.experiment, s.segment,
    coalesce(s.known_us <= p.assigned_us, FALSE) AS known,
    row_number() OVER (
      PARTITION BY p.experiment, p.customer_id
      ORDER BY s.from_day DESC, coalesce(s.known_us <= p.assigned_us, FALSE) DESC, s.known_us DESC NULLS LAST, s.segment
    ) AS place
  FROM participants AS p
  JOIN segments_then AS s ON s.customer_id = p.customer_id
  WHERE p.segment_then IS NULL AND s.from_day < p.assigned_day
),
placed AS (
  SELECT
    p.customer_id, p.experiment, p.variant, p.assigned_us, p.assigned_day, p.ends_us,
    p.ends_us <= @as_of_end_us AS mature,
    coalesce(p.segment_then, s.segment, '') AS segment,
    coalesce(p.segment_then <> '', s.segment IS NOT NULL AND s.known, FALSE) AS known,
    coalesce(s.segment IS NOT NULL AND NOT s.known, FALSE) AS reconstructed
  FROM participants AS p
  LEFT JOIN (SELECT * FROM segmented WHERE place = 1) AS s ON s.customer_id = p.customer_id AND s.experiment = p.experiment
),
conversions AS (
  SELECT customer_id, kind, converted_us AS at_us, coalesce(value_e4, 0) AS value_e4
  FROM canonical_conversions
  WHERE reject IS NULL AND converted_day <= @as_of_day
  UNION ALL
  SELECT customer_id, 'order', ordered_us, net_e4
  FROM purchases
  WHERE NOT EXISTS (SELECT 1 FROM canonical_conversions AS c WHERE c.reject IS NULL AND c.kind = 'order')
),
kinds AS (
  SELECT DISTINCT kind FROM conversions
),
converted AS (
  SELECT p.experiment, p.customer_id, c.kind, CAST(sum(c.value_e4) AS INT64) AS value_e4
  FROM placed AS p
  JOIN conversions AS c ON c.customer_id = p.customer_id
  WHERE p.mature AND c.at_us >= p.assigned_us AND c.at_us < p.ends_us
  GROUP BY p.experiment, p.customer_id, c.kind
),
digits AS (
  SELECT
    experiment, customer_id, kind, value_e4,
    abs(value_e4) & 131071 AS d0,
    (abs(value_e4) >> 17) & 131071 AS d1,
    abs(value_e4) >> 34 AS d2
  FROM converted
),
sums AS (
  SELECT
    p.experiment, p.variant, p.segment, d.kind,
    count(*) AS converters,
    CAST(sum(d.value_e4) AS INT64) AS value_e4,
    CAST(sum(d.d0 * d.d0) AS INT64) AS c0,
    CAST(sum(2 * d.d0 * d.d1) AS INT64) AS c1,
    CAST(sum(d.d1 * d.d1 + 2 * d.d0 * d.d2) AS INT64) AS c2,
    CAST(sum(2 * d.d1 * d.d2) AS INT64) AS c3,
    CAST(sum(d.d2 * d.d2) AS INT64) AS c4
  FROM placed AS p
  JOIN digits AS d ON d.customer_id = p.customer_id AND d.experiment = p.experiment
  GROUP BY p.experiment, p.variant, p.segment, d.kind
),
sizes AS (
  SELECT
    experiment, variant, segment,
    CAST(sum(CASE WHEN mature THEN 1 ELSE 0 END) AS INT64) AS customers,
    CAST(sum(CASE WHEN mature THEN 0 ELSE 1 END) AS INT64) AS waiting,
    CAST(sum(CASE WHEN mature AND known THEN 1 ELSE 0 END) AS INT64) AS known,
    CAST(sum(CASE WHEN mature AND reconstructed THEN 1 ELSE 0 END) AS INT64) AS reconstructed,
    min(assigned_day) AS first_day,
    max(assigned_day) AS last_day
  FROM placed
  GROUP BY experiment, variant, segment
),
aside AS (
  SELECT
    experiment,
    count(DISTINCT CASE WHEN crossed_over THEN customer_id END) AS crossed_over,
    count(DISTINCT CASE WHEN left_out THEN customer_id END) AS left_out
  FROM willing
  WHERE crossed_over OR left_out
  GROUP BY experiment
)
SELECT
  z.experiment, z.variant, z.segment,
  '' AS conversion_kind,
  z.customers, z.waiting, z.known, z.reconstructed, z.first_day, z.last_day,
  0 AS converters, 0 AS value_e4, 0 AS c0, 0 AS c1, 0 AS c2, 0 AS c3, 0 AS c4,
  0 AS crossed_over, 0 AS left_out
FROM sizes AS z
UNION ALL
SELECT
  z.experiment, z.variant, z.segment, k.kind, z.customers, z.waiting, z.known, z.reconstructed, z.first_day, z.last_day,
  coalesce(s.converters, 0), coalesce(s.value_e4, 0), coalesce(s.c0, 0), coalesce(s.c1, 0), coalesce(s.c2, 0), coalesce(s.c3, 0),
  coalesce(s.c4, 0), 0, 0
FROM sizes AS z
CROSS JOIN kinds AS k
LEFT JOIN sums AS s ON s.experiment = z.experiment AND s.variant = z.variant AND s.segment = z.segment AND s.kind = k.kind
WHERE k.kind <> ''
UNION ALL
SELECT experiment, '', '', '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, crossed_over, left_out
FROM aside
ORDER BY 1, 2, 3, 4, 6
