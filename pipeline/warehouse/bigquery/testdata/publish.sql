BEGIN TRANSACTION;
UPDATE `example-project`.`segments`.`run_lock` SET changes = changes + 1 WHERE TRUE;
IF NOT EXISTS (SELECT 1 FROM `example-project`.`segments`.`run_events` WHERE run_id = @run_id AND ended_at = @ended_at AND state = @state) THEN
IF (SELECT count(*) FROM `example-project`.`segments`.`run_events`) != @seen THEN RAISE USING MESSAGE = "segments: the ledger has changed"; END IF;
DELETE FROM `example-project`.`segments`.`dated` WHERE as_of = @as_of;
INSERT INTO `example-project`.`segments`.`dated` (`as_of`, `run_id`, `value`) SELECT `as_of`, `run_id`, `value` FROM `example-project`.`segments_staging`.`staged_dated`;
IF (SELECT count(*) FROM `example-project`.`segments`.`dated` WHERE as_of = @as_of) != 3 THEN RAISE USING MESSAGE = concat("segments counted: dated has ", CAST((SELECT count(*) FROM `example-project`.`segments`.`dated` WHERE as_of = @as_of) AS STRING), " rows of this run, want 3"); END IF;
DELETE FROM `example-project`.`segments`.`per_run` WHERE run_id = @run_id;
INSERT INTO `example-project`.`segments`.`per_run` (`run_id`, `value`) SELECT `run_id`, `value` FROM `example-project`.`segments_staging`.`staged_per_run`;
IF (SELECT count(*) FROM `example-project`.`segments`.`per_run` WHERE run_id = @run_id) != 3 THEN RAISE USING MESSAGE = concat("segments counted: per_run has ", CAST((SELECT count(*) FROM `example-project`.`segments`.`per_run` WHERE run_id = @run_id) AS STRING), " rows of this run, want 3"); END IF;
DELETE FROM `example-project`.`segments`.`whole` WHERE TRUE;
INSERT INTO `example-project`.`segments`.`whole` (`value`) SELECT `value` FROM `example-project`.`segments_staging`.`staged_whole`;
IF (SELECT count(*) FROM `example-project`.`segments`.`whole` WHERE TRUE) != 3 THEN RAISE USING MESSAGE = concat("segments counted: whole has ", CAST((SELECT count(*) FROM `example-project`.`segments`.`whole` WHERE TRUE) AS STRING), " rows of this run, want 3"); END IF;
INSERT INTO `example-project`.`segments`.`run_events` (`run_id`, `name`, `as_of`, `digest`, `previous_run`, `state`, `backfill`, `started_at`, `ended_at`, `customers`, `left_out`, `bytes_billed`, `snapshot`, `code_version`, `message`) VALUES (CAST(@run_id AS STRING), CAST(@name AS STRING), CAST(@as_of AS DATE), CAST(@digest AS STRING), CAST(@previous_run AS STRING), CAST(@state AS STRING), CAST(@backfill AS BOOL), CAST(@started_at AS TIMESTAMP), CAST(@ended_at AS TIMESTAMP), CAST(@customers AS INT64), CAST(@left_out AS INT64), CAST(@bytes_billed AS INT64), CAST(@snapshot AS TIMESTAMP), CAST(@code_version AS STRING), CAST(@message AS STRING));
DELETE FROM `example-project`.`segments`.`dated` WHERE as_of < @keep_from;
END IF;
COMMIT TRANSACTION;
