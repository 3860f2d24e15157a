package call

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/bigquery"

	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/bigquery/bigquerytest"
)

// Of several callers that make or change one table, one succeeds, though every first answer is lost.
func TestOneWins(t *testing.T) {
	var lose atomic.Bool
	b := newBench(t, bigquerytest.Hooks{Fault: func(_ int, c bigquerytest.Call) bigquerytest.Fault {
		if lose.Load() && (c.Method == "tables.insert" || c.Method == "tables.patch") {
			return bigquerytest.LostUnavailable
		}
		return bigquerytest.NoFault
	}}, quick())
	for name, c := range map[string]struct {
		do   func(nonce string) error
		lost error
	}{
		"create": {func(nonce string) error {
			return b.Create(t.Context(), b.data.Table("claim"), &bigquery.TableMetadata{Description: nonce})
		}, ErrExists},
		"update": {func(nonce string) error {
			_, err := b.Update(t.Context(), b.old, bigquery.TableMetadataToUpdate{Description: nonce}, b.etag)
			return err
		}, ErrChanged},
	} {
		lose.Store(true)
		var wg sync.WaitGroup
		var won atomic.Int32
		for i := range 4 {
			wg.Go(func() {
				switch err := c.do(fmt.Sprint("nonce ", i)); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, c.lost):
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("%s: %d won", name, won.Load())
		}
		lose.Store(false)
		if err := c.do("nonce 5"); !errors.Is(err, c.lost) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: a late one: %v", name, err)
		}
	}
}

func TestUpdate(t *testing.T) {
	ctx := t.Context()
	b := newBench(t, bigquerytest.Hooks{Fault: func(_ int, c bigquerytest.Call) bigquerytest.Fault {
		if c.Method == "tables.patch" {
			return bigquerytest.LostClosed
		}
		return bigquerytest.NoFault
	}}, quick())
	wider := append(schema(), &bigquery.FieldSchema{Name: "name", Type: bigquery.StringFieldType, Description: "d"})
	expires := time.Now().Add(time.Hour) // of nanoseconds, where BigQuery keeps milliseconds
	for name, u := range map[string]bigquery.TableMetadataToUpdate{
		"schema":     {Schema: wider},
		"expiration": {ExpirationTime: expires},
		"never":      {ExpirationTime: bigquery.NeverExpire},
		"name":       {Name: "n"},
	} {
		if _, err := b.Update(ctx, b.old, u, ""); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := b.Update(ctx, b.old, bigquery.TableMetadataToUpdate{}, ""); err == nil {
		t.Error("nothing to know it by, and no error")
	}
	if err := b.Create(ctx, b.data.Table("x"), &bigquery.TableMetadata{}); err == nil {
		t.Error("nothing to know it by, and no error")
	}
	_, err := b.Update(ctx, b.data.Table("x"), bigquery.TableMetadataToUpdate{Name: "n"}, "")
	if !errors.Is(err, warehouse.ErrNotFound) {
		t.Error(err)
	}
}

func TestNotThere(t *testing.T) {
	ctx := t.Context()
	b := newBench(t, bigquerytest.Hooks{}, quick())
	nowhere := b.bq.Dataset("nowhere")
	_, table := b.Table(ctx, b.data.Table("x"))
	_, dataset := b.Dataset(ctx, nowhere)
	_, tables := b.Tables(ctx, nowhere)
	create := b.Create(ctx, nowhere.Table("x"), &bigquery.TableMetadata{Description: "d"})
	_, load := b.Load(ctx, Load{Step: "l", File: "/nowhere", Into: b.old})
	for _, err := range []error{table, dataset, tables, create, load} {
		if !errors.Is(err, warehouse.ErrNotFound) {
			t.Error(err)
		}
	}
	if err := b.Delete(ctx, b.data.Table("x")); err != nil {
		t.Error(err)
	}
}

func TestTablesOfManyPages(t *testing.T) {
	b := newBench(t, bigquerytest.Hooks{}, quick())
	for i := range 2500 {
		if err := b.server.Put(fmt.Sprintf("%s.out.t%04d", project, i), columns); err != nil {
			t.Fatal(err)
		}
	}
	ids, err := b.Tables(t.Context(), b.data)
	if err != nil || len(ids) != 2501 || ids[2500] != "t2499" {
		t.Errorf("%d tables, %v", len(ids), err)
	}
}

func TestErrorsBeforeTheServer(t *testing.T) {
	denied := &url.Error{Op: "Post", URL: "https://x", Err: &auth.Error{Response: &http.Response{StatusCode: http.StatusBadRequest}}}
	if lost(denied) || !errors.Is(explain("x", denied), warehouse.ErrPermission) {
		t.Error("credentials that are refused")
	}
	later := &url.Error{Op: "Post", URL: "https://x", Err: &auth.Error{Response: &http.Response{StatusCode: http.StatusServiceUnavailable}}}
	if !lost(later) {
		t.Error("no token for now")
	}
	b := newBench(t, bigquerytest.Hooks{}, quick())
	for _, value := range []any{struct{ C chan int }{}, map[string]string{}} {
		_, err := b.Query(t.Context(), Query{Step: "x", Params: []bigquery.QueryParameter{{Name: "p", Value: value}}})
		if err == nil || errors.Is(err, warehouse.ErrTemporary) || len(b.server.Calls()) > 0 {
			t.Errorf("a parameter of type %T: %v", value, err)
		}
	}
}
