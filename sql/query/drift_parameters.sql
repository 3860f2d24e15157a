-- What the models of the two days had learned, in numbers.
SELECT as_of, step, parameter, value
FROM model_parameters
WHERE as_of IN (@previous_as_of, @far_as_of) AND value IS NOT NULL
ORDER BY as_of, step, parameter
