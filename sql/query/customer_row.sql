-- The features of a customer on a day.
SELECT *
FROM customer_features
WHERE as_of = @as_of AND customer_id = @customer_id
