-- What the models learned on a day, but for the models themselves.
SELECT step, parameter, value, text
FROM model_parameters
WHERE as_of = @as_of AND parameter <> 'model'
ORDER BY step, parameter
