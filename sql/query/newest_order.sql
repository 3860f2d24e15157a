-- The day of the newest order up to the as-of day.
SELECT max(ordered_day) AS n
FROM orders
WHERE ordered_day <= @as_of_day
