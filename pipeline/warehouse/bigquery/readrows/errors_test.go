package readrows

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/bigquery/bigquerytest"
)

func TestErrors(t *testing.T) {
	fail := func(c codes.Code) bigquerytest.ReadFault {
		return bigquerytest.ReadFault{Error: status.Error(c, "because\nof this")}
	}
	for name, test := range map[string]struct {
		fault  bigquerytest.ReadFault
		rows   int64
		noRows bool
		want   error
		text   string
		calls  int
	}{
		"permission":    {fault: fail(codes.PermissionDenied), want: warehouse.ErrPermission, calls: 1, text: "reading " + orders + ": stream 0 at row 200: permission denied: because of this (PermissionDenied)"},
		"credentials":   {fault: fail(codes.Unauthenticated), want: warehouse.ErrPermission, calls: 1},
		"not found":     {fault: fail(codes.NotFound), want: warehouse.ErrNotFound, calls: 1},
		"argument":      {fault: fail(codes.InvalidArgument), calls: 1, text: "because of this (InvalidArgument)"},
		"unavailable":   {fault: fail(codes.Unavailable), want: warehouse.ErrTemporary, calls: 3, text: "temporary failure: because of this (Unavailable)"},
		"quota":         {fault: fail(codes.ResourceExhausted), want: warehouse.ErrTemporary, calls: 3},
		"hang":          {fault: bigquerytest.ReadFault{Hang: true}, want: warehouse.ErrTemporary, calls: 3, text: "temporary failure: no message for 300ms"},
		"reset":         {fault: bigquerytest.ReadFault{Reset: true}, want: warehouse.ErrTemporary, calls: 3},
		"count":         {fault: bigquerytest.ReadFault{Rows: 101}, want: warehouse.ErrBadData, calls: 3, text: "it has 100 rows and says 101"},
		"damage":        {fault: bigquerytest.ReadFault{Bytes: 99}, want: warehouse.ErrBadData, calls: 3, text: "bad data: damaged message: it is cut short"},
		"early end":     {fault: bigquerytest.ReadFault{End: true}, want: warehouse.ErrBadData, calls: 1, text: "reading " + orders + ": bad data: 200 rows, and the table has 1000"},
		"too many rows": {rows: 999, want: warehouse.ErrBadData, calls: 1, text: "more than the 999 rows"},
		"too few rows":  {rows: 1001, want: warehouse.ErrBadData, calls: 1, text: "1000 rows, and the table has 1001"},
		"rows in vain":  {noRows: true, want: warehouse.ErrBadData, calls: 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := bigquerytest.NewReadServer(t, ordersTable(1000))
			s.Streams, s.BatchRows = 1, 100
			s.OnMessage = func(m bigquerytest.ReadMessage) bigquerytest.ReadFault {
				if m.Offset == 200 {
					return test.fault
				}
				return bigquerytest.ReadFault{}
			}
			o := quick()
			o.Stall = 300 * time.Millisecond
			rows := int64(1000)
			if test.rows > 0 {
				rows = test.rows
			}
			if test.noRows {
				rows = 0
			}
			_, err := ids(New(s.Client(t), o).Read(t.Context(), Table{Name: orders, Rows: rows}))
			if err == nil || test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error: %v", err)
			}
			if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the context is alive: %v", err)
			}
			// What a cut connection had not sent yet gRPC sends again by itself.
			if calls := s.Calls(); calls != test.calls && (!test.fault.Reset || calls < test.calls) {
				t.Errorf("%d calls, want %d", calls, test.calls)
			}
		})
	}
}

func TestSession(t *testing.T) {
	unavailable := bigquerytest.SessionFault{Error: status.Error(codes.Unavailable, "gone")}
	for name, test := range map[string]struct {
		faults   map[int]bigquerytest.SessionFault // by call; 0: always
		table    string
		fields   []string
		empty    bool
		rows     int64
		want     error
		text     string
		requests int
	}{
		"refused once":       {faults: map[int]bigquerytest.SessionFault{1: unavailable}, rows: 100, requests: 2},
		"refused":            {faults: map[int]bigquerytest.SessionFault{0: unavailable}, rows: 100, want: warehouse.ErrTemporary, requests: 3},
		"hangs once":         {faults: map[int]bigquerytest.SessionFault{1: {Hang: true}}, rows: 100, requests: 2},
		"hangs":              {faults: map[int]bigquerytest.SessionFault{0: {Hang: true}}, rows: 100, want: warehouse.ErrTemporary, requests: 3},
		"no streams at once": {faults: map[int]bigquerytest.SessionFault{1: {NoStreams: true}}, rows: 100, requests: 2},
		"no streams":         {faults: map[int]bigquerytest.SessionFault{0: {NoStreams: true}}, rows: 100, want: warehouse.ErrTemporary, text: "the session has no streams for 100 rows", requests: 3},
		"estimated":          {faults: map[int]bigquerytest.SessionFault{0: {NoStreams: true}}, rows: -1, want: warehouse.ErrTemporary, requests: 3},
		"empty":              {empty: true, rows: 0, requests: 1},
		"empty, unknown":     {empty: true, rows: -1, requests: 1},
		"permission":         {faults: map[int]bigquerytest.SessionFault{1: {Error: status.Error(codes.PermissionDenied, "no")}}, want: warehouse.ErrPermission, requests: 1},
		"no table":           {table: "projects/p/datasets/shop/tables/missing", want: warehouse.ErrNotFound, text: "not found: no table missing (NotFound)", requests: 1},
		"no column":          {fields: []string{"id", "price"}, text: "the table has no field price (InvalidArgument)", requests: 1},
	} {
		t.Run(name, func(t *testing.T) {
			data := ordersTable(100)
			if test.empty {
				data = nil
			}
			s := bigquerytest.NewReadServer(t, data)
			s.OnSession = func(call int) bigquerytest.SessionFault {
				if f, ok := test.faults[0]; ok {
					return f
				}
				return test.faults[call]
			}
			o := quick()
			o.Stall = 300 * time.Millisecond
			name := test.table
			if name == "" {
				name = orders
			}
			_, err := ids(New(s.Client(t), o).Read(t.Context(), Table{Name: name, Fields: test.fields, Rows: test.rows}))
			switch failed := test.want != nil || test.text != ""; {
			case failed != (err != nil), test.want != nil && !errors.Is(err, test.want):
				t.Errorf("error: %v", err)
			case failed && !strings.Contains(err.Error(), test.text):
				t.Errorf("error: %v", err)
			}
			if n := len(s.Requests()); n != test.requests {
				t.Errorf("%d requests, want %d", n, test.requests)
			}
			quiet(t, s)
		})
	}
}
