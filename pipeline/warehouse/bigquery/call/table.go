package call

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"cloud.google.com/go/bigquery"
	"google.golang.org/api/iterator"

	"segments/pipeline/warehouse"
)

// The ways in which changing a table fails that callers tell apart.
var (
	ErrExists  = errors.New("the table is there already")
	ErrChanged = errors.New("the table has been changed by others")
)

// Dataset returns the description of d.
func (c *Client) Dataset(ctx context.Context, d *bigquery.Dataset) (md *bigquery.DatasetMetadata, err error) {
	err = c.repeat(ctx, "dataset "+d.ProjectID+"."+d.DatasetID, func(ctx context.Context) (err error) {
		md, err = d.Metadata(ctx)
		return err
	})
	return md, err
}

// Table returns the description of t.
func (c *Client) Table(ctx context.Context, t *bigquery.Table) (md *bigquery.TableMetadata, err error) {
	err = c.repeat(ctx, "table "+tableName(t), func(ctx context.Context) (err error) {
		md, err = t.Metadata(ctx)
		return err
	})
	return md, err
}

// Tables returns the ids of the tables and views in d.
func (c *Client) Tables(ctx context.Context, d *bigquery.Dataset) (ids []string, err error) {
	const page = 1000
	for token := ""; ; {
		var tables []*bigquery.Table
		err := c.repeat(ctx, "tables of "+d.ProjectID+"."+d.DatasetID, func(ctx context.Context) (err error) {
			tables = nil
			next, err := iterator.NewPager(d.Tables(ctx), page, token).NextPage(&tables)
			if err == nil {
				token = next
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, t := range tables {
			ids = append(ids, t.TableID)
		}
		if token == "" {
			return ids, nil
		}
	}
}

// Create makes the table t, or fails with ErrExists. A table that is there with the very description m.Description,
// which must not be empty, is taken for the one that this call made: for exactly one of several callers to succeed,
// each puts a nonce there.
func (c *Client) Create(ctx context.Context, t *bigquery.Table, m *bigquery.TableMetadata) error {
	what := "create " + tableName(t)
	if m == nil || m.Description == "" {
		return fmt.Errorf("%s: it has no description to know it by", what)
	}
	for p := c.patience(what); ; {
		err := c.exchange(ctx, func(ctx context.Context) error { return t.Create(ctx, m) })
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ended(ctx, what)
		case exists(err):
		case lost(err):
			if err := p.again(ctx, err); err != nil {
				return err
			}
		default:
			return explain(what, err)
		}
		md, lookup := c.Table(ctx, t)
		switch {
		case lookup == nil && md.Description == m.Description:
			return nil
		case lookup == nil:
			return fmt.Errorf("%s: %w", what, ErrExists)
		case !errors.Is(lookup, warehouse.ErrNotFound):
			return lookup
		case exists(err): // and yet it does not
			if err := p.again(ctx, err); err != nil {
				return err
			}
		}
	}
}

// Update changes t as u says, and returns what it then is. With an etag it fails with ErrChanged where the table is no
// longer the one of that etag. Where an answer was lost, a table that has the Description, Name, Schema, ViewQuery and
// ExpirationTime that u sets is taken for the one that this call changed: for exactly one of several callers to
// succeed, each puts a nonce into the description. u must set at least one of these; labels do not count.
func (c *Client) Update(
	ctx context.Context, t *bigquery.Table, u bigquery.TableMetadataToUpdate, etag string,
) (*bigquery.TableMetadata, error) {
	what := "update " + tableName(t)
	if u.Description == nil && u.Name == nil && u.Schema == nil && u.ViewQuery == nil && u.ExpirationTime.IsZero() {
		return nil, fmt.Errorf("%s: it sets nothing to know it by", what)
	}
	for p := c.patience(what); ; {
		var md *bigquery.TableMetadata
		err := c.exchange(ctx, func(ctx context.Context) (err error) {
			md, err = t.Update(ctx, u, etag)
			return err
		})
		switch {
		case err == nil:
			return md, nil
		case ctx.Err() != nil:
			return nil, ended(ctx, what)
		case changed(err): // maybe by an earlier try of ours, of which only the client library knows
		case lost(err):
			if err := p.again(ctx, err); err != nil {
				return nil, err
			}
		default:
			return nil, explain(what, err)
		}
		md, lookup := c.Table(ctx, t)
		switch {
		case lookup != nil:
			return nil, lookup
		case applied(u, md):
			return md, nil
		case etag != "" && md.ETag != etag:
			return nil, fmt.Errorf("%s: %w", what, ErrChanged)
		case changed(err): // and yet it is not
			if err := p.again(ctx, err); err != nil {
				return nil, err
			}
		}
	}
}

// applied reports whether md is what u makes of a table, as far as they can be compared.
func applied(u bigquery.TableMetadataToUpdate, md *bigquery.TableMetadata) bool {
	if u.Schema != nil {
		want, err := u.Schema.ToJSONFields()
		have, err2 := md.Schema.ToJSONFields()
		if err != nil || err2 != nil || !bytes.Equal(want, have) {
			return false
		}
	}
	switch expires := u.ExpirationTime; {
	case expires.IsZero():
	case expires.Equal(bigquery.NeverExpire):
		if !md.ExpirationTime.IsZero() {
			return false
		}
	case !expires.Truncate(time.Millisecond).Equal(md.ExpirationTime):
		return false
	}
	return (u.Description == nil || u.Description == md.Description) && (u.Name == nil || u.Name == md.Name) &&
		(u.ViewQuery == nil || u.ViewQuery == md.ViewQuery)
}

// Delete deletes t. That it is not there is no error.
func (c *Client) Delete(ctx context.Context, t *bigquery.Table) error {
	err := c.repeat(ctx, "delete "+tableName(t), t.Delete)
	if errors.Is(err, warehouse.ErrNotFound) {
		return nil
	}
	return err
}
