-- How common the values of traits are in the segments of memberships, and with everybody in the same segmentation, both
-- among those of whom the trait is known. Traits are what describes customers (kind attribute) and their habits (kind
-- habit), of which only those of frequent buyers are known. An attribute that is called like a habit stands in its place.
--
-- A trait has at most the 20 values that are commonest with all customers, and none of more than 120 characters. Of a
-- value there is a row for each segment in which at least @min_group customers have it. A row without a value says how
-- many customers of the segmentation have one that is longer than that.
WITH habits AS (
  SELECT
    customer_id,
    'weekday' AS trait,
    CASE preferred_weekday
      WHEN 1 THEN 'Monday'
      WHEN 2 THEN 'Tuesday'
      WHEN 3 THEN 'Wednesday'
      WHEN 4 THEN 'Thursday'
      WHEN 5 THEN 'Friday'
      WHEN 6 THEN 'Saturday'
      ELSE 'Sunday'
    END AS value
  FROM customer_features
  WHERE preferred_weekday IS NOT NULL
  UNION ALL
  SELECT customer_id, 'day part', preferred_day_part FROM customer_features WHERE preferred_day_part IS NOT NULL
  UNION ALL
  SELECT customer_id, 'sales channel', preferred_channel FROM customer_features WHERE preferred_channel IS NOT NULL
  UNION ALL
  SELECT customer_id, 'category', preferred_category FROM customer_features WHERE preferred_category IS NOT NULL
  UNION ALL
  SELECT customer_id, 'device', preferred_device FROM customer_features WHERE preferred_device IS NOT NULL
),
described AS (
  SELECT customer_id, trait, 'attribute' AS kind, value FROM traits
  UNION ALL
  SELECT customer_id, trait, 'habit', value
  FROM habits
  WHERE trait NOT IN (SELECT DISTINCT lower(trait) FROM attributes)
),
ranked AS (
  SELECT trait, value, row_number() OVER (PARTITION BY trait ORDER BY count(*) DESC, value) AS place
  FROM described
  WHERE length(value) <= 120
  GROUP BY trait, value
  HAVING count(*) >= @min_group
),
-- values that may have no row are NULL from here on
told AS (
  SELECT d.customer_id, d.trait, d.kind, r.value, CASE WHEN length(d.value) > 120 THEN 1 ELSE 0 END AS too_long
  FROM described AS d
  LEFT JOIN ranked AS r ON r.trait = d.trait AND r.value = d.value AND r.place <= 20
),
counted AS (
  SELECT m.segmentation, m.segment, t.trait, t.kind, t.value, count(*) AS customers, sum(t.too_long) AS too_long
  FROM told AS t
  JOIN memberships AS m ON m.customer_id = t.customer_id
  WHERE m.segment IS NOT NULL
  GROUP BY m.segmentation, m.segment, t.trait, t.kind, t.value
),
shares AS (
  SELECT
    segmentation, segment, trait, kind, value, customers,
    sum(customers) OVER (PARTITION BY segmentation, segment, trait) AS known,
    sum(customers) OVER (PARTITION BY segmentation, trait, value) AS everybody,
    sum(customers) OVER (PARTITION BY segmentation, trait) AS known_everybody
  FROM counted
)
SELECT
  segmentation, segment, trait, kind, value, customers,
  CAST(known AS INT64) AS known,
  CAST(everybody AS INT64) AS everybody,
  CAST(known_everybody AS INT64) AS known_everybody
FROM shares
WHERE value IS NOT NULL AND customers >= @min_group
UNION ALL
SELECT segmentation, '', trait, kind, CAST(NULL AS STRING), CAST(sum(too_long) AS INT64), 0, 0, 0
FROM counted
GROUP BY segmentation, trait, kind
HAVING sum(too_long) > 0
ORDER BY segmentation, trait, segment, value
