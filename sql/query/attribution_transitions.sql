-- How often journeys went from one channel on to another, for each kind of conversion. Journeys are the ways to
-- conversions; and the touches of the days that no conversion of the kind has come after, of each customer one journey
-- that ended in nothing, of the last @attribution_touches. The channel is empty at the start and at the end.
WITH kinds AS (
  SELECT DISTINCT conversion_kind
  FROM paths
),
converted AS (
  SELECT conversion_kind, customer_id, max(converted_us) AS converted_us
  FROM paths
  GROUP BY conversion_kind, customer_id
),
lost AS (
  SELECT
    k.conversion_kind, t.channel, t.from_end,
    CASE
      WHEN t.from_end < @attribution_touches AND t.before_day > @as_of_day - @attribution_days
        AND (c.converted_us IS NULL OR t.before_us > c.converted_us)
      THEN t.before
    END AS before
  FROM touches AS t
  CROSS JOIN kinds AS k
  LEFT JOIN converted AS c ON c.conversion_kind = k.conversion_kind AND c.customer_id = t.customer_id
  WHERE t.from_end <= @attribution_touches AND t.occurred_day > @as_of_day - @attribution_days
    AND (c.converted_us IS NULL OR t.occurred_us > c.converted_us)
),
steps AS (
  SELECT conversion_kind, coalesce(before, '') AS from_channel, channel AS to_channel, FALSE AS converted
  FROM paths
  WHERE channel IS NOT NULL
  UNION ALL
  SELECT conversion_kind, channel, '', TRUE
  FROM paths
  WHERE channel IS NOT NULL AND place = length
  UNION ALL
  SELECT conversion_kind, coalesce(before, ''), channel, FALSE
  FROM lost
  UNION ALL
  SELECT conversion_kind, channel, '', FALSE
  FROM lost
  WHERE from_end = 1
)
SELECT conversion_kind, from_channel, to_channel, converted, count(*) AS journeys
FROM steps
GROUP BY conversion_kind, from_channel, to_channel, converted
