package call

import (
	"context"
	"errors"
	"fmt"

	"cloud.google.com/go/bigquery"
	"google.golang.org/api/iterator"
)

// Rows returns the result of the query job id, which has ended: all of it, so it should be small.
func (c *Client) Rows(ctx context.Context, step, id string) (schema bigquery.Schema, rows [][]bigquery.Value, err error) {
	err = c.repeat(ctx, "result of "+step, func(ctx context.Context) error {
		job, err := c.bq.JobFromIDLocation(ctx, id, c.o.Location)
		if err != nil {
			return err
		}
		it, err := job.Read(ctx)
		if err != nil {
			return err
		}
		for rows = nil; ; {
			var row []bigquery.Value
			err := it.Next(&row)
			if errors.Is(err, iterator.Done) {
				break
			}
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
		schema = it.Schema
		if uint64(len(rows)) != it.TotalRows {
			return fmt.Errorf("%d of %d rows came", len(rows), it.TotalRows)
		}
		return ctx.Err()
	})
	return schema, rows, err
}
