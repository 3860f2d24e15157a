-- The rows of a dated table on a day.
SELECT *
FROM t
WHERE as_of = @as_of
