-- The currencies of the lines that count, with how many lines each has; lines of no named currency come as NULL.
SELECT currency, count(*) AS "rows"
FROM canonical_orders
WHERE reject IS NULL
GROUP BY currency
ORDER BY currency
