-- The models that the generation of @as_of published, as JSON.
SELECT step, text
FROM model_parameters
WHERE as_of = @as_of AND parameter = 'model'
