// Package bigquery is the warehouse for production: BigQuery.
//
// A run lives in two data sets, which the data team makes. Readers look at the output data set; it holds the published
// tables, their _current views, and the ledger. The staging data set holds what runs stage, in tables that expire:
//
//	segments_HASH_DATASET_claim                 the lease of the run at work on the output data set DATASET
//	segments_HASH_DATASET_NONCE_NUMBER_TABLE    a staged table of the run that holds, or held, the lease NONCE
//	segments_HASH_DATASET_NONCE_kept            says which tables of a rejected run stay until they expire
//
// Heavy work is queries; their results are staged tables. What the program needs comes back over the Storage Read API
// (package readrows), what it computed goes up as Parquet files in load jobs, and a publish is one script job with one
// transaction. Package call sees to it that each of those takes effect once, however often answers are lost.
//
// The lease saves money: it keeps two runs from doing the same work. It is the transaction that keeps readers safe: it
// publishes only where the ledger is still as the claim found it.
package bigquery

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	bq "cloud.google.com/go/bigquery"
	storage "cloud.google.com/go/bigquery/storage/apiv1"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/bigquery/call"
	"segments/pipeline/warehouse/bigquery/readrows"
	"segments/sql"
)

type db struct {
	settings
	env    warehouse.Env
	bq     *bq.Client
	reads  *storage.BigQueryReadClient
	call   *call.Client
	rows   *readrows.Reader
	number atomic.Int64 // of the last staged table
	closed atomic.Bool
	over   context.Context // ends with Close
	end    context.CancelFunc

	leaseTime time.Duration // after which a lease that nobody renews is free

	mu     sync.Mutex
	claim  *claim
	plain  map[string]string // quoted names of tables that can be read without a query: their ids for the Storage API
	pinned time.Time         // the moment of the last Pin
	views  string            // the definitions of its views: BigQuery names only the tables behind them
	user   string            // who calls, as far as BigQuery has told
}

var (
	_ warehouse.Open      = Open
	_ warehouse.Warehouse = (*db)(nil)
)

var errClosed = errors.New("bigquery: the warehouse is closed")

// Open connects to the warehouse that the configuration section read by decode, a Config, describes. Credentials are the
// Application Default ones; no key passes through this program's hands.
func Open(ctx context.Context, env warehouse.Env, decode func(into any) error) (warehouse.Warehouse, error) {
	c := Defaults()
	if err := decode(&c); err != nil {
		return nil, err
	}
	s, err := c.check()
	if err != nil {
		return nil, err
	}
	rest, grpcHost, err := endpoints()
	if err != nil {
		return nil, err
	}
	d, err := open(ctx, env, s, rest, grpcHost, call.Options{})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// open connects to BigQuery, or to what speaks like it at the addresses rest and grpcHost.
func open(ctx context.Context, env warehouse.Env, s settings, rest, grpcHost string, o call.Options) (*db, error) {
	if env.Log == nil {
		env.Log = slog.New(slog.DiscardHandler)
	}
	var restOptions, grpcOptions []option.ClientOption
	if rest != "" {
		restOptions = []option.ClientOption{option.WithEndpoint("http://" + rest + "/bigquery/v2/"), option.WithoutAuthentication()}
		grpcOptions = []option.ClientOption{
			option.WithEndpoint(grpcHost), option.WithoutAuthentication(),
			option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
		}
	}
	client, err := bq.NewClient(ctx, s.Project, restOptions...)
	if err != nil {
		return nil, withoutCredentials(err)
	}
	client.Location = s.Location
	reads, err := storage.NewBigQueryReadClient(ctx, append(grpcOptions, option.WithGRPCConnectionPool(min(4, s.ReadStreams)))...)
	if err != nil {
		return nil, errors.Join(withoutCredentials(err), client.Close())
	}
	o.Location, o.Log, o.Budget = s.Location, env.Log, s.budget
	o.Labels = map[string]string{"application": "segments", "dataset": s.output.name}
	o.Default = client.DatasetInProject(s.output.project, s.output.name)
	d := &db{
		settings: s, env: env, bq: client, reads: reads, call: call.New(client, o), plain: map[string]string{},
		rows:      readrows.New(reads, readrows.Options{Project: s.Project, Streams: s.ReadStreams, Memory: s.memory, Log: env.Log}),
		leaseTime: 2 * time.Minute,
	}
	d.over, d.end = context.WithCancel(context.Background())
	return d, nil
}

// withoutCredentials is err of finding the Application Default Credentials. In a pod they may be there a moment later,
// when the metadata server answers.
func withoutCredentials(err error) error {
	if os.Getenv("KUBERNETES_SERVICE_HOST") != "" {
		return fmt.Errorf("%w: %s; the pod needs a service account (Workload Identity)", warehouse.ErrTemporary, oneLine(err))
	}
	return fmt.Errorf("%w: %s; log in: gcloud auth application-default login", warehouse.ErrPermission, oneLine(err))
}

func (d *db) Dialect() sql.Dialect { return sql.BigQuery }

// leastBilled is what BigQuery bills for each table that a query reads (Google's page "Estimate and control costs").
const leastBilled = 10 << 20

func (d *db) Charges() warehouse.Charges {
	return warehouse.Charges{Bytes: d.call.Billed(), Budget: d.budget, Least: leastBilled, Price: warehouse.Price(d.Price)}
}

// Close gives the lease back and removes what the run staged; what it cannot remove now expires.
func (d *db) Close() error {
	if d.closed.Swap(true) {
		return nil
	}
	d.end()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	d.mu.Lock()
	c := d.claim
	d.claim = nil
	d.mu.Unlock()
	if c != nil {
		if err := d.release(ctx, c); err != nil {
			d.env.Log.Warn("the lease was not given back; it ends by itself", "after", d.leaseTime.String(), "error", err)
		}
	}
	return errors.Join(d.reads.Close(), d.bq.Close())
}

// alive returns the context of a call: it ends with ctx and with the warehouse.
func (d *db) alive(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if d.closed.Load() {
		return nil, nil, errClosed
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(d.over, func() { cancel(errClosed) })
	return ctx, func() { stop(); cancel(context.Canceled) }, nil
}

// nonce returns a word that nobody else has.
func nonce() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// outputTable returns the published table called name.
func (d *db) outputTable(name string) *bq.Table {
	return d.bq.DatasetInProject(d.output.project, d.output.name).Table(name)
}

// stagingTable returns the staged table called name.
func (d *db) stagingTable(name string) *bq.Table {
	return d.bq.DatasetInProject(d.staging.project, d.staging.name).Table(name)
}

// quoted is how SQL names t.
func quoted(t *bq.Table) string {
	return "`" + t.ProjectID + "`.`" + t.DatasetID + "`.`" + t.TableID + "`"
}

// resource is how the Storage API names t.
func resource(t *bq.Table) string {
	return "projects/" + t.ProjectID + "/datasets/" + t.DatasetID + "/tables/" + t.TableID
}

func (d *db) published(name string) string { return quoted(d.outputTable(name)) }
